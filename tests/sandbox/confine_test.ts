import assert from "node:assert/strict";
import { PROVIDER_NAMES } from "../../src/providers/resolve.ts";
import { BoundedThread } from "../../src/sandbox/bounds.ts";

Deno.test("dxt's own providers and formats work in a confined thread", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const thread = new BoundedThread(new URL("./own_code_cell.ts", import.meta.url), {
    permissions: { net: false, read: true, write: [folder], env: true, run: false, ffi: false },
  });
  try {
    const answer = await new Promise((done, fail) => {
      thread.onmessage = ({ data }) => done(data);
      thread.onend = fail;
      thread.postMessage(folder);
    });
    const rows = [[1n, "one"], [2n, null]];
    assert.deepEqual(answer, {
      loaded: [...PROVIDER_NAMES],
      sqlite: "x",
      formats: { parquet: rows, csv: rows, json: rows, jsonl: rows, arrow: rows },
    });
  } finally {
    thread.terminate();
    await Deno.remove(folder, { recursive: true });
  }
});
