/** `deno task test:reliability` starts the real servers, runs the suite of faults, and stops the servers. */
import { fileURLToPath } from "node:url";
import { startServices } from "./services.ts";

const SUITE = fileURLToPath(new URL("../tests/reliability/suite.ts", import.meta.url));

const { env, stop } = await startServices(["DXT_TEST_POSTGRES_15", "DXT_TEST_MARIADB"]);
try {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-check", SUITE, ...Deno.args],
    env,
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await stop();
}
