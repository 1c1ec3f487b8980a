/** What is special about tables as targets. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "sqlite";
import { ValueError } from "../../../../src/core/errors.ts";
import type { Value } from "../../../../src/core/values/values.ts";
import type { Field } from "../../../../src/models/field.ts";
import { runWell, withFolder } from "../../../support/run.ts";
import { field, withDatabase } from "./support.ts";

const PAIR = [field("id", "int64"), field("v", "string")];

Deno.test("a replace keeps the table's own types, indexes, triggers and constraints", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (id BIGINT CHECK (id > 0), v VARCHAR(9) DEFAULT 'x');
      CREATE INDEX by_v ON t (v); INSERT INTO t VALUES (9, 'old')`);
    const schema = database.rows("SELECT sql FROM sqlite_schema");
    await database.load("t", PAIR, [{ id: 1n, v: "new" }], "replace");
    assert.deepEqual(database.rows("SELECT sql FROM sqlite_schema"), schema);
    await assert.rejects(database.load("t", PAIR, [{ id: -1n, v: "x" }], "replace"), /CHECK/);
    assert.deepEqual(database.rows("SELECT id, v FROM t"), [[1, "new"]]);
  }));

Deno.test("a replace of what others refer to is checked at its end", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
      CREATE TABLE child (t INTEGER REFERENCES t (id));
      INSERT INTO t VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (1)`);
    await database.load("t", PAIR, [{ id: 1n, v: "new" }], "replace");
    await assert.rejects(database.load("t", PAIR, [{ id: 3n, v: "x" }], "replace"), /FOREIGN KEY/);
    assert.deepEqual(database.rows("SELECT id, v FROM t"), [[1, "new"]]);
  }));

Deno.test("a replace that would delete rows of another table is refused", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
      CREATE TABLE child (t INTEGER REFERENCES t (id) ON DELETE CASCADE);
      INSERT INTO t VALUES (1, 'a'); INSERT INTO child VALUES (1)`);
    await assert.rejects(
      database.load("t", PAIR, [{ id: 1n, v: "new" }], "replace"),
      /Cannot replace "t": its rows are deleted first, which would change "child" by its foreign key ON DELETE CASCADE/,
    );
    await database.load("t", PAIR, [{ id: 1n, v: "new" }], "upsert", ["id"]);
    assert.deepEqual(database.rows("SELECT count(*) FROM child"), [[1]]);
  }));

Deno.test("an upsert uses the unique index on its keys, or creates one, once", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE a (id INTEGER, v TEXT, UNIQUE (id));
      CREATE TABLE b (id INTEGER, v TEXT); CREATE UNIQUE INDEX part ON b (id) WHERE id > 5`);
    const count = "SELECT count(*) FROM sqlite_schema WHERE type = 'index'";
    for (let time = 0; time < 2; time++) {
      await database.load("a", PAIR, [{ id: 1n, v: `${time}` }], "upsert", ["id"]);
      assert.deepEqual(database.rows(count), [[time === 0 ? 2 : 3]]);
      await database.load("b", PAIR, [{ id: 1n, v: `${time}` }], "upsert", ["id"]);
      assert.deepEqual(database.rows(count), [[3]]);
    }
    assert.deepEqual(database.rows("SELECT id, v FROM a UNION ALL SELECT id, v FROM b"), [
      [1, "1"],
      [1, "1"],
    ]);
  }));

Deno.test("an upsert into rows that share a key is refused, and nothing is made", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t VALUES (1, 'a'), (1, 'b')");
    const load = () => database.load("t", PAIR, [{ id: 1n, v: "c" }], "upsert", ["id"]);
    await assert.rejects(load(), {
      name: "LoaderError",
      message: /Cannot upsert into "t" by "id": no unique index/,
    });
    assert.deepEqual(database.rows("SELECT count(*) FROM t"), [[2]]);
    assert.deepEqual(database.rows("SELECT count(*) FROM sqlite_schema"), [[1]]);
  }));

Deno.test("NULL for a row number is refused: SQLite would make one up", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
    await assert.rejects(
      database.load("t", PAIR, [{ id: 1n, v: "a" }, { id: null, v: "b" }]),
      /field "id", row 2: expected a value, column "id" is NOT NULL/,
    );
    assert.deepEqual(database.rows("SELECT count(*) FROM t"), [[0]]);
  }));

Deno.test("columns are found whatever the case of their ASCII letters", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (ID INTEGER PRIMARY KEY, V TEXT)");
    await database.load("T", PAIR, [{ id: 1n, v: "a" }], "upsert", ["id"]);
    await database.load("t", PAIR, [{ id: 1n, v: "b" }], "upsert", ["id"]);
    assert.deepEqual(database.rows("SELECT * FROM t"), [[1, "b"]]);
  }));

/** Columns of others, values that they keep, values that they would change. */
const KEPT: [string, Field, Value[], Value[]][] = [
  ["UUID", field("v", "string"), ["f81d4fae", "", "1 2"], ["123", " 1.50 ", "1e5", "007"]],
  ["JSON", field("v", "json"), [], []],
  [
    "NUMERIC(20,4)",
    field("v", "decimal", { precision: 20, scale: 4 }),
    ["12345678901.1234", "9007199254740993.0000", "-0.5000"],
    ["1234567890123456.1234"],
  ],
  ["", field("v", "float64"), [-0, NaN, 1.5, 3], []],
  ["", field("v", "uint64"), [2n ** 64n - 1n, 5n], []],
  ["", field("v", "int32"), [5, -1], []],
  ["", field("v", "bool"), [true, false], []],
];

Deno.test("a value that a column's affinity would change is refused by name, others are kept", () =>
  withDatabase(async (database) => {
    for (const [i, [declared, of, kept, changed]] of KEPT.entries()) {
      database.sql(`CREATE TABLE t${i} (v ${declared})`);
      for (const v of changed) {
        await assert.rejects(database.load(`t${i}`, [of], [{ v }]), (error) => {
          assert.ok(error instanceof ValueError);
          assert.match(error.message, /field "v", row 1: SQLite would change it/);
          return true;
        });
      }
      await database.load(`t${i}`, [of], kept.map((v) => ({ v })));
      const types = { v: of };
      assert.deepEqual(await database.read(`t${i}`, { types }), kept.map((v) => ({ v })));
    }
  }));

Deno.test("fields fit columns that hold all their values, and no others", () =>
  withDatabase(async (database) => {
    const decimal = (precision: number, scale: number) =>
      field("v", "decimal", { precision, scale });
    const pairs: [string, Field, boolean][] = [
      ["INTEGER", field("v", "int8"), true],
      ["INTEGER", field("v", "uint64"), false],
      ["INTEGER SIGNED", field("v", "int64"), false],
      ["INTEGER SIGNED", field("v", "uint16"), true],
      ["DOUBLE", field("v", "int32"), true],
      ["DOUBLE", field("v", "int64"), false],
      ["DOUBLE", field("v", "float32"), true],
      ["FLOAT4", field("v", "float64"), false],
      ["NUMERIC(10,2)", decimal(9, 2), true],
      ["NUMERIC(10,2)", decimal(10, 3), false],
      ["NUMERIC(10,0)", field("v", "int32"), true],
      ["NUMERIC(10,2)", field("v", "int32"), false],
      ["TEXT", field("v", "json"), true],
      ["TEXT", field("v", "int32"), false],
      ["JSON_TEXT", field("v", "array"), true],
      ["JSON_TEXT", field("v", "string"), false],
      ["DATE", field("v", "timestamp"), false],
      ["DATETIME", field("v", "timestamp"), true],
      ["DATETIME", field("v", "timestamp_tz"), false],
      ["BLOB", field("v", "string"), false],
    ];
    for (const [i, [declared, of, fits]] of pairs.entries()) {
      database.sql(`CREATE TABLE t${i} (v ${declared})`);
      const load = database.load(`t${i}`, [of], [{ v: null }]);
      if (fits) await load;
      else {await assert.rejects(load, {
          name: "SchemaError",
          message: /column "v" is .*, field "v" is/,
        });}
    }
  }));

Deno.test("the user's own type is declared as it stands", () =>
  withDatabase(async (database) => {
    await database.load("t", [field("v", "string", { target_type: "VARCHAR(9)" })], []);
    assert.deepEqual(database.rows("SELECT type FROM pragma_table_info('t')"), [["VARCHAR(9)"]]);
  }));

Deno.test("a new table has names that people know, and its only integer key is the row's number", () =>
  withDatabase(async (database) => {
    const fields = [
      field("id", "int32", { key: true, nullable: false }),
      field("small", "int16", { nullable: false }),
      field("price", "decimal", { precision: 10, scale: 2 }),
      field("ratio", "float64"),
      field("at", "timestamp"),
    ];
    const ids = [7, -3, 2147483647, -2147483648, 0];
    const rows = ids.map((id) => ({ id, small: -1, price: "1.50", ratio: 0.5, at: null }));
    await database.load("t", fields, rows, "replace");
    assert.deepEqual(database.rows("SELECT sql FROM sqlite_schema"), [[
      'CREATE TABLE "t" ("id" INTEGER PRIMARY KEY NOT NULL, "small" INT2 NOT NULL, ' +
      '"price" NUMERIC(10,2), "ratio" REAL, "at" TIMESTAMP)',
    ]]);
    assert.deepEqual(
      database.rows("SELECT rowid AS number, id FROM t"),
      ids.toSorted((a, b) => a - b).map((id) => [id, id]),
    );
    const types = (await database.fields("t")).map(({ dtype }) => dtype);
    assert.deepEqual(types, ["int64", "int16", "decimal", "float64", "timestamp"]);
    await database.load("t", fields, [{ ...rows[0]!, small: 5 }], "upsert", ["id"]);
    assert.deepEqual(database.rows("SELECT count(*), sum(small) FROM t"), [[5, 1]]);
    await assert.rejects(
      database.load("t", fields, [{ ...rows[0]!, id: null }], "replace"),
      /field "id", row 1: expected a value/,
    );
    await assert.rejects(database.load("t", fields, [rows[0]!, rows[0]!], "replace"), /UNIQUE/);
  }));

Deno.test("other keys than one integer keep their types", () =>
  withDatabase(async (database) => {
    const key = { key: true, nullable: false };
    const tables: [string, Field[], string][] = [
      ["text", [field("k", "string", key)], '"k" TEXT PRIMARY KEY NOT NULL'],
      ["big", [field("k", "uint64", key)], '"k" UNSIGNED64_TEXT PRIMARY KEY NOT NULL'],
      [
        "own",
        [field("k", "int32", { ...key, target_type: "INT" })],
        '"k" INT PRIMARY KEY NOT NULL',
      ],
      [
        "both",
        [field("a", "int32", key), field("b", "int64", key)],
        '"a" INT4 NOT NULL, "b" INTEGER NOT NULL, PRIMARY KEY ("a", "b")',
      ],
    ];
    for (const [name, fields, columns] of tables) {
      await database.load(name, fields, [], "replace");
      assert.deepEqual(
        database.rows(`SELECT sql FROM sqlite_schema WHERE name = '${name}'`),
        [[`CREATE TABLE "${name}" (${columns})`]],
      );
    }
  }));

Deno.test("a table whose integer key no field fills numbers its rows, and a warning says so", () =>
  withFolder(async (folder) => {
    const pipeline = (sql: string) => ({
      version: 1,
      name: "p",
      source: { provider: "sqlite", path: "source.db" },
      target: { provider: "sqlite", path: "target.db" },
      streams: [{ id: "t", source: { type: "sql", sql }, load: { mode: "replace" } }],
    });
    {
      using source = new DatabaseSync(join(folder, "source.db"));
      source.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (7, 'a')");
      using target = new DatabaseSync(join(folder, "target.db"));
      target.exec("CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL, v TEXT)");
    }
    const whole = await runWell(folder, pipeline("SELECT id, v FROM t"));
    assert.deepEqual(whole.streams[0]!.warnings, []);
    const part = await runWell(folder, pipeline("SELECT v FROM t"));
    assert.deepEqual(part.streams[0]!.warnings, [
      'No field of the stream fills key "id" of "t": the target numbers the rows itself',
    ]);
  }));
