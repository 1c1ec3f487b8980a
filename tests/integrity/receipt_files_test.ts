import assert from "node:assert/strict";
import { join } from "node:path";
import { listReceipts, readReceipt, ReceiptFolder } from "../../src/integrity/receipt_files.ts";
import type { RunReceipt } from "../../src/models/result.ts";
import { withFolder } from "../support/run.ts";

const makeReceipt = (runId: string, startedAt: string, pipeline = "shop") =>
  ({
    phase: "run",
    file: "shop.yaml",
    result: {
      pipeline,
      run_id: runId,
      status: "succeeded",
      started_at: startedAt,
      duration_ms: 5,
      peak_memory_bytes: 7,
      streams: [],
    },
    digest: "",
  }) as RunReceipt;

Deno.test("receipts are read back, the latest first, and nothing else of the folder", () =>
  withFolder(async (folder) => {
    const receipts = join(folder, "a", "b");
    assert.equal(await listReceipts(receipts), undefined);
    const written = [
      makeReceipt("11111111-a", "2026-03-01T06:00:00.123Z"),
      makeReceipt("22222222-b", "2026-03-01T06:00:01Z", "../sh op/ü"),
    ];
    const paths = written.map((receipt) =>
      new ReceiptFolder(receipts, receipt.result.run_id).write(receipt)
    );
    assert.deepEqual(paths, [
      join(receipts, "20260301T060000Z-shop-11111111.json"),
      join(receipts, "20260301T060001Z-_sh_op_ü-22222222.json"),
    ]);
    await Deno.writeTextFile(join(receipts, "notes.txt"), "");
    await Deno.writeTextFile(join(receipts, ".33333333-c.tmp"), "{");
    assert.deepEqual(await listReceipts(receipts), [
      { path: paths[1], receipt: written[1] },
      { path: paths[0], receipt: written[0] },
    ]);
    assert.equal((await Deno.stat(paths[0]!)).mode! & 0o777, 0o600);
  }));

Deno.test("a run has no file until it ends, so that a killed one leaves none", () =>
  withFolder(async (folder) => {
    new ReceiptFolder(folder, "1");
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  }));

Deno.test("a file that holds no receipt has a problem, with the place in it", () =>
  withFolder(async (folder) => {
    const path = join(folder, "r.json");
    const problems: [string, RegExp][] = [
      ["", /it is not JSON/],
      ["[]", /expected 1|no JSON object/],
      ['{"version": 2}', /its version is 2, expected 1/],
      ['{"version": 1, "phase": "run", "file": "p", "result": {}}', /"result\.pipeline"/],
      ['{"version": 1, "file": "a", "result": {"file": ":"}, "file": "b"}', /it has "file" twice$/],
      ['{"version": 1, "\\u0066ile": "{", "file": "b"}', /it has "file" twice$/],
    ];
    for (const [text, wanted] of problems) {
      await Deno.writeTextFile(path, text);
      const found = await readReceipt(path);
      assert.ok(found !== undefined && "problem" in found, text);
      assert.match(found.problem, wanted);
    }
    assert.equal(await readReceipt(join(folder, "none.json")), undefined);
  }));

Deno.test("a folder that cannot be made is an error before anything is moved", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    assert.throws(
      () => new ReceiptFolder(join(folder, "file", "receipts"), "1"),
      /^ConfigurationError: Cannot write receipts to "/,
    );
  }));
