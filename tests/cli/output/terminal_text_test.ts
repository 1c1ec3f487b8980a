import assert from "node:assert/strict";
import fc from "fast-check";
import { formatTable } from "../../../src/cli/output/table.ts";
import {
  displayWidth,
  escapeControls,
  escapeJSON,
  escapeLines,
  truncate,
  truncateMiddle,
} from "../../../src/cli/output/terminal_text.ts";
import {
  bytesText,
  countNoun,
  countText,
  durationText,
} from "../../../src/cli/output/format_units.ts";
import { dxt, fakeEngine, runResult, streamResult } from "../fakes.ts";

const anyText = fc.string({ unit: "binary" });
const STEERING = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

Deno.test("characters take the columns that terminals give them", () => {
  const widths: Record<string, number> = {
    "": 0,
    "abc": 3,
    "größe": 5,
    "gro\u0308\u00dfe": 5,
    "商品": 4,
    "データ": 6,
    "한국어": 6,
    "\u1112\u1161\u11ab": 2,
    "ｆｕｌｌ": 8,
    "ﾊﾝ": 2,
    "🎉": 2,
    "👨‍👩‍👧": 2,
    "🇩🇪": 2,
    "☺️": 2,
    " \u302a": 1,
    "か\u3099": 2,
    "…": 1,
    "—": 1,
    "مرحبا": 5,
  };
  for (const [text, width] of Object.entries(widths)) {
    assert.equal(displayWidth(text), width, JSON.stringify(text));
  }
});

Deno.test("text that is shown steers no terminal, and plain text is shown as it is", () => {
  assert.equal(
    escapeControls("a\u001b[31mb\n\t\u0000\u009b\u202e"),
    "a\\u001b[31mb\\n\\t\\u0000\\u009b\\u202e",
  );
  assert.equal(escapeControls('größe 商品 👨‍👩‍👧 "x" \\'), 'größe 商品 👨‍👩‍👧 "x" \\');
  assert.equal(escapeControls("a\ud800b"), "a\\ud800b");
  fc.assert(fc.property(anyText, (text) => {
    assert.doesNotMatch(escapeControls(text), STEERING);
    assert.doesNotMatch(escapeLines(text).replaceAll("\n", ""), STEERING);
    assert.doesNotMatch(escapeLines(text), /^\s*\n|\n\s*\n|\n$/);
  }));
});

Deno.test("JSON that is shown steers no terminal and means the same", () => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
    const text = escapeJSON(value);
    assert.doesNotMatch(text, STEERING);
    assert.equal(JSON.stringify(JSON.parse(text)), JSON.stringify(value));
  }));
});

Deno.test("text is cut at whole characters, to no more than its columns", () => {
  assert.equal(truncateMiddle("abcdef", 6), "abcdef");
  assert.equal(truncateMiddle("abcdefghij", 6), "abc…ij");
  assert.equal(truncateMiddle("商品商品商品", 6), "商…品");
  assert.equal(truncateMiddle("abc", 1), "…");
  assert.equal(truncate("abcdef", 6), "abcdef");
  assert.equal(truncate("abcdefg", 6), "abcde…");
  assert.equal(truncate("商品商品", 6), "商品…");
  fc.assert(fc.property(anyText, fc.integer({ min: 1, max: 20 }), (text, width) => {
    assert.ok(displayWidth(truncate(text, width)) <= width);
    assert.ok(
      truncate(text, width) === text || text.startsWith(truncate(text, width).slice(0, -1)),
    );
  }));
});

Deno.test("columns of a table are aligned whatever the cells hold", () => {
  const lines = formatTable([{ title: "名" }, { title: "n", align: "right" }, { title: "z" }], [
    [{ text: "abc" }, { text: "1" }, { text: "x" }],
    [{ text: "商品" }, { text: "1,000" }, { text: "x" }],
    [{ text: "e\u0301", style: (text) => `<${text}>` }, { text: "20" }, { text: "x" }],
    [{ text: "short" }],
  ]);
  assert.deepEqual(lines, [
    "名         n  z",
    "abc        1  x",
    "商品   1,000  x",
    "<e\u0301>         20  x",
    "short",
  ]);
});

Deno.test("the last column of a table begins in the same place in each line", () => {
  const row = fc.tuple(anyText, anyText);
  fc.assert(fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
    const [titles, ...lines] = formatTable(
      [{ title: "a" }, { title: "b", align: "right" }, { title: "end" }],
      rows.map((cells) => [...cells, "end"].map((text) => ({ text }))),
    );
    assert.equal(lines.length, rows.length);
    const starts = [titles!, ...lines].map((line) =>
      displayWidth(line.slice(0, line.lastIndexOf("end")))
    );
    assert.equal(new Set(starts).size, 1);
  }));
});

Deno.test("a hostile name of a stream writes no escape to either output", async () => {
  const name = "\u001b]0;owned\u0007\u001b[2J\r\u202eevil";
  const engine = fakeEngine({
    streams: [{ id: name, source: name, tags: [name] }],
    run({ onEvent }) {
      const result = streamResult(name, {
        status: "failed",
        error: { type: "LoaderError", message: name },
      });
      onEvent({ type: "stream_started", stream: name });
      onEvent({ type: "warning", stream: name, message: name });
      onEvent({ type: "stream_finished", stream: name, result });
      return runResult([result], "failed");
    },
  });
  for (
    const args of ["run a.yaml", "run a.yaml -q", "run a.yaml -v", "list a.yaml", "list a.yaml -q"]
  ) {
    const { out, err } = await dxt(args, { engine });
    assert.doesNotMatch((out + err).replaceAll("\n", ""), STEERING);
  }
});

Deno.test("numbers are written for people", () => {
  assert.deepEqual([0, 999, 1000, 1_234_567].map(countText), ["0", "999", "1,000", "1,234,567"]);
  assert.deepEqual([0, 1, 2].map((n) => countNoun(n, "row")), ["0 rows", "1 row", "2 rows"]);
  assert.deepEqual(
    [0, 1023, 1024, 1_572_864, 5 * 1024 ** 4, 3 * 1024 ** 5].map(bytesText),
    ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "5.0 TiB", "3072.0 TiB"],
  );
  assert.deepEqual(
    [0, 999, 1000, 59_949, 59_950, 61_000, 3_599_000, 3_600_000, 90_061_000].map(durationText),
    [
      "0 ms",
      "999 ms",
      "1.0 s",
      "59.9 s",
      "1 min 0 s",
      "1 min 1 s",
      "59 min 59 s",
      "1 h 0 min",
      "25 h 1 min",
    ],
  );
});
