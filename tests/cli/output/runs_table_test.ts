/** The table of `dxt runs`. */
import assert from "node:assert/strict";
import { Printer } from "../../../src/cli/output/printer.ts";
import { printRuns } from "../../../src/cli/output/runs_table.ts";
import { displayWidth } from "../../../src/cli/output/terminal_text.ts";
import type { RunReceipt } from "../../../src/models/result.ts";
import { fakeIO } from "../fakes.ts";

const receipt = (phase: RunReceipt["phase"], rows_loaded: number): RunReceipt => ({
  phase,
  file: "shop.yaml",
  digest: "",
  result: {
    pipeline: "shop_to_warehouse",
    run_id: "5f0c21aa-0000-4000-8000-000000000000",
    status: "succeeded",
    started_at: "2026-03-01T06:00:00.123Z",
    duration_ms: 5,
    peak_memory_bytes: 7,
    streams: [{
      ...{ stream: "orders", status: "succeeded", rows_extracted: 41, rows_loaded },
      ...{
        bytes_staged: 9,
        files_staged: 1,
        warnings: [],
        duration_ms: 5,
        extract_ms: 3,
        load_ms: 2,
      },
    }],
  },
});

for (const columns of [60, 80, 200]) {
  Deno.test(`runs fit ${columns} columns, with their whole time and the rows that they moved`, () => {
    const io = fakeIO({ isTerminal: true, columns, env: { NO_COLOR: "1" } });
    printRuns(
      [receipt("extract", 0), receipt("load", 40)],
      new Printer(io, { quiet: false, verbose: false }),
    );
    const [titles, extract, load] = io.out.trimEnd().split("\n");
    for (const line of [titles!, extract!, load!]) assert.ok(displayWidth(line) <= columns, line);
    assert.match(extract!, /^2026-03-01 06:00:00Z +shop_.* succeeded .*\b41 +5 ms/);
    assert.match(load!, / 40 +5 ms/);
  });
}
