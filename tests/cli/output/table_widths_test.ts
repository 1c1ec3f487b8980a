/** Tables on terminals: nothing wraps, and no figure is lost. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Printer } from "../../../src/cli/output/printer.ts";
import { formatTable } from "../../../src/cli/output/table.ts";
import { displayWidth, wrapText } from "../../../src/cli/output/terminal_text.ts";
import type { RunResult } from "../../../src/models/result.ts";
import { golden } from "../../support/golden.ts";
import { dxt, fakeEngine, fakeIO, runResult, streamResult } from "../fakes.ts";

const RESULT: RunResult = runResult([
  streamResult("orders", {
    mode: "upsert",
    rows_extracted: 12_345_678,
    rows_loaded: 12_345_678,
    bytes_staged: 1_234_567_890,
    duration_ms: 61_500,
    target: "analytics.orders",
    watermark_before: "2025-02-28T23:59:59Z",
    watermark_after: "2025-03-01T05:59:59Z",
  }),
  streamResult("a_stream_whose_name_is_longer_than_those_of_others", {
    mode: "replace",
    status: "failed",
    rows_extracted: 1_234_567,
    rows_loaded: 0,
    target: "analytics.a_stream_whose_name_is_longer_than_those_of_others",
    stage: "/srv/pipelines/.dxt/stage/shop/a_stream_whose_name_is_longer_than_those_of_others",
    error: { type: "LoaderError", message: "Cannot load: disk full" },
  }),
  streamResult("商品", { status: "skipped", rows_extracted: 0, rows_loaded: 0, duration_ms: 0 }),
], "partial");

for (const columns of [60, 80, 200]) {
  Deno.test(`the summary fits ${columns} columns, with every figure`, async () => {
    const io = fakeIO({ isTerminal: true, columns, env: { NO_COLOR: "1" } });
    await dxt("run shop.yaml", { io, engine: fakeEngine({ run: () => RESULT }) });
    await golden(`summary_${columns}.txt`, io.out);
    for (const line of io.out.split("\n")) assert.ok(displayWidth(line) <= columns, line);
    for (const figure of ["12,345,678", "1,234,567", "1.1 GiB", "1 min 2 s"]) {
      assert.ok(io.out.includes(figure), figure);
    }
  });

  for (const command of ["list shop.yaml", "operators list"]) {
    Deno.test(`dxt ${command} fits ${columns} columns`, async () => {
      const io = fakeIO({ isTerminal: true, columns, env: { NO_COLOR: "1" } });
      await dxt(command, { io });
      assert.ok(io.out.split("\n").length > 3, io.err);
      for (const line of io.out.split("\n")) assert.ok(displayWidth(line) <= columns, line);
      assert.match(io.out, command === "operators list" ? /busy_timeout_ms/ : /incremental/);
    });
  }
}

Deno.test("a paragraph fills its first line, and fits the width with an indent", () => {
  const io = fakeIO({ isTerminal: true, columns: 20 });
  new Printer(io, { quiet: false, verbose: false }).paragraph("ok  read  one two three four", 10);
  assert.equal(io.out, `ok  read  one two\n${" ".repeat(10)}three four\n`);
});

Deno.test("any table fits any width, and cells that are not truncated are whole", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 });
  const row = fc.tuple(text, fc.nat(), text);
  fc.assert(fc.property(
    fc.array(row, { minLength: 1, maxLength: 5 }),
    fc.integer({ min: 30, max: 200 }),
    (rows, width) => {
      const lines = formatTable(
        [{ title: "name" }, { title: "rows", align: "right" }, { title: "meaning", wraps: true }],
        rows.map((cells) => cells.map((cell) => ({ text: String(cell) }))),
        width,
      );
      for (const line of lines) assert.ok(displayWidth(line) <= width, line);
      for (const [, figure] of rows) assert.ok(lines.some((line) => line.includes(String(figure))));
    },
  ));
});

Deno.test("a table that is too wide becomes a block of lines for each row", () => {
  const columns = [{ title: "name" }, { title: "rows", align: "right" }, { title: "why" }] as const;
  const rows = [["orders", "1,234,567,890", "because"], ["totals", "1", ""]];
  assert.deepEqual(formatTable(columns, rows.map((row) => row.map((text) => ({ text }))), 24), [
    "orders",
    "  rows  1,234,567,890",
    "  why   because",
    "totals",
    "  rows  1",
  ]);
});

Deno.test("text is wrapped between words, a long word within", () => {
  assert.deepEqual(wrapText("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrapText("abcdefghij", 4), ["abc", "def", "ghij"]);
});
