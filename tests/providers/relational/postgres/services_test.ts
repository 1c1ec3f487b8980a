import assert from "node:assert/strict";
import { startServer } from "../../../../scripts/services/process.ts";
import { ignoreIf, notLinux } from "../../../support/ignore.ts";

const gone = (pid: number) => {
  try {
    Deno.kill(pid, "SIGCONT");
    return false;
  } catch {
    return true;
  }
};

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!await holds()) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const written = (path: string) => Deno.readTextFile(path).then((t) => t !== "", () => false);
const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

/** Waits until it is interrupted, as a server does, and tells its process id. */
const SERVER = `Deno.writeTextFileSync(Deno.args[0] + "/pid", String(Deno.pid));
  Deno.addSignalListener("SIGINT", () => Deno.exit(0));
  setInterval(() => {}, 1000);`;
const serverArgs = (
  folder: string,
) => ["run", "-A", "--no-config", "--quiet", urlOf(SERVER), folder];
const urlOf = (script: string) => `data:application/typescript,${encodeURIComponent(script)}`;

Deno.test(
  ignoreIf(notLinux, "a server that is stopped is gone, with its folder"),
  async () => {
    const folder = await Deno.makeTempDir();
    const server = startServer(Deno.execPath(), serverArgs(folder), {
      folder,
      log: `${folder}/log`,
      user: undefined,
    });
    await until(() => written(`${folder}/pid`), "it did not start");
    const pid = Number(await Deno.readTextFile(`${folder}/pid`));
    assert.equal(gone(pid), false);
    await server.stop();
    assert.equal(gone(pid), true);
    assert.equal(await exists(folder), false);
  },
);

Deno.test(ignoreIf(notLinux, "a server whose parent was killed is gone too"), async () => {
  const folder = await Deno.makeTempDir();
  const module = new URL("../../../../scripts/services/process.ts", import.meta.url).href;
  const script = `import { startServer } from ${JSON.stringify(module)};
    startServer(Deno.execPath(), ${JSON.stringify(serverArgs(folder))}, {
      folder: ${JSON.stringify(folder)}, log: ${JSON.stringify(`${folder}/log`)}, user: undefined,
    });
    setInterval(() => {}, 1000);`;
  const parent = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-config",
      "--quiet",
      urlOf(script),
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(() => written(`${folder}/pid`), "it did not start");
  const pid = Number(await Deno.readTextFile(`${folder}/pid`));
  parent.kill("SIGKILL");
  await parent.status;
  await until(() => gone(pid), "the server outlived its parent");
  await until(async () => !await exists(folder), "its folder was left behind");
});
