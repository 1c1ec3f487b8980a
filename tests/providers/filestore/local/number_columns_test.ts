/** Numbers without bounds, such as a numeric of PostgreSQL, in files of each format. */
import assert from "node:assert/strict";
import { SchemaError } from "../../../../src/core/errors.ts";
import type { StreamTarget } from "../../../../src/models/source.ts";
import type { Field } from "../../../../src/models/field.ts";
import { stagedRecords, withStore } from "./support.ts";

const FIELD: Field = { name: "s", dtype: "string", number: true, nullable: true };
const staged = (...values: (string | null)[]) => stagedRecords([FIELD], values.map((s) => ({ s })));

const VALUES = ["4855.52", "14370.35", "9.5", "-0.50", "9007199254740993", null];

for (const format of ["parquet", "arrow"]) {
  Deno.test(`${format}: they are a decimal with the scale that the stage has seen`, () =>
    withStore(async (store) => {
      const name = `a.${format}`;
      await store.load(name, staged(...VALUES));
      const { fields: [field], records } = await store.read(name);
      assert.deepEqual([field!.dtype, field!.precision, field!.scale], ["decimal", 38, 2]);
      assert.deepEqual(records.map(({ s }) => s), [
        ...["4855.52", "14370.35", "9.50", "-0.50", "9007199254740993.00", null],
      ]);
      assert.equal(
        await store.loader.getMaxWatermark({ type: "file", path: name }, "s"),
        "9007199254740993.00",
      );
    }));

  Deno.test(`${format}: those that are added take the decimal that is there, or are refused`, () =>
    withStore(async (store) => {
      const name = `a.${format}`;
      await store.load(name, staged(...VALUES));
      await store.load(name, staged("7", "1.25"));
      assert.deepEqual((await store.read(name)).records.slice(-2).map(({ s }) => s), [
        "7.00",
        "1.25",
      ]);
      const before = await store.read(name);
      for (const value of ["1.125", `1${"0".repeat(36)}`, "NaN", "Infinity", "-0.001"]) {
        await assert.rejects(store.load(name, staged("1", value)), (error) => {
          assert.ok(error instanceof SchemaError);
          assert.match(error.message, /^Cannot add to "a\.\w+": column "s" is decimal\(38,2\), /);
          assert.match(
            error.message,
            /fields: \[\{ id: s, dtype: decimal, precision: …, scale: … \}\]/,
          );
          return true;
        });
      }
      assert.deepEqual((await store.read(name)).records, before.records);
      await store.load(name, staged("1.125"), "replace");
      assert.deepEqual((await store.read(name)).records, [{ s: "1.125" }]);
    }));

  Deno.test(`${format}: a folder's parts have one type, or none is added`, () =>
    withStore(async (store) => {
      const target: StreamTarget = { type: "directory", path: "f", format: format as "parquet" };
      await store.load(target, staged("1.25"));
      await store.load(target, staged("2.5"));
      await assert.rejects(store.load(target, staged("2.555")), /decimal\(38,2\)/);
      const { fields: [field], records } = await store.read({ ...target, recursive: false });
      assert.deepEqual([field!.dtype, field!.scale], ["decimal", 2]);
      assert.deepEqual(records.map(({ s }) => s).sort(), ["1.25", "2.50"]);
    }));

  for (const value of ["NaN", "-Infinity", "9".repeat(77), `0.${"1".repeat(77)}`]) {
    Deno.test(`${format}: with ${value.slice(0, 12)} they are text, and a warning says so`, () =>
      withStore(async (store) => {
        const name = `a.${format}`;
        await store.load(name, staged("1.50", value, null));
        const { fields: [field], records } = await store.read(name);
        assert.deepEqual([field!.dtype, field!.number], ["string", true]);
        assert.deepEqual(records.map(({ s }) => s), ["1.50", value, null]);
        assert.match(
          store.warnings.join(),
          /^Field "s" is text in the \w+ file, which sorts as text/,
        );
        await store.load(name, staged("7"));
        assert.deepEqual((await store.read(name)).records.at(-1), { s: "7" });
      }));
  }

  Deno.test(`${format}: a stage without values leaves room on both sides of the point`, () =>
    withStore(async (store) => {
      for (const [i, none] of [staged(), staged(null, null)].entries()) {
        const name = `${i}.${format}`;
        await store.load(name, none);
        await store.load(name, staged("12345678901234567890.5"));
        assert.equal(
          (await store.read(name)).records.at(-1)!["s"],
          "12345678901234567890.500000000000000000",
        );
      }
    }));
}

for (const format of ["json", "jsonl"]) {
  Deno.test(`${format}: they are numbers with all their digits, others are strings`, () =>
    withStore(async (store) => {
      const values = [...VALUES, "NaN", "Infinity", `${"9".repeat(90)}.10`, "007", ""];
      await store.load(`a.${format}`, staged(...values));
      const text = (await store.text(`a.${format}`)).match(/(?<="s":)[^}]*/g);
      assert.deepEqual(text, [
        ...[
          "4855.52",
          "14370.35",
          "9.5",
          "-0.50",
          "9007199254740993",
          "null",
          '"NaN"',
          '"Infinity"',
        ],
        ...[`${"9".repeat(90)}.10`, '"007"', '""'],
      ]);
      // What is added finds them as they are.
      await store.load(`a.${format}`, staged("1.50"));
      const { records } = await store.read(`a.${format}`, undefined, [FIELD]);
      assert.deepEqual(records.map(({ s }) => s), [...values, "1.50"]);
    }));
}

for (const format of ["csv", "tsv"]) {
  Deno.test(`${format}: they are the text that they are`, () =>
    withStore(async (store) => {
      await store.load(`a.${format}`, staged("4855.52", "1.50", "NaN"));
      assert.equal(await store.text(`a.${format}`), "s\n4855.52\n1.50\nNaN\n");
    }));
}
