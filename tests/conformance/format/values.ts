import assert from "node:assert/strict";
import { arrowSchema, wrapBatch, wrapBuffers } from "../../../src/arrow/mod.ts";
import { ConfigurationError, ValueError } from "../../../src/core/errors.ts";
import { JSONText } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import { COMPRESSIONS } from "../../../src/models/format.ts";
import { HOSTILE_STRINGS } from "../provider/values.ts";
import { extremes, FIELDS_OF_EVERY_TYPE } from "../values.ts";
import { type Check, compressionsOf, expected, field, type Row } from "./trial.ts";

/**
 * Rows of every type, so many that they fill bytes of validity bitmaps and batches unevenly. The
 * JSON value null has a check of its own.
 */
export function rowsOfEveryType(times: number, fields = FIELDS_OF_EVERY_TYPE): Row[] {
  const rows = extremes().map((record) =>
    fields.map(({ name }) => {
      const value = record[name]!;
      return value instanceof JSONText && value.text === "null" ? new JSONText("[null]") : value;
    })
  );
  return Array.from({ length: times }, () => rows).flat();
}

const HOSTILE_NAMES = [
  'a"b',
  '"',
  "a,b",
  "a;b|c",
  "a\tb",
  "a\nb",
  "a\r\nb",
  "a\\b",
  "a.b",
  "a'b",
  "a`b",
  "$.x[0]",
  "{y}",
  " ",
  " blanks ",
  "NULL",
  "0",
  "__proto__",
  "constructor",
  "%s",
  "case",
  "CASE",
  "é",
  "e\u0301",
  "zażółć gęślą",
  "日本語",
  "🦕🏳️‍🌈",
  "ż".repeat(32),
  "x".repeat(64),
];

/** Fields with the bits of a value that they do not have. */
function beyondTypes(): [Field, Int32Array | BigInt64Array][] {
  const decimal = (
    precision: number,
    scale: number,
    ...words: bigint[]
  ): [Field, BigInt64Array] => [
    { name: `decimal_${precision}_${scale}`, dtype: "decimal", precision, scale, nullable: true },
    BigInt64Array.of(...words),
  ];
  const micros = (dtype: Field["dtype"], value: bigint): [Field, BigInt64Array] => [
    field(`${dtype}_${value}`, dtype),
    BigInt64Array.of(value),
  ];
  const day = 86_400_000_000n;
  return [
    decimal(9, 2, 10n ** 9n, 0n),
    decimal(9, 0, -(10n ** 9n), -1n),
    decimal(18, 0, 10n ** 18n, 0n),
    decimal(18, 18, -(2n ** 62n), -1n),
    decimal(38, 0, -1n, 2n ** 63n - 1n),
    decimal(38, 10, 0n, -(2n ** 63n)),
    decimal(76, 0, 0n, 0n, 0n, 2n ** 62n),
    micros("time", -1n),
    micros("time", day),
    micros("time", 25n * day / 24n),
    micros("timestamp", 2n ** 63n - 2n),
    micros("timestamp", -100_000_002n * day),
    micros("timestamp_tz", 100_000_000n * day + 1n),
    [field("day_after", "date"), Int32Array.of(100_000_001)],
    [field("day_before", "date"), Int32Array.of(-100_000_002)],
  ];
}

/** The value after zeros for so many others. */
function withValue<A extends Int32Array | BigInt64Array>(value: A, others: number): A {
  const { constructor } = value as unknown as { constructor: { new (length: number): A } };
  const values = new constructor(value.length * (others + 1));
  (values as Int32Array).set(value as Int32Array, value.length * others);
  return values;
}

export const valueChecks = {
  "every type": {
    title: "every type comes back equal: lowest, highest, NULL, empty",
    async run(trial) {
      const rows = rowsOfEveryType(7);
      const file = await trial.write(FIELDS_OF_EVERY_TYPE, rows, { batchRows: 5 });
      assert.deepEqual(
        await trial.read(file, FIELDS_OF_EVERY_TYPE, { batchRows: 9 }),
        expected(rows),
      );
    },
  },
  "inferred fields": {
    title: "the fields that a file tells read all its records",
    async run(trial) {
      const rows = rowsOfEveryType(2);
      const file = await trial.write(FIELDS_OF_EVERY_TYPE, rows);
      const fields = await trial.infer(file);
      assert.deepEqual(
        fields.map(({ name }) => name),
        FIELDS_OF_EVERY_TYPE.map(({ name }) => name),
      );
      const read = await trial.read(file, fields);
      const nulls = (values: readonly (readonly unknown[])[]) =>
        values.map((row) => row.map((value) => value === null));
      assert.deepEqual(nulls(read), nulls(rows));
      if (trial.test.typed) assert.deepEqual(fields, FIELDS_OF_EVERY_TYPE);
    },
  },
  "nullability": {
    title: "fields that hold every value are read as not nullable",
    async run(trial) {
      const fields = FIELDS_OF_EVERY_TYPE.map((given) => ({ ...given, nullable: false }));
      const rows = rowsOfEveryType(1).filter((row) => !row.includes(null));
      assert.ok(rows.length >= 2);
      const file = await trial.write(fields, rows);
      assert.deepEqual(await trial.read(file, fields), expected(rows));
      if (trial.test.typed) assert.deepEqual(await trial.infer(file), fields);
    },
  },
  "hostile strings": {
    title: "hostile strings are kept whole",
    async run(trial) {
      const fields = [field("n", "int32"), field("text", "string")];
      const rows = HOSTILE_STRINGS.flatMap((text, n) => [[n, text], [n, null]]);
      const file = await trial.write(fields, rows);
      assert.deepEqual(await trial.read(file, fields), expected(rows));
    },
  },
  "one field": {
    title: "NULLs and empty strings of a single field are kept, first and last too",
    async run(trial) {
      const fields = [field("only", "string")];
      for (
        const rows of [[[null], [""], ["x"], [""], [null]], [[null]], [[""]], [[null], [null]]]
      ) {
        assert.deepEqual(await trial.read(await trial.write(fields, rows), fields), expected(rows));
      }
    },
  },
  "JSON null": {
    title: "the value null of JSON is told from NULL",
    async run(trial) {
      const fields = [field("n", "int32"), field("document", "json")];
      const rows = [[1, new JSONText("null")], [2, null], [3, new JSONText('"null"')]];
      assert.deepEqual(await trial.read(await trial.write(fields, rows), fields), expected(rows));
    },
  },
  "odd values": {
    title: "U+0000, noncharacters, NaN, infinite dates and far years are kept or refused",
    async run(trial) {
      await trial.keptOrRefused(field("nul", "string"), ["a\0b", "\0"]);
      await trial.keptOrRefused(field("noncharacters", "string"), ["\ufffe", "a\uffffb"]);
      await trial.keptOrRefused(field("single", "float32"), [NaN, 1.5]);
      await trial.keptOrRefused(field("double", "float64"), [NaN, 1.5]);
      for (const dtype of ["date", "timestamp", "timestamp_tz"] as const) {
        await trial.keptOrRefused(field(`a_${dtype}`, dtype), ["infinity", "-infinity", null]);
      }
      for (const year of [-1, 0, 10_000, 99_999]) {
        await trial.keptOrRefused(field("day", "date"), [new Temporal.PlainDate(year, 2, 28)]);
        await trial.keptOrRefused(field("at", "timestamp"), [
          new Temporal.PlainDateTime(year, 2, 28, 23, 59, 59, 999, 999),
        ]);
      }
    },
  },
  "values beyond their type": {
    title: "a value that its column holds and its type does not is refused, never changed",
    async run(trial) {
      for (const [given, raw] of beyondTypes()) {
        const data = wrapBuffers(given, {
          length: 2,
          nullCount: 0,
          nullBitmap: null,
          data: withValue(raw, 1),
        });
        const batch = wrapBatch(arrowSchema([given]), [data], 2);
        const read = trial.writeBatches([given], ReadableStream.from([batch]))
          .then((file) => trial.read(file, [given]));
        await assert.rejects(read, (error) => {
          assert.ok(error instanceof ValueError, `${given.name}: ${error}`);
          assert.deepEqual([error.field, error.row], [given.name, 2], given.name);
          return true;
        });
      }
    },
  },
  "hostile names": {
    title: "hostile field names are kept, and found",
    async run(trial) {
      const fields = HOSTILE_NAMES.map((name) => field(name, "int32"));
      const rows = [fields.map((_, i) => i), fields.map((_, i) => -i - 1)];
      const file = await trial.write(fields, rows);
      assert.deepEqual((await trial.infer(file)).map(({ name }) => name), HOSTILE_NAMES);
      assert.deepEqual(await trial.read(file, fields), expected(rows));
      for (const [i, one] of fields.entries()) {
        assert.deepEqual(await trial.read(file, [one]), expected(rows.map((row) => [row[i]!])));
      }
    },
  },
  "compressions": {
    title: "each compression that it can write is read again, any other is refused",
    async run(trial) {
      const rows = rowsOfEveryType(3);
      for (const compression of COMPRESSIONS) {
        const writing = trial.write(FIELDS_OF_EVERY_TYPE, rows, { compression });
        if (!trial.format.compressions.includes(compression)) {
          await assert.rejects(writing, ConfigurationError);
          continue;
        }
        const file = await writing;
        assert.deepEqual(
          await trial.read(file, FIELDS_OF_EVERY_TYPE, { compression }),
          expected(rows),
        );
        assert.equal(
          (await trial.infer(file, { compression })).length,
          FIELDS_OF_EVERY_TYPE.length,
        );
      }
    },
  },
  "empty": {
    title: "a stream without records makes a file that is read as none",
    async run(trial) {
      for (const settings of compressionsOf(trial)) {
        const file = await trial.write(FIELDS_OF_EVERY_TYPE, [], settings);
        assert.deepEqual(await trial.read(file, FIELDS_OF_EVERY_TYPE, settings), []);
      }
    },
  },
  "fields of an empty file": {
    title: "a file without records has its fields",
    async run(trial) {
      const fields = await trial.infer(await trial.write(FIELDS_OF_EVERY_TYPE, []));
      assert.deepEqual(
        fields.map(({ name }) => name),
        FIELDS_OF_EVERY_TYPE.map(({ name }) => name),
      );
    },
  },
} satisfies Record<string, Check>;
