/** Progress of `dxt diff`, by a clock that the test sets. */
import assert from "node:assert/strict";
import { Printer } from "../../../src/cli/output/printer.ts";
import { ScanProgress } from "../../../src/cli/output/run/scan_progress.ts";
import { fakeIO } from "../fakes.ts";

Deno.test("a comparison that takes long shows the rows that it has read", () => {
  for (const isTerminal of [true, false]) {
    const io = fakeIO({ isTerminal, columns: 60, env: { NO_COLOR: "1" } });
    const printer = new Printer(io, { quiet: false, verbose: false });
    const clock = { now: 0 };
    using progress = new ScanProgress(printer, { interval: 1_000_000, now: () => clock.now });
    progress.onRows("orders", 10);
    progress.show();
    assert.equal(io.err, "", "it has only just begun");
    clock.now = 2000;
    progress.onRows("orders", 1_204_000);
    progress.show();
    assert.match(io.err, /orders.* comparing, 1,204,000 rows read\n/);
    const shown = io.err;
    progress.onRows("others", 10);
    progress.show();
    assert.equal(io.err, shown, "the next stream has only just begun");
    progress.clear();
    const cleared = io.err;
    progress.show();
    assert.equal(io.err, cleared);
  }
});
