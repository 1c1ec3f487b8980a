import assert from "node:assert/strict";
import { ignoreIf, notLinux } from "../support/ignore.ts";
import { fileURLToPath } from "node:url";

Deno.test({
  ...ignoreIf(notLinux, "time, CPU and memory of processes are measured as they are"),
  async fn() {
    const tests = fileURLToPath(new URL("live.ts", import.meta.url));
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", tests],
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stdout);
    assert.equal(code, 0, said);
    assert.match(said, /ok \| \d+ passed \| 0 failed/);
  },
});
