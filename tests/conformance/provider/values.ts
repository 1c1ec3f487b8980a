import assert from "node:assert/strict";
import { DXTError, ValueError } from "../../../src/core/errors.ts";
import { type DXTRecord, formatValue } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import { extremes, FIELDS_OF_EVERY_TYPE } from "../values.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, relational, rowsOf, type Trial } from "./trial.ts";

/** Text that breaks programs that take text for something else. */
export const HOSTILE_STRINGS = [
  "",
  " ",
  "\t",
  "\r\n",
  "\\",
  "\\.",
  "\\N",
  "NULL",
  "null",
  "NaN",
  "infinity",
  "0x1F",
  "1e309",
  "007",
  "1/2",
  "true",
  "'; DROP TABLE orders; --",
  "Robert'); DROP TABLE students;--",
  "${HOME}",
  "%s%d%n",
  '"quoted"',
  "`back`",
  "a,b;c|d\te",
  "<script>alert(1)</script>",
  "e\u0301 \u00e9",
  "\ufeffBOM",
  "\u202eright to left",
  "\u2028\u2029",
  "\ufffd",
  "\u{10ffff}🏳️‍🌈",
  "\u0001\u0008\u000b\u001f\u007f",
  "x".repeat(100_000),
];

/** Values of a column of numbers without bounds: what few or many digits, or no decimal, hold. */
const NUMBERS = [
  ["4855.52", "14370.35", "9.5", "-0.50"],
  ["9007199254740993", "-9223372036854775808", "10", "9"],
  ["1.414213562373095048801688724209698078570", "3", "-0.00000000000000000001"],
  [`${"9".repeat(38)}.${"9".repeat(38)}`, "0.1"],
  [`${"9".repeat(90)}.5`, "2"],
  ["1.50", "NaN", "Infinity", "-Infinity"],
];

/** A number without closing zeros, which a type with a scale adds. */
const shortest = (text: string) => text.includes(".") ? text.replace(/\.?0+$/, "") : text;

const nullable = (name: string, dtype: Field["dtype"]): Field => ({ name, dtype, nullable: true });

/** Extreme values, without those that the system has no place for. */
function extremesOf(trial: Trial): DXTRecord[] {
  return extremes().map((record) =>
    Object.fromEntries(
      FIELDS_OF_EVERY_TYPE.map((field) => {
        const value = record[field.name];
        return [field.name, value !== undefined && trial.holds(value, field) ? value : null];
      }),
    )
  );
}

export const valueChecks = {
  "every type": {
    title: "every type comes back equal: lowest, highest, NULL, empty",
    async run(trial) {
      const records = extremesOf(trial);
      await trial.load("every_type", FIELDS_OF_EVERY_TYPE, records);
      assert.deepEqual(
        await trial.rows("every_type"),
        trial.expected(FIELDS_OF_EVERY_TYPE, records),
      );
    },
  },
  "values without a place": {
    title: "a value that the system has no place for is refused with its field and row",
    async run(trial) {
      for (const field of FIELDS_OF_EVERY_TYPE) {
        for (const record of extremes()) {
          const value = record[field.name];
          if (trial.holds(value, field)) continue;
          const records = [{ [field.name]: null }, { [field.name]: value! }];
          await assert.rejects(
            trial.load(`without_${field.name}`, [field], records),
            (error) => error instanceof ValueError && error.field === field.name && error.row === 2,
          );
        }
      }
    },
  },
  "fields": {
    title: "fields come back as they were written",
    async run(trial) {
      await trial.load("fields", FIELDS_OF_EVERY_TYPE, extremesOf(trial));
      const shape = ({ name, dtype, precision, scale, nullable }: Field) => ({
        name,
        dtype,
        ...(dtype === "decimal" ? { precision, scale } : {}),
        nullable,
      });
      assert.deepEqual(
        (await trial.fields("fields")).map(shape),
        FIELDS_OF_EVERY_TYPE.map((field) => shape(trial.widen(field))),
      );
    },
  },
  "fields again": {
    title: "what was read and written again has the same fields",
    async run(trial) {
      await trial.load("once", FIELDS_OF_EVERY_TYPE, extremesOf(trial));
      const fields = await trial.fields("once");
      const { records } = await trial.read("once");
      await trial.load("twice", fields, records);
      assert.deepEqual(await trial.fields("twice"), fields);
      assert.deepEqual(await trial.rows("twice"), rowsOf(records));
    },
  },
  "empty": {
    title: "a stream without records makes an empty target with its fields",
    async run(trial) {
      const receipt = await trial.load("empty", ORDER_FIELDS, []);
      assert.equal(receipt.rows, 0);
      assert.deepEqual(
        (await trial.fields("empty")).map(({ name }) => name),
        ORDER_FIELDS.map(({ name }) => name),
      );
      const { proof, records } = await trial.read("empty");
      assert.equal(proof.rows, 0);
      assert.deepEqual(records, []);
    },
  },
  "batch sizes": {
    title: "batches of one row less, the same and one more than there are lose nothing",
    async run(trial) {
      const n = 100;
      const expected = trial.expected(ORDER_FIELDS, orders(0, n));
      for (const batchRows of [n - 1, n, n + 1]) {
        const receipt = await trial.load("batches", ORDER_FIELDS, orders(0, n), { batchRows });
        assert.equal(receipt.rows, n);
        const { sizes, records } = await trial.read("batches", { batchRows });
        assert.ok(sizes.every((size) => size <= batchRows), `batches of ${sizes.join(", ")}`);
        assert.deepEqual(rowsOf(records), expected);
      }
    },
  },
  "hostile strings": {
    title: "hostile strings are kept whole",
    async run(trial) {
      const fields = [nullable("n", "int32"), nullable("text", "string")];
      const records = HOSTILE_STRINGS.map((text, n) => ({ n, text }));
      await trial.load("strings", fields, records);
      assert.deepEqual(await trial.rows("strings"), trial.expected(fields, records));
    },
  },
  "U+0000": {
    title: "U+0000 in text is kept, or refused and the target is as it was",
    run: (trial) => keptOrRefused(trial, nullable("text", "string"), ["a\0b", "\0", "after\0"]),
  },
  "noncharacters": {
    title: "U+FFFE and U+FFFF in text are kept, or refused and the target is as it was",
    run: (trial) => keptOrRefused(trial, nullable("text", "string"), ["\ufffe", "a\uffffb"]),
  },
  "NaN": {
    title: "NaN is kept, or refused and the target is as it was",
    async run(trial) {
      await keptOrRefused(trial, nullable("double", "float64"), [NaN, 1.5]);
      await keptOrRefused(trial, nullable("single", "float32"), [NaN, 1.5]);
    },
  },
  "numbers without bounds": {
    title: "numbers without bounds come back as the same numbers, whatever digits they have",
    async run(trial) {
      const field: Field = { ...nullable("s", "string"), number: true };
      for (const [i, values] of NUMBERS.entries()) {
        const records = [...values, null].map((s) => ({ s }));
        await trial.load(`numbers_${i}`, [field], records);
        // A file that tells no types is read as the pipeline declares it.
        const [there] = await trial.fields(`numbers_${i}`);
        const { records: read } = await trial.read(`numbers_${i}`, {
          projections: [{ field: there!.inferred === true ? field : there!, column: "s" }],
        });
        assert.deepEqual(
          read.map(({ s }) => s === null ? null : shortest(formatValue(s!))).sort(),
          records.map(({ s }) => s && shortest(s)).sort(),
        );
      }
    },
  },
  "guessed decimals": {
    title: "decimals guessed from text are numbers, whatever digits later ones have",
    when: relational,
    async run(trial) {
      const guess = (scale: number): Field => ({
        ...nullable("s", "decimal"),
        precision: 38,
        scale,
        inferred: true,
      });
      const load = (name: string, scale: number, values: readonly string[]) =>
        trial.load(name, [guess(scale)], values.map((s) => ({ s })), { mode: "append" });
      const check = async (name: string, values: readonly string[]) => {
        const [there] = await trial.fields(name);
        assert.ok(there!.dtype === "decimal" || there!.number === true);
        const { records } = await trial.read(name);
        assert.deepEqual(records.map(({ s }) => shortest(formatValue(s!))).sort(), values);
        return there!;
      };
      await load("guessed", 1, ["1.5", "7.0", "9007199254740993.0"]);
      const there = await check("guessed", ["1.5", "7", "9007199254740993"]);
      if (there.number === true) {
        await load("guessed", 3, ["1.125"]);
        await check("guessed", ["1.125", "1.5", "7", "9007199254740993"]);
      }
      await load("long", 20, ["1.5", "7.12345678901234567891"]);
      await check("long", ["1.5", "7.12345678901234567891"]);
    },
  },
  "infinite dates": {
    title: "infinite dates and timestamps are kept, or refused and the target is as it was",
    async run(trial) {
      for (const dtype of ["date", "timestamp", "timestamp_tz"] as const) {
        await keptOrRefused(trial, nullable(`a_${dtype}`, dtype), ["infinity", "-infinity"]);
      }
    },
  },
  "far years": {
    title: "years before 1 and after 9999 are kept, or refused and the target is as it was",
    async run(trial) {
      await keptOrRefused(trial, nullable("day", "date"), [
        new Temporal.PlainDate(-1, 1, 1),
        new Temporal.PlainDate(0, 2, 29),
        new Temporal.PlainDate(10_000, 1, 1),
      ]);
      await keptOrRefused(trial, nullable("at", "timestamp"), [
        new Temporal.PlainDateTime(-1, 1, 1, 1, 1, 1),
        new Temporal.PlainDateTime(10_000, 1, 1),
      ]);
    },
  },
} satisfies Record<string, Check>;

async function keptOrRefused(
  trial: Trial,
  field: Field,
  values: readonly DXTRecord[string][],
): Promise<void> {
  const name = `kept_${field.name}`;
  const records = values.map((value) => ({ [field.name]: value }));
  try {
    await trial.load(name, [field], records);
  } catch (error) {
    assert.ok(error instanceof DXTError, `expected an error of dxt, got ${String(error)}`);
    assert.match(error.message, new RegExp(`"${field.name}"`));
    assert.equal(await trial.exists(name), false, "the target was left behind");
    return;
  }
  assert.deepEqual(await trial.rows(name), trial.expected([field], records));
}
