/**
 * Numbers without bounds, such as a numeric of PostgreSQL or a decimal guessed from a CSV: numbers where SQLite keeps
 * each of them.
 */
import assert from "node:assert/strict";
import { ValueError } from "../../../../src/core/errors.ts";
import { conversionInNew } from "../../../../src/providers/relational/sqlite/types/conversion.ts";
import { typeMapper } from "../../../../src/providers/relational/sqlite/types/type_mapper.ts";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import { stagedOf } from "../../../support/staged.ts";
import { type Database, field, withDatabase } from "./support.ts";

const NUMBER = field("s", "string", { number: true });
const GUESSED = field("s", "decimal", { precision: 76, scale: 32, inferred: true });
const UNBOUNDED = { "numbers as text": NUMBER, "guessed decimals": GUESSED };
const rows = (values: readonly (string | null)[]) => values.map((s) => ({ s }));

/** The two ways in which a table is written: page by page, and by statements. */
const WAYS: Record<string, string> = { pages: "", statements: "CREATE TABLE other (x)" };

interface Case {
  readonly values: readonly (string | null)[];
  /** Storage class of each value. */
  readonly kept: readonly string[];
  /** The highest one, as SQLite itself finds it. */
  readonly max: unknown;
}

const KEPT: Record<string, Case> = {
  "prices": {
    values: ["4855.52", "14370.35", "9.5", null],
    kept: ["real", "real", "real", "null"],
    max: 14370.35,
  },
  "sums of whole numbers": {
    values: ["9", "10", "9007199254740993", "-9223372036854775808"],
    kept: ["integer", "integer", "integer", "integer"],
    max: 9007199254740993n,
  },
  "closing zeros": {
    values: ["2.5000000000000000", "10.000", "-0.00", "1.10"],
    kept: ["real", "integer", "integer", "real"],
    max: 10,
  },
  "few digits far from the point": {
    values: ["100000000000000000000", "0.00000000000000000012", "123456789012345"],
    kept: ["real", "real", "integer"],
    max: 1e20,
  },
  "15 digits": {
    values: ["0.123456789012345", "-99999999999.9999", "99999999999999.9"],
    kept: ["real", "real", "real"],
    max: 99999999999999.9,
  },
};

const TEXT: Record<string, readonly (string | null)[]> = {
  "a root": ["1.414213562373095", "10"],
  "an average": ["9.5", "1618.3400000400000001"],
  "a number beyond int64": ["9223372036854775808", "9"],
  "NaN": ["1.5", "NaN"],
  "an infinity": ["-Infinity", null, "2"],
  "a number beyond all doubles": [`1${"0".repeat(400)}`],
  "many digits": ["123456789012345678901234567890.1234567890", "-1"],
};

const withoutZeros = (text: string | null) =>
  text === null ? null : text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "").replace(/^-0$/, "0");

function classes(database: Database): unknown[] {
  return database.rows("SELECT typeof(s) FROM t ORDER BY rowid").flat();
}

/** Whether a decimal can be the value: it has no NaN, no infinity, and 76 digits at most. */
const isDecimal = (text: string | null) => text === null || /^-?[\d.]{1,60}$/.test(text);

for (const [way, sql] of Object.entries(WAYS)) {
  for (const [kind, unbounded] of Object.entries(UNBOUNDED)) {
    for (const [what, { values, kept, max }] of Object.entries(KEPT)) {
      Deno.test(`${kind}: ${what} are numbers, written by ${way}`, () =>
        withDatabase(async (database) => {
          if (sql !== "") database.sql(sql);
          const { evidence } = await database.load("t", [unbounded], rows(values));
          assert.match(evidence, way === "pages" ? /wrote a new table/ : /changed/);
          assert.deepEqual(classes(database), kept);
          assert.deepEqual(database.rows(`SELECT max(s) = ${max} FROM t`), [[1]]);
          assert.deepEqual(await database.read("t"), rows(values.map(withoutZeros)));
          const [read] = await database.fields("t");
          assert.deepEqual([read!.dtype, read!.number], ["string", true]);
          assert.deepEqual(database.rows("PRAGMA integrity_check"), [["ok"]]);
          assert.deepEqual(database.warnings, []);
        }));
    }
    for (const [what, values] of Object.entries(TEXT)) {
      if (unbounded === GUESSED && !values.every(isDecimal)) continue;
      Deno.test(`${kind}: ${what} makes the column text, with a warning, written by ${way}`, () =>
        withDatabase(async (database) => {
          if (sql !== "") database.sql(sql);
          await database.load("t", [unbounded], rows(values));
          const stored = await database.read("t");
          assert.deepEqual(
            unbounded === NUMBER
              ? stored
              : stored.map(({ s }) => ({ s: withoutZeros(s as string) })),
            rows(unbounded === NUMBER ? values : values.map(withoutZeros)),
          );
          assert.deepEqual(new Set(classes(database)).has("real"), false);
          const [read] = await database.fields("t");
          assert.deepEqual([read!.dtype, read!.number], ["string", true]);
          const [warning, ...others] = database.warnings;
          assert.match(
            warning!,
            /^Column "s" of "t" is text, which sorts as text: "[^"]+" is no int64/,
          );
          assert.match(warning!, /fields: \[\{ id: s, dtype: decimal, precision: …, scale: … \}\]/);
          assert.deepEqual(others, []);
        }));
    }
  }

  Deno.test(`a late value that SQLite would round makes its column text alone, written by ${way}`, () =>
    withDatabase(async (database) => {
      if (sql !== "") database.sql(sql);
      const prices = ["a", "b", "c"].map((name) => ({ ...GUESSED, name, scale: 20 }));
      const records = Array.from({ length: 3000 }, (_, i) => ({
        a: "1.5",
        b: i === 2500 ? "1.41421356237309505" : String(i),
        c: i === 2999 ? "9223372036854775808.5" : "-0.25",
      }));
      const { rows } = await database.load("t", prices, records);
      assert.equal(rows, 3000);
      const types = "SELECT count(*), typeof(a), typeof(b), typeof(c) FROM t GROUP BY 2, 3, 4";
      assert.deepEqual(database.rows(types), [[3000, "real", "text", "text"]]);
      const found = database.rows(
        "SELECT sum(a), max(b), max(c) FROM t WHERE rowid IN (2501, 3000)",
      );
      assert.deepEqual(found, [[
        3,
        "2999.00000000000000000000",
        "9223372036854775808.50000000000000000000",
      ]]);
      assert.equal(database.warnings.length, 1);
      assert.match(
        database.warnings[0]!,
        /^Column "b" of "t" is text, .*"1\.41421356237309505000" is no int64 .*; also text: "c"$/,
      );
    }));
}

Deno.test("a column that evolve adds is text where a value needs it, the others keep their types", () =>
  withDatabase(async (database) => {
    const added = { ...GUESSED, name: "late" };
    await database.load("t", [GUESSED], rows(["1.5"]));
    const evolve = (records: DXTRecord[]) =>
      database.loader.load({
        target: { type: "relation", name: "t" },
        staged: stagedOf([GUESSED, added], records),
        mode: "append",
        upsertKeys: [],
        schema: "evolve",
        signal: new AbortController().signal,
      });
    const long = "1.41421356237309505";
    await assert.rejects(evolve([{ s: long, late: long }]), { field: "s", row: 1 });
    assert.deepEqual(database.warnings, []);
    await evolve([{ s: "2", late: long }]);
    assert.deepEqual(database.rows("SELECT s, typeof(late) FROM t"), [[1.5, "null"], [2, "text"]]);
    assert.match(database.warnings.join(), /^Column "late" of "t" is text/);
  }));

Deno.test("a table of numbers refuses one that SQLite would change, and stays as it was", () =>
  withDatabase(async (database) => {
    for (const declared of ["NUMERIC_ANY", "NUMERIC", "NUMERIC(12,2)", "MONEY"]) {
      database.sql(`DROP TABLE IF EXISTS t; CREATE TABLE t (s ${declared})`);
      await database.load("t", [NUMBER], rows(["4.50", "12"]));
      assert.deepEqual(database.rows("SELECT s FROM t"), [[4.5], [12]]);
      for (
        const s of ["1.41421356237309505", "9223372036854775808.5", "NaN", "12345678901234567890"]
      ) {
        await assert.rejects(database.load("t", [NUMBER], rows(["1", s])), (error) => {
          assert.ok(error instanceof ValueError, declared);
          assert.deepEqual([error.field, error.row, error.value], ["s", 2, s], declared);
          return true;
        });
      }
      assert.deepEqual(database.rows("SELECT s FROM t"), [[4.5], [12]], declared);
    }
  }));

Deno.test("columns of text keep the digits of a number as they are", () =>
  withDatabase(async (database) => {
    for (const declared of ["TEXT", "VARCHAR(99)", "NUMERIC_TEXT"]) {
      database.sql(`DROP TABLE IF EXISTS t; CREATE TABLE t (s ${declared})`);
      const values = ["4.50", "NaN", "1.41421356237309505"];
      await database.load("t", [NUMBER], rows(values));
      assert.deepEqual(database.rows("SELECT s FROM t").flat(), values);
    }
  }));

Deno.test("guessed decimals that are added to a table of numbers are numbers, or refused", () =>
  withDatabase(async (database) => {
    const guess = (scale: number) => ({ ...GUESSED, precision: 38, scale });
    await database.load("t", [guess(1)], rows(["1.5", "7.0"]));
    await database.load("t", [guess(2)], rows(["1.25", "9007199254740993.00"]));
    const stored = [["real"], ["integer"], ["real"], ["integer"]];
    assert.deepEqual(database.rows("SELECT typeof(s) FROM t ORDER BY rowid"), stored);
    const long = "0.30000000000000004";
    await assert.rejects(database.load("t", [guess(17)], rows(["1.25", long])), (error) => {
      assert.ok(error instanceof ValueError);
      assert.deepEqual([error.field, error.row], ["s", 2]);
      assert.match(error.detail, /a column declared NUMERIC_TEXT keeps it as text$/);
      return true;
    });
    assert.deepEqual(database.rows("SELECT typeof(s) FROM t ORDER BY rowid"), stored);
    assert.deepEqual(database.warnings, []);
  }));

Deno.test("a plan never calls a number without bounds exact", () => {
  for (
    const declared of [
      "NUMERIC_ANY",
      "NUMERIC_TEXT",
      "TEXT",
      "NUMERIC",
      "NUMERIC(12,2)",
      "REAL",
      "INTEGER",
    ]
  ) {
    for (const unbounded of Object.values(UNBOUNDED)) {
      const { kind, note } = conversionInNew(unbounded, declared);
      assert.notEqual(kind, "exact", declared);
      if (unbounded === NUMBER) assert.notEqual(note, undefined, declared);
    }
  }
});

const TOLD = {
  "decimal of 38 digits": { wide: field("s", "decimal", { precision: 38, scale: 2 }), told: true },
  "decimal of 16 digits": { wide: field("s", "decimal", { precision: 16, scale: 2 }), told: true },
  "uint64": { wide: field("s", "uint64"), told: true },
  "decimal of 15 digits": { wide: field("s", "decimal", { precision: 15, scale: 2 }), told: false },
  "asked for by target_type": {
    wide: field("s", "decimal", { precision: 38, scale: 2, target_type: "TEXT" }),
    told: false,
  },
  "the same column in SQLite": {
    wide: field("s", "decimal", {
      precision: 38,
      scale: 2,
      source_type: "sqlite:DECIMAL_TEXT(38,2)",
    }),
    told: false,
  },
  "text": { wide: field("s", "string"), told: false },
};

Deno.test("one warning names all columns of numbers that are text", () =>
  withDatabase(async (database) => {
    const wide = ["a", "b", "c"].map((name) => field(name, "decimal", { precision: 38, scale: 1 }));
    await database.load("t", wide, [{ a: null, b: null, c: null }]);
    assert.equal(database.warnings.length, 1);
    assert.match(database.warnings[0]!, /^Column "a" of "t" is text, .*; also text: "b", "c"$/);
  }));

for (const [way, sql] of Object.entries(WAYS)) {
  for (const [what, { wide, told }] of Object.entries(TOLD)) {
    Deno.test(`that a number is text is ${told ? "" : "not "}told: ${what}, written by ${way}`, () =>
      withDatabase(async (database) => {
        if (sql !== "") database.sql(sql);
        await database.load("t", [wide], [{ s: null }]);
        const about = /^Column "s" of "t" is text, which sorts as text, .* declare "fields: \[/;
        assert.deepEqual(
          database.warnings.map((warning) => about.test(warning)),
          told ? [true] : [],
        );
        const note = conversionInNew(wide, typeMapper.toTarget(wide)).note;
        assert.equal(note?.includes("sorts as text") === true, told);
        // A table that exists was told of when it was made.
        await database.load("t", [wide], [{ s: null }]);
        assert.equal(database.warnings.length, told ? 1 : 0);
      }));
  }
}
