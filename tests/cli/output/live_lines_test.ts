import assert from "node:assert/strict";
import { LiveLines } from "../../../src/cli/output/live_lines.ts";
import { Printer } from "../../../src/cli/output/printer.ts";
import { Progress } from "../../../src/cli/output/progress.ts";
import { displayWidth } from "../../../src/cli/output/terminal_text.ts";
import { fakeIO, streamResult } from "../fakes.ts";

/** A terminal in miniature: what stands on its lines after text was written to it. */
function screen(text: string, columns: number): string[] {
  // deno-lint-ignore no-control-regex
  const plain = text.replaceAll(/\u001b\[\d+m/g, "");
  const lines: string[] = [""];
  let at = 0;
  // deno-lint-ignore no-control-regex
  for (const [part] of plain.matchAll(/\u001b\[\d*[A-Za-z]|[^]/gu)) {
    // deno-lint-ignore no-control-regex
    const up = /^\u001b\[(\d+)A$/.exec(part);
    if (up !== null) at = Math.max(0, at - Number(up[1]));
    else if (part === "\u001b[J") lines.splice(at, Infinity, "");
    else if (part === "\n") lines[++at] ??= "";
    else if (part !== "\r") {
      lines[at] += part;
      assert.ok(displayWidth(lines[at]!) < columns, `broken line: ${lines[at]}`);
    }
  }
  return lines;
}

for (const columns of [80, 120, 200]) {
  Deno.test(`lines are drawn again in place in ${columns} columns, CJK names too`, () => {
    const io = fakeIO({ isTerminal: true, columns });
    const printer = new Printer(io, { quiet: false, verbose: false });
    using progress = new Progress(printer, "run", 1_000_000);
    const name = "商品マスター在庫管理テーブル".repeat(5);
    for (const stream of ["orders", name]) {
      progress.onEvent({ type: "stream_started", stream });
      progress.onEvent({ type: "progress", stream, phase: "extract", rows: 10, bytes: 2048 });
    }
    progress.draw();
    progress.draw();
    printer.warning("late", "orders");
    const drawn = screen(io.err, columns);
    assert.equal(drawn[0], "warning: orders: late");
    assert.match(drawn[1]!, /^orders +extracting {2}10 rows/);
    assert.match(drawn[2]!, /^商品/);
    assert.equal(drawn.length, 4);
    progress.onEvent({ type: "stream_finished", stream: "orders", result: streamResult("orders") });
    assert.match(screen(io.err, columns)[1]!, /^orders: succeeded/);
  });
}

Deno.test("an early load is told when all is extracted, and each phase by its own rate", async () => {
  const io = fakeIO({ isTerminal: true, columns: 120 });
  const printer = new Printer(io, { quiet: false, verbose: false });
  using progress = new Progress(printer, "run", 1_000_000);
  const stream = "orders";
  const line = async () => {
    // Less than a millisecond has no rate.
    await new Promise((resolve) => setTimeout(resolve, 5));
    progress.draw();
    return screen(io.err, 120).at(-2)!;
  };
  const moved = (phase: "extract" | "load", rows: number, total?: number) =>
    progress.onEvent({
      ...{ type: "progress", stream, phase, rows, bytes: 0 },
      ...(total === undefined ? {} : { total }),
    });
  progress.onEvent({ type: "stream_started", stream });
  moved("extract", 60, 100);
  moved("load", 40);
  assert.match(await line(), /^orders {2}extracting {2}60 rows .* ETA /);
  moved("extract", 120, 100);
  assert.doesNotMatch(await line(), /ETA/);
  progress.onEvent({ type: "phase_finished", stream, phase: "extract", rows: 120, ms: 5 });
  moved("load", 40);
  assert.match(await line(), /^orders {2}loading {2}40 rows/);
  assert.doesNotMatch(await line(), /rows\/s/);
  moved("load", 90);
  assert.match(await line(), /^orders {2}loading {2}90 rows .* rows\/s {2}ETA /);
});

Deno.test("what a narrower terminal has broken is cleared whole", () => {
  const size = { columns: 80, rows: 24 };
  let written = "";
  const lines = new LiveLines({
    isTerminal: true,
    get columns() {
      return size.columns;
    },
    get rows() {
      return size.rows;
    },
    write(text) {
      written += text;
    },
  });
  lines.draw(["x".repeat(70), "y"]);
  size.columns = 40;
  written = "";
  lines.clear();
  assert.equal(written, "\r\u001b[3A\u001b[J");
});

Deno.test("more streams than the terminal has lines are counted", () => {
  const io = fakeIO({ isTerminal: true });
  new LiveLines(io.stderr).draw(Array.from({ length: 30 }, (_, i) => `stream ${i}`));
  const lines = io.err.trimEnd().split("\n");
  assert.equal(lines.length, 23);
  assert.equal(lines.at(-1), "… and 8 more");
});

Deno.test("nothing is drawn in a pipe, with --quiet, or on a dumb terminal", () => {
  const live = (io: ReturnType<typeof fakeIO>, quiet = false) =>
    new Printer(io, { quiet, verbose: false }).isLive;
  assert.equal(live(fakeIO({ isTerminal: true })), true);
  assert.equal(live(fakeIO()), false);
  assert.equal(live(fakeIO({ isTerminal: true }), true), false);
  assert.equal(live(fakeIO({ isTerminal: true, env: { TERM: "dumb" } })), false);
});
