import assert from "node:assert/strict";
import { usage } from "../../../support/usage.ts";
import postgres from "../../../../src/providers/relational/postgres/mod.ts";
import { onServers } from "./support.ts";

onServers("the named permissions are enough, and PG* variables mean nothing", async (database) => {
  const config = postgres.config.parse(postgres.urls!.parse(database.url, "/"));
  const { net, read = [], env = [] } = postgres.permissions(config, usage("/"));
  assert.deepEqual([read, env], [[], []]);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", `--allow-net=${net}`],
      new URL("./least_privilege.ts", import.meta.url).pathname,
      database.url,
    ],
    env: { PGHOST: "nowhere.invalid", PGPORT: "1", PGTARGETSESSIONATTRS: "standby" },
    stdout: "null",
    stderr: "piped",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});
