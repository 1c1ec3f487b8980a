/** Tables of all kinds, functions, and watermarks in the shapes that others write. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import { readRecords } from "../../../../src/arrow/mod.ts";
import { SqliteConnector } from "../../../../src/providers/relational/sqlite/connector.ts";
import { SqliteExtractor } from "../../../../src/providers/relational/sqlite/extractor.ts";
import type { StreamSource } from "../../../../src/models/source.ts";
import { field, withDatabase } from "./support.ts";
import { askBoth, countDifferences } from "../../../support/sqlite.ts";
import { connectContext } from "../../../support/connect_context.ts";

const CHINOOK = fileURLToPath(new URL("../../../data/chinook/chinook.sqlite", import.meta.url));

Deno.test("row numbers that are negative, far apart, highest, or hidden lose no row", () =>
  withDatabase(async (database) => {
    const numbers = [
      "-9223372036854775808",
      "-5",
      "0",
      "1",
      "4611686018427387904",
      "9223372036854775807",
    ];
    database.sql(`CREATE TABLE a (v TEXT);
      CREATE TABLE b (rowid TEXT, v TEXT);
      CREATE TABLE c (rowid TEXT, _rowid_ TEXT, oid TEXT, v TEXT);
      CREATE TABLE d (v TEXT PRIMARY KEY) WITHOUT ROWID`);
    for (const n of numbers) {
      database.sql(`INSERT INTO a (rowid, v) VALUES (${n}, '${n}');
        INSERT INTO b (_rowid_, rowid, v) VALUES (${n}, 'same', '${n}');
        INSERT INTO c VALUES ('x', 'y', 'z', '${n}'); INSERT INTO d VALUES ('${n}')`);
    }
    for (const table of ["a", "b", "c", "d"]) {
      const found = (await database.read(table)).map(({ v }) => v);
      assert.deepEqual(found.sort(), [...numbers].sort(), table);
    }
  }));

Deno.test("generated columns are read, virtual tables too", () =>
  withDatabase(async (database) => {
    database.sql(
      `CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) STORED, c INTEGER AS (a + 1));
      INSERT INTO t VALUES (1); CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('words')`,
    );
    assert.deepEqual(await database.read("t"), [{ a: 1n, b: 2n, c: 2n }]);
    assert.deepEqual(await database.read("f"), [{ body: "words" }]);
    const load = () => database.load("t", [field("b", "int64")], [{ b: 1n }]);
    await assert.rejects(load(), /column "b" is generated/);
  }));

Deno.test("table-valued functions are sources", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (a, b)");
    const each: StreamSource = { type: "function", name: "json_each", args: ["[10,20]"] };
    assert.deepEqual((await database.read(each)).map(({ value }) => value), [10n, 20n]);
    const info: StreamSource = { type: "function", name: "pragma_table_info", args: ["t"] };
    assert.deepEqual((await database.read(info)).map(({ name }) => name), ["a", "b"]);
  }));

Deno.test("a schema other than main, and a target that is no table, are refused by name", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (a TEXT); CREATE VIEW v AS SELECT * FROM t");
    await assert.rejects(database.fields("public.t"), /Cannot find schema "public"/);
    assert.equal((await database.fields("main.t")).length, 1);
    await assert.rejects(database.load("v", [field("a", "string")], []), /it is a view/);
  }));

Deno.test("watermarks are compared as the times that they mean, whatever their shape", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (a DATETIME, z TIMESTAMPTZ);
      INSERT INTO t VALUES
        ('2024-01-02 00:00:00.500', '2024-01-01T23:30:00-01:00'),
        ('2024-01-02T00:00:00', '2024-01-02 00:00:00.5+00:00'),
        ('2024-01-02 00:00', '2024-01-02T00:15:00Z'),
        ('2024-01-01T23:59:59.999999', '2024-01-02T01:00:00+01:00');
      CREATE INDEX by_a ON t (a)`);
    const at = (text: string, inclusive = false) => ({
      value: Temporal.PlainDateTime.from(text),
      inclusive,
    });
    const rows = async (range: Record<string, unknown>) =>
      (await database.read("t", { range: { field: "a", nulls: "exclude", ...range } })).length;
    assert.equal(await rows({ after: at("2024-01-02T00:00:00") }), 1);
    assert.equal(await rows({ after: at("2024-01-02T00:00:00", true) }), 3);
    assert.equal(await rows({ after: at("2024-01-02T00:00:00.5") }), 0);
    assert.equal(await rows({ upTo: at("2024-01-02T00:00:00") }), 1);
    assert.equal(await rows({ upTo: at("2024-01-02T00:00:00", true) }), 3);
    assert.equal(String(await database.max("t", "a")), "2024-01-02T00:00:00.5");
    assert.equal(String(await database.max("t", "z")), "2024-01-02T00:30:00Z");
  }));

Deno.test("a value that cannot be compared is an error, not a row left out", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (a DATETIME); INSERT INTO t VALUES ('2024-01-01'), (1700000000)`);
    const after = { value: Temporal.PlainDateTime.from("2024-01-01"), inclusive: false };
    await assert.rejects(
      database.read("t", { range: { field: "a", after, nulls: "exclude" } }),
      { name: "ValueError" },
    );
    await assert.rejects(database.max("t", "a"), { name: "ValueError" });
  }));

Deno.test("infinity is never the highest watermark", () =>
  withDatabase(async (database) => {
    const dates = [new Temporal.PlainDate(2024, 1, 1), "infinity", "-infinity"];
    await database.load("t", [field("d", "date")], dates.map((d) => ({ d })));
    assert.equal(String(await database.max("t", "d")), "2024-01-01");
  }));

Deno.test("a whole shop is copied, and SQLite finds no row that differs", () =>
  withDatabase(async (database) => {
    const { signal } = new AbortController();
    await using source = new SqliteConnector(
      { path: CHINOOK, readonly: true },
      connectContext("/", signal),
    );
    const streams = await source.discover();
    assert.equal(streams.length, 11);
    for (const { name, source: ref, fields } of streams) {
      const records: DXTRecord[] = [];
      const projections = fields.map((one) => ({ field: one, column: one.name }));
      const task = { source: ref, projections, batchRows: 1000, batchBytes: 1 << 20, signal };
      for await (const batch of new SqliteExtractor(source).extract(task)) {
        records.push(...readRecords(batch));
      }
      await database.load(name, fields, records, "replace");
      assert.deepEqual(await database.fields(name), fields, name);
      const rows = (database: string) => `SELECT * FROM ${database}."${name}"`;
      const { differing, left, right } = await askBoth(
        database.path,
        CHINOOK,
        `SELECT (${countDifferences(rows("main"), rows("other"))}) AS differing,
         (SELECT count(*) FROM main."${name}") AS left,
         (SELECT count(*) FROM other."${name}") AS right`,
      );
      assert.equal(differing, 0, name);
      assert.equal(left, right, name);
    }
  }));
