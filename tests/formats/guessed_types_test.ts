/** Where a type was guessed, only what would have led to it is read as it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readRecords } from "../../src/arrow/mod.ts";
import { ValueError } from "../../src/core/errors.ts";
import { decimalParts } from "../../src/core/values/number_text.ts";
import { type DXTRecord, formatValue } from "../../src/core/values/values.ts";
import csv from "../../src/formats/csv/csv.ts";
import type { FileFormat } from "../../src/formats/format.ts";
import { TextTypeGuess } from "../../src/formats/inference/type_inference.ts";
import jsonl from "../../src/formats/json/jsonl.ts";
import type { DXTType } from "../../src/models/dtype.ts";
import type { Field } from "../../src/models/field.ts";
import { field, inferAll, inputOf } from "./json/support.ts";

/** Types that a guess from texts may have, and what a guess from one text alone may be for each. */
const ALLOWED: Partial<Record<DXTType, readonly DXTType[]>> = {
  int8: ["int64"],
  int16: ["int64"],
  int32: ["int64"],
  int64: ["int64"],
  uint8: ["int64"],
  uint16: ["int64"],
  uint32: ["int64"],
  uint64: ["int64", "uint64"],
  decimal: ["int64", "uint64", "decimal"],
  float32: ["int64", "uint64", "decimal", "float64"],
  float64: ["int64", "uint64", "decimal", "float64"],
  bool: ["bool"],
  date: ["date"],
  time: ["time"],
  timestamp: ["date", "timestamp"],
  timestamp_tz: ["timestamp_tz"],
};
const GUESSABLE = Object.keys(ALLOWED) as DXTType[];

const fieldOf = (dtype: DXTType): Field =>
  field("v", dtype, dtype === "decimal" ? { precision: 38, scale: 4 } : {});

function guessOf(text: string): DXTType {
  const guess = new TextTypeGuess();
  guess.add(text);
  return guess.field("v").dtype;
}

/** Texts that are nearly a value of some type. */
const digits = fc.stringMatching(/^\d{1,20}$/);
const nearlyText = fc.oneof(
  digits,
  fc.tuple(fc.constantFrom("", "-", "+", " ", "--", "0", "-0"), digits).map((all) => all.join("")),
  fc.tuple(fc.constantFrom("", "-", "+"), digits, fc.constantFrom(".", ".5", ".50", ",5", "e3"))
    .map((all) => all.join("")),
  fc.stringMatching(/^-?\d{0,3}\.?\d{0,6}([eE][+-]?\d{1,3})?$/),
  fc.constantFrom("t", "f", "T", "1", "0", "true", "false", "True", "FALSE", "yes", "no", "tRue"),
  fc.constantFrom("NaN", "nan", "inf", "Infinity", "-Infinity", "+Infinity", "infinity", "NULL"),
  fc.constantFrom("-0", "00", "0.0", "-0.0", "01.5", "1_000", "1,000", "0x10", "1e400", ".", "-"),
  fc.constantFrom("٣", "１２", "1\u00a0000", "1 ", "\t1", "12:30", "24:00:00", "12:00:60", "7:00"),
  fc.stringMatching(/^[012]\d{3}-[01]\d-[0-3]\d$/),
  fc.stringMatching(/^[+-]?[012]\d{3}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(:[0-6]\d(\.\d{1,9})?)?$/),
  fc.stringMatching(/^2024-[01]\d-[0-3]\d[T t][0-2]\d:[0-5]\d:[0-5]\d(Z|z|[+-]\d\d(:?\d\d)?)$/),
  fc.stringMatching(/^[0-2]\d:[0-5]\d(:[0-6]\d(\.\d{1,9})?)?$/),
  fc.string({ maxLength: 6 }),
);

async function readValue(
  format: FileFormat,
  content: string,
  one: Field,
  guess: DXTType | undefined,
): Promise<DXTRecord["v"] | undefined> {
  const projection = { field: one, column: "v", ...(guess === undefined ? {} : { guess }) };
  const bounds = { batchRows: 100, batchBytes: 1 << 20, compression: "none", options: {} } as const;
  try {
    const read = format.read(inputOf(content), { projections: [projection], ...bounds });
    const batches = await Array.fromAsync(read);
    return batches.flatMap((batch) => [...readRecords(batch)]).at(-1)!["v"];
  } catch (error) {
    assert.ok(error instanceof ValueError, String(error));
    return undefined;
  }
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

function sameNumber(a: string, b: string): boolean {
  const [left, right] = [decimalParts(a), decimalParts(b)];
  return left === undefined ? a === b : left.digits === right?.digits &&
    left.exponent === right.exponent && (left.digits === "" || left.negative === right.negative);
}

Deno.test("CSV: a text that would lead to another type is refused, any other is read as it is", async () => {
  const value = fc.tuple(nearlyText, fc.constantFrom(...GUESSABLE));
  await fc.assert(
    fc.asyncProperty(value, async ([text, dtype]) => {
      const content = `v\n${quoted(text)}\n`;
      const read = await readValue(csv, content, fieldOf(dtype), dtype);
      if (!ALLOWED[dtype]!.includes(guessOf(text))) {
        assert.equal(read, undefined, `${JSON.stringify(text)} as ${dtype}`);
      } else if (read !== undefined && ["int", "uin", "dec", "flo"].includes(dtype.slice(0, 3))) {
        const back = formatValue(read!);
        // The text of a 32-bit float is that of the double that it is.
        const ok = dtype === "float32" || sameNumber(text, back);
        assert.ok(ok, `${JSON.stringify(text)} as ${dtype}: ${back}`);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("CSV: a text that leaves the guess as it is, is read", async () => {
  const samples: readonly (readonly [string, readonly string[]])[] = [
    ["7", ["0", "-1", "9223372036854775807", "123456789012"]],
    ["18446744073709551615", ["0", "5", "9223372036854775808"]],
    ["1.50", ["0", "-0.25", "12", "12345678901234567890.12", "0.00"]],
    ["1e3", ["0", "-0.25", "1.5e-7", "NaN", "-Infinity", "Infinity"]],
    ["true", ["false", "True", "FALSE", "TRUE"]],
    ["2024-02-29", ["0001-01-01", "9999-12-31"]],
    ["23:59:59", ["00:00:00.000001"]],
    ["2024-02-29 10:00:00", ["2024-02-29", "2024-02-29T10:00:00.5"]],
    ["2024-02-29T10:00:00Z", ["2024-02-29 10:00:00+02", "2024-02-29T10:00:00.123-05:30"]],
    ["abc", ["007", "true", "", "2024-02-29"]],
  ];
  for (const [sample, texts] of samples) {
    for (const text of texts) {
      const content = `v\n${sample}\n${quoted(text)}\n`;
      const [guessed] = await inferAll(csv, content);
      const read = await readValue(csv, content, guessed!, guessed!.dtype);
      assert.notEqual(read, undefined, `${text} after ${sample}`);
    }
  }
});

/** Values of JSON as text that are nearly those of another type. */
const nearlyJSON = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9]\d{0,22})(\.\d{1,20})?([eE][+-]?\d{1,2})?$/),
  fc.constantFrom("0", "-0", "-0.0", "1.0", "1e2", "1E400", "9007199254740993", "true", "false"),
  fc.constantFrom("[]", "[1]", "{}", '{"a":1}', '"[1]"', '""', '"\\u0031"', '"tr\\u0075e"'),
  nearlyText.map((text) => JSON.stringify(text)),
);

const JSON_SAMPLES = [
  "1",
  "-5",
  "18446744073709551615",
  "1.5",
  "1e-7",
  "0.12345678901234567890",
  "123456789012345678901.5",
  "true",
  '"abc"',
  "[1]",
  '{"a":1}',
] as const;

Deno.test("JSON: a value that would change the guess is refused, any other is read", async () => {
  const pair = fc.tuple(fc.constantFrom(...JSON_SAMPLES), nearlyJSON);
  await fc.assert(
    fc.asyncProperty(pair, async ([sample, text]) => {
      const [before] = await inferAll(jsonl, `{"v":${sample}}`);
      const content = `{"v":${sample}}\n{"v":${text}}\n`;
      const [after] = await inferAll(jsonl, content);
      const read = await readValue(jsonl, content, before!, before!.dtype);
      const same = JSON.stringify(before) === JSON.stringify(after);
      assert.equal(read !== undefined, same, `${text} after ${sample}: ${after!.dtype}`);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("JSON: a text for a target of another type is held to what CSV would take", async () => {
  const value = fc.tuple(nearlyText, fc.constantFrom(...GUESSABLE));
  await fc.assert(
    fc.asyncProperty(value, async ([text, dtype]) => {
      const read = await readValue(jsonl, JSON.stringify({ v: text }), fieldOf(dtype), "string");
      const same = await readValue(csv, `v\n${quoted(text)}\n`, fieldOf(dtype), "string");
      assert.deepEqual(read?.toString(), same?.toString(), `${JSON.stringify(text)} as ${dtype}`);
      if (!ALLOWED[dtype]!.includes(guessOf(text))) assert.equal(read, undefined);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("JSON: a number for a target of another type is the same number, or refused", async () => {
  const cases: readonly (readonly [string, DXTType, DXTType, string | undefined])[] = [
    ["1.0", "float64", "int64", "1"],
    ["1e2", "float64", "int32", "100"],
    ["1.5", "float64", "int64", undefined],
    ["-0", "float64", "int64", undefined],
    ["-0.0", "float64", "decimal", undefined],
    ["5", "int64", "float64", "5"],
    ["9007199254740993", "int64", "float64", undefined],
    ["16777217", "int64", "float32", undefined],
    ["5", "int64", "string", "5"],
    ["1", "int64", "bool", undefined],
    ["true", "bool", "int64", undefined],
    ["20240101", "int64", "date", undefined],
  ];
  for (const [text, guess, dtype, wanted] of cases) {
    const read = await readValue(jsonl, `{"v":${text}}`, fieldOf(dtype), guess);
    assert.equal(
      read === undefined ? undefined : formatValue(read!),
      wanted,
      `${text} as ${dtype}`,
    );
  }
});

Deno.test("a declared type is read generously, and never changes a value in silence", async () => {
  const cases: readonly (readonly [string, DXTType, string | undefined])[] = [
    ["007", "int32", "7"],
    ["+5", "int64", "5"],
    ["-0", "int64", "0"],
    ["01.50", "decimal", "1.5000"],
    ["1", "bool", "true"],
    ["F", "bool", "false"],
    ["+.5", "float64", "0.5"],
    ["inf", "float64", "Infinity"],
    ["2024-02-29", "timestamp", "2024-02-29T00:00:00"],
    ["1e400", "float64", undefined],
    ["0.1234567890123456789", "float64", undefined],
    ["12345678901234567890", "float64", undefined],
    ["1.00005", "decimal", undefined],
    ["1.0", "int64", undefined],
    ["1,000", "int64", undefined],
    [" 5", "int64", undefined],
    ["NULL", "int64", undefined],
  ];
  for (const [text, dtype, wanted] of cases) {
    for (
      const [format, content] of [[csv, `v\n${quoted(text)}\n`], [
        jsonl,
        `{"v":"${text}"}`,
      ]] as const
    ) {
      const read = await readValue(format, content, fieldOf(dtype), undefined);
      assert.equal(
        read === undefined ? undefined : formatValue(read!),
        wanted,
        `${text} as ${dtype}`,
      );
    }
  }
});
