/** Progress lines of a scripted run, by a clock that the test sets. */
import assert from "node:assert/strict";
import { MovingRate } from "../../../src/cli/output/run/moving_rate.ts";
import { Printer } from "../../../src/cli/output/printer.ts";
import { Progress } from "../../../src/cli/output/run/progress.ts";
import { drawBar } from "../../../src/cli/output/run/progress_table.ts";
import { displayWidth } from "../../../src/cli/output/terminal_text.ts";
import type { Phase, RunEvent } from "../../../src/runner/mod.ts";
import { golden } from "../../support/golden.ts";
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

/** A progress that draws only when the test says so, and its terminal. */
function scripted(columns: number, phase: Phase = "run", isTerminal = true) {
  const io = fakeIO({ isTerminal, columns, env: { NO_COLOR: "1" } });
  const printer = new Printer(io, { quiet: false, verbose: false });
  const clock = { now: 0 };
  const progress = new Progress(printer, phase, { interval: 1_000_000, now: () => clock.now });
  return {
    io,
    printer,
    progress,
    at(ms: number, ...events: RunEvent[]) {
      clock.now = ms;
      for (const event of events) progress.onEvent(event);
    },
    frame(): string[] {
      progress.draw();
      return screen(io.err, columns).slice(0, -1);
    },
  };
}

const moved = (
  stream: string,
  phase: "extract" | "load",
  rows: number,
  total?: number,
): RunEvent => ({
  ...{ type: "progress", stream, phase, rows, bytes: phase === "load" ? 0 : rows * 48 },
  ...(total === undefined ? {} : { total }),
});
const started = (stream: string): RunEvent => ({ type: "stream_started", stream });
const LONG = "商品マスター在庫管理テーブル".repeat(2);

for (const columns of [60, 80, 200]) {
  Deno.test(`a run of several streams on ${columns} columns looks as its golden file`, async () => {
    const { progress, at, frame } = scripted(columns);
    using _ = progress;
    const frames: string[] = [];
    const show = (title: string) => frames.push(`# ${title}`, ...frame(), "");
    at(0, { type: "run_planned", streams: 40 }, started("orders"), started("customers"));
    show("before the first second: nothing");
    at(1_000);
    show("1.0 s: nothing has come yet");
    at(1_500, moved("orders", "extract", 50_000, 1_000_000), moved("customers", "extract", 1_204));
    at(2_500, moved("orders", "extract", 181_000, 1_000_000), moved("customers", "extract", 2_408));
    show("2.5 s: one has an estimate");
    at(2_600, {
      type: "phase_finished",
      stream: "customers",
      phase: "extract",
      rows: 2_408,
      ms: 1,
    });
    at(
      2_600,
      { type: "waiting", stream: "customers", reason: "for orders to load" },
      started(LONG),
    );
    at(9_000, moved("orders", "extract", 999_000, 1_000_000), moved(LONG, "extract", 77));
    show("9.0 s: one waits for another");
    at(9_500, moved("orders", "extract", 1_100_000, 1_000_000));
    at(9_500, {
      type: "phase_finished",
      stream: "orders",
      phase: "extract",
      rows: 1_100_000,
      ms: 1,
    });
    at(9_500, { type: "waiting", stream: "orders", reason: "for the target" });
    at(10_000, moved("orders", "load", 220_000));
    at(75_000, moved("orders", "load", 812_000));
    show("75 s: the same clock goes on in the load");
    at(80_000, {
      type: "stream_finished",
      stream: "orders",
      result: streamResult("orders", { rows_extracted: 1_100_000 }),
    });
    show("80 s: one has ended");
    await golden(`progress_${columns}.txt`, frames.join("\n"));
    for (const line of frames) {
      assert.ok(displayWidth(line) < columns || line.startsWith("#"), line);
    }
  });
}

Deno.test("columns stay where they are while numbers grow and shrink", () => {
  const { progress, at, frame } = scripted(120);
  using _ = progress;
  at(0, started("a"), started("b"));
  at(1_000, moved("a", "extract", 999, 5_000_000), moved("b", "extract", 5));
  const bar = /[━╌]/;
  const starts = new Set<number>();
  for (const rows of [999_000, 1_000_000, 4_999_999]) {
    at(2_000 + rows / 1000, moved("a", "extract", rows, 5_000_000), moved("b", "extract", 6));
    const [a] = frame();
    starts.add(a!.search(bar));
  }
  assert.equal(starts.size, 1);
});

Deno.test("warnings stay above the lines, and a stream that succeeded leaves none", () => {
  const { io, printer, progress, at, frame } = scripted(80);
  using _ = progress;
  at(0, started("orders"), moved("orders", "extract", 10));
  at(1_500);
  frame();
  printer.warning("late", "orders");
  assert.deepEqual(frame().map((line) => line.slice(0, 22)), [
    "warning: orders: late",
    "extracting  orders  1.",
  ]);
  at(2_000, { type: "stream_finished", stream: "orders", result: streamResult("orders") });
  assert.doesNotMatch(screen(io.err, 80).join("\n"), /succeeded|extracting/);
});

Deno.test("a run of less than a second draws nothing", () => {
  const { io, progress, at } = scripted(80);
  at(0, started("orders"), moved("orders", "extract", 10));
  progress.draw();
  at(999, { type: "stream_finished", stream: "orders", result: streamResult("orders") });
  progress.draw();
  progress[Symbol.dispose]();
  assert.equal(io.err, "");
});

Deno.test("states differ in color, unless NO_COLOR or --color turn colors off", () => {
  for (
    const [env, color, isColored] of [
      [{}, undefined, true],
      [{ NO_COLOR: "1" }, undefined, false],
      [{}, "never", false],
      [{ NO_COLOR: "1" }, "always", true],
    ] as const
  ) {
    const io = fakeIO({ isTerminal: true, env: { ...env } as Record<string, string> });
    const printer = new Printer(io, { quiet: false, verbose: false, color });
    const clock = { now: 0 };
    using progress = new Progress(printer, "run", { interval: 1e6, now: () => clock.now });
    progress.onEvent(started("a"));
    clock.now = 2_000;
    progress.draw();
    assert.equal(io.err.includes("\u001b[33m"), isColored, JSON.stringify({ env, color }));
  }
});

Deno.test("an estimate that is too low has no share, and a retry begins anew", () => {
  const { progress, at, frame } = scripted(120);
  using _ = progress;
  at(0, started("a"), moved("a", "extract", 60, 100));
  at(1_000, moved("a", "extract", 80, 100));
  assert.match(frame()[0]!, /^extracting {2}a {2}1\.0s {2}[━╌]+ {2}80% {2}80 of ~100 rows/);
  at(1_100, moved("a", "extract", 120, 100));
  assert.match(frame()[0]!, /^extracting {2}a {2}1\.1s .* 120 rows/);
  assert.doesNotMatch(frame()[0]!, /left|~/);
  at(1_200, { type: "phase_finished", stream: "a", phase: "extract", rows: 120, ms: 5 });
  at(1_200, { type: "waiting", stream: "a", reason: "for its next attempt" });
  assert.match(frame()[0]!, /^ +waiting {2}a {2}1\.2s {2}for its next attempt$/);
  at(1_300, moved("a", "extract", 10, 200));
  assert.match(frame()[0]!, /^extracting {2}a .* 5% +10 of ~200 rows/);
});

Deno.test("an early load is shown when everything is extracted, with its own rate", () => {
  const { progress, at, frame } = scripted(120);
  using _ = progress;
  at(0, started("a"), moved("a", "extract", 60, 100));
  at(1_000, moved("a", "extract", 80, 100), moved("a", "load", 40));
  assert.match(frame()[0]!, /^extracting/);
  at(2_000, { type: "phase_finished", stream: "a", phase: "extract", rows: 120, ms: 5 });
  at(2_000, moved("a", "load", 90));
  assert.match(frame()[0]!, /^ +loading {2}a {2}2\.0s .* 75% +90 of 120 rows +50\/s/);
});

Deno.test("a rate is that of the last seconds", () => {
  const rate = new MovingRate();
  assert.equal(rate.perSecond(0), undefined);
  rate.add(0, 0);
  assert.equal(rate.perSecond(0), undefined);
  for (let second = 1; second <= 10; second++) rate.add(second * 100, second * 1000);
  assert.equal(rate.perSecond(10_000), 100);
  for (let second = 11; second <= 20; second++) {
    rate.add(1000 + (second - 10) * 1000, second * 1000);
  }
  assert.equal(rate.perSecond(20_000), 1000);
  // Nothing has come for ten seconds.
  assert.ok(rate.perSecond(30_000)! < 100);
  rate.add(5, 31_000);
  assert.equal(rate.perSecond(31_000), undefined);
});

Deno.test("a bar is as long as its share", () => {
  assert.equal(drawBar(0, 4), "╌╌╌╌");
  assert.equal(drawBar(0.5, 4), "━━╌╌");
  assert.equal(drawBar(0.99, 4), "━━━╌");
  assert.equal(drawBar(1.5, 4), "━━━━");
  assert.equal(drawBar(undefined, 4), "    ");
});
