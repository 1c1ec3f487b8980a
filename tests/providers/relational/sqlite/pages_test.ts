/** Pages that dxt reads and writes itself, against what SQLite makes of the same values. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { readRecords } from "../../../../src/arrow/mod.ts";
import { type DXTRecord, JSONText, type Value } from "../../../../src/core/values/values.ts";
import type { Field } from "../../../../src/models/field.ts";
import { SqliteExtractor } from "../../../../src/providers/relational/sqlite/extractor.ts";
import { HalfWay, stagedOf } from "../../../support/staged.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../../conformance/values.ts";
import { type Database, field, withDatabase } from "./support.ts";

const { signal } = new AbortController();
const BYTES = [field("n", "int64"), field("text", "string"), field("bytes", "binary")];

/** Records of given sizes; every value tells its row. */
function records(sizes: readonly number[]): DXTRecord[] {
  return sizes.map((size, i) => ({
    n: BigInt(i),
    text: `${i}:${"ä".repeat(size >> 1)}`,
    bytes: size % 7 === 0 ? null : new Uint8Array(size).fill(i),
  }));
}

/** How a load was written, by the target's own words. */
async function load(
  database: Database,
  fields: readonly Field[],
  rows: readonly DXTRecord[],
): Promise<string> {
  return (await database.load("t", fields, rows)).evidence;
}

function isSound(database: Database): void {
  assert.deepEqual(database.rows("PRAGMA integrity_check"), [["ok"]]);
}

/** What is in a table, with its storage classes. */
function dump(database: Database, table: string, fields: readonly Field[]): unknown[][] {
  const columns = fields.map(({ name }) =>
    `typeof("${name}"), iif(typeof("${name}") IN ('text', 'blob'), hex("${name}"), quote("${name}"))`
  );
  return database.rows(`SELECT rowid, ${columns.join(", ")} FROM ${table} ORDER BY rowid`);
}

/** A database that has a table already, so that statements write the others. */
function withOther(work: (database: Database) => Promise<void>): Promise<void> {
  return withDatabase((database) => {
    database.sql("CREATE TABLE other (x)");
    return work(database);
  });
}

/** Loads the same into a new database and into one that is not, and compares them. */
async function sameAsStatements(fields: readonly Field[], rows: readonly DXTRecord[]) {
  await withDatabase(async (pages) => {
    assert.match(await load(pages, fields, rows), /^append wrote a new table/);
    isSound(pages);
    await withOther(async (statements) => {
      assert.match(await load(statements, fields, rows), /^append changed/);
      assert.deepEqual(dump(pages, "t", fields), dump(statements, "t", fields));
      const schema = "SELECT sql FROM sqlite_schema WHERE name = 't'";
      assert.deepEqual(pages.rows(schema), statements.rows(schema));
    });
  });
}

Deno.test("a new table holds what statements would write, every type and its bounds", () =>
  sameAsStatements(
    FIELDS_OF_EVERY_TYPE,
    [
      ...extremes(),
      { f_float64: NaN, f_float32: NaN, f_string: "a\0b", f_date: "infinity" },
      { f_float64: -0, f_float32: -0, f_timestamp: "-infinity", f_timestamp_tz: "infinity" },
      {
        f_float64: Infinity,
        f_float32: -Infinity,
        f_decimal: "-0.05",
        f_decimal38: "-0.0000000001",
      },
      { f_float64: 3, f_float32: 2 ** 99, f_decimal: "5.00", f_decimal38: "12345.6" },
    ].map((record) => ({
      ...Object.fromEntries(FIELDS_OF_EVERY_TYPE.map(({ name }) => [name, null])),
      ...record,
    })),
  ));

const ANY: Record<string, [Field, fc.Arbitrary<Value>]> = {
  double: [field("double", "float64"), fc.double()],
  single: [field("single", "float32"), fc.float()],
  cents: [
    field("cents", "decimal", { precision: 15, scale: 2 }),
    fc.maxSafeInteger().map((n) =>
      (n % 10 ** 13) + "." + String(Math.abs(n) % 100).padStart(2, "0")
    ),
  ],
  digits: [
    field("digits", "decimal", { precision: 38, scale: 0 }),
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  ],
  guess: [
    field("guess", "decimal", { precision: 38, scale: 4, inferred: true }),
    fc.tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.nat(9999)).map(([n, part]) =>
      `${n}.${part}`
    ),
  ],
  prices: [
    field("prices", "decimal", { precision: 76, scale: 4, inferred: true }),
    fc.tuple(fc.integer(), fc.nat(99)).map(([n, part]) => `${n}.${part}`),
  ],
  text: [field("text", "string"), fc.string({ unit: "binary" })],
  unsigned: [field("unsigned", "uint64"), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  at: [
    field("at", "timestamp_tz"),
    fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
      .map((micros) => Temporal.Instant.fromEpochNanoseconds(micros * 1000n)),
  ],
};

Deno.test("a new table holds any values as statements would write them", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record(mapValues(ANY, ([, value]) => fc.option(value, { freq: 9 }))),
        { maxLength: 60 },
      ),
      (rows) => sameAsStatements(Object.values(ANY).map(([one]) => one), rows),
    ),
    { numRuns: 25 },
  ));

function mapValues<T, R>(from: Record<string, T>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, map(value)]));
}

Deno.test("integers take as many bytes as they need, times and decimals keep their shapes", () => {
  const powers = [0, 7, 8, 15, 16, 23, 24, 31, 32, 47, 48, 62].map((bits) => 2n ** BigInt(bits));
  const integers = [0n, ...powers.flatMap((n) => [n - 1n, n, n + 1n, -n, -n - 1n, -n + 1n])];
  const fields = [
    field("i", "int64"),
    field("small", "decimal", { precision: 15, scale: 2 }),
    field("large", "decimal", { precision: 38, scale: 20 }),
    field("wide", "decimal", { precision: 60, scale: 3 }),
    field("at", "timestamp"),
    field("zoned", "timestamp_tz"),
    field("time", "time"),
    field("day", "date"),
  ];
  const text = (n: bigint, scale: number) => {
    const digits = String(n < 0n ? -n : n).padStart(scale + 1, "0");
    return `${n < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  };
  const rows = integers.map((n) => {
    const micros = n % 9_000_000_000_000_000n;
    const at = Temporal.Instant.fromEpochNanoseconds(micros * 1000n);
    const local = at.toZonedDateTimeISO("UTC").toPlainDateTime();
    return {
      i: n,
      small: text(n % 10n ** 15n, 2),
      large: text(n, 20),
      wide: text(n * n, 3),
      at: local,
      zoned: at,
      time: local.toPlainTime(),
      day: local.toPlainDate(),
    };
  });
  return sameAsStatements(fields, rows);
});

Deno.test("rows of any size, over leaves, overflow pages and interior pages", async () => {
  const local = Array.from({ length: 80 }, (_, i) => 4000 + i);
  const overflow = [8100, 8170, 8180, 8190, 12_000, 100_000, 1_000_000];
  await sameAsStatements(BYTES, records([...local, ...overflow, 0, 1, ...local]));
});

Deno.test("a tree three pages high, whose last pages have but few rows", () =>
  withDatabase(async (database) => {
    // 2 rows a leaf, about 500 leaves an interior page: one leaf more than fills an interior page.
    for (const leaves of [1, 2, 450, 600, 1100]) {
      await Deno.remove(database.path).catch(() => {});
      const rows = records(Array.from({ length: leaves * 2 - 1 }, () => 900));
      assert.match(await load(database, BYTES, rows), /^append wrote a new table/);
      isSound(database);
      assert.deepEqual(
        database.rows("SELECT count(*), sum(n), min(n = rowid - 1) FROM t"),
        [[rows.length, (rows.length * (rows.length - 1)) / 2, 1]],
      );
      assert.deepEqual(database.rows("SELECT n FROM t WHERE rowid = 1"), [[0]]);
    }
    assert.ok(Number(database.rows("SELECT max(length(path)) FROM dbstat")[0]![0]) > 5);
  }));

Deno.test("no rows are a table without rows", () => sameAsStatements(BYTES, []));

Deno.test("what needs more than a table's pages is written by statements", async () => {
  const rows = [{ id: 1n }];
  for (
    const [mode, more, sql] of [
      ["upsert", {}, ""],
      ["replace", { key: true }, ""],
      ["append", {}, "PRAGMA user_version = 3"],
      ["append", {}, "CREATE VIEW v AS SELECT 1"],
      ["append", {}, "PRAGMA journal_mode = wal; CREATE TABLE x (x); DROP TABLE x"],
      ["append", {}, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE x (x); DROP TABLE x"],
      ["append", {}, "PRAGMA page_size = 1024; CREATE TABLE x (x); DROP TABLE x"],
    ] as const
  ) {
    await withDatabase(async (database) => {
      if (sql !== "") database.sql(sql);
      const fields = [field("id", "int64", more)];
      const keys = mode === "upsert" ? ["id"] : [];
      const receipt = database.load("t", fields, rows, mode, keys);
      assert.match((await receipt).evidence, /changed 1 rows/);
      assert.deepEqual(await database.read("t"), rows);
    });
  }
});

Deno.test("a new table that fails half-way leaves a database without a table, and is tried again", () =>
  withDatabase(async (database) => {
    const rows = records(Array.from({ length: 3000 }, () => 100));
    const task = {
      target: { type: "relation", name: "t" },
      staged: stagedOf(BYTES, rows, { failAfter: 2 }),
      mode: "append",
      upsertKeys: [],
      signal,
    } as const;
    await assert.rejects(database.loader.load(task), HalfWay);
    const bad = [...rows, { n: 1n, text: null, bytes: null }];
    const required = BYTES.map((one) => ({ ...one, nullable: one.name !== "text" }));
    await assert.rejects(
      database.load("t", required, bad),
      /field "text", row 3001: expected a value/,
    );
    const few = stagedOf(BYTES, rows, { count: 2999 });
    await assert.rejects(
      database.loader.load({ ...task, staged: few }),
      /holds 3000 rows, staged are 2999/,
    );
    assert.deepEqual(database.rows("SELECT * FROM sqlite_schema"), []);
    isSound(database);
    assert.deepEqual([...Deno.readDirSync(database.folder)].map(({ name }) => name), ["test.db"]);
    // A void journal, as a kill between its last two steps leaves it, means nothing.
    await Deno.writeFile(`${database.path}-journal`, new Uint8Array(512));
    assert.match(await load(database, BYTES, rows), /^append wrote a new table/);
    isSound(database);
  }));

Deno.test("a new table that is killed half-way leaves a database without a table", () =>
  withDatabase(async (database) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        join(import.meta.dirname!, "endless_load.ts"),
        database.folder,
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    // What is committed is a database without a table; who reads need not wait, who writes must.
    assert.equal(await database.max("t", "id"), undefined);
    assert.equal(
      await database.connector.getStreamFields({ type: "relation", name: "t" }),
      undefined,
    );
    using other = new DatabaseSync(database.path, { timeout: 0 });
    assert.throws(() => other.exec("CREATE TABLE mine (x)"), /locked/);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    assert.ok((await Deno.stat(database.path)).size > 1 << 20, "nothing was half-written");
    assert.ok((await Deno.stat(`${database.path}-journal`)).size > 0);
    assert.deepEqual(await database.connector.discover(), []);
    assert.deepEqual(database.rows("SELECT * FROM sqlite_schema"), []);
    assert.equal((await Deno.stat(database.path)).size, 4096);
    assert.match(await load(database, BYTES, records([1, 2, 3])), /^append wrote a new table/);
    isSound(database);
  }));

Deno.test("a connection that knew the database before finds the new table", () =>
  withDatabase(async (database) => {
    using before = new DatabaseSync(database.path);
    before.exec("PRAGMA application_id = 0");
    assert.deepEqual(before.prepare("SELECT * FROM sqlite_schema").all(), []);
    await load(database, BYTES, records([1, 2, 3]));
    assert.equal(before.prepare("SELECT count(*) AS n FROM t").get()!["n"], 3);
    before.exec("INSERT INTO t (n) VALUES (9)");
    assert.deepEqual(database.rows("SELECT max(rowid), max(n) FROM t"), [[4, 9]]);
    isSound(database);
  }));

Deno.test("a table is read as SQLite tells its values, whatever their sizes and classes", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
          fc.option(fc.oneof(fc.string({ unit: "binary" }), fc.nat(70_000))),
          fc.option(fc.uint8Array({ maxLength: 300 })),
        ),
        { maxLength: 50 },
      ),
      fc.bigInt({ min: 1n, max: 2n ** 56n }),
      (values, step) =>
        withDatabase(async (database) => {
          const rows = values.map(([n, text, bytes]) => ({
            n,
            text: typeof text === "number" ? "long ".repeat(text / 5) : text,
            bytes,
          }));
          {
            using writer = new DatabaseSync(database.path);
            writer.exec("CREATE TABLE t (n INTEGER, text TEXT, bytes BLOB)");
            const insert = writer.prepare(
              "INSERT INTO t (rowid, n, text, bytes) VALUES (?, ?, ?, ?)",
            );
            rows.forEach(({ n, text, bytes }, i) =>
              insert.run(BigInt(i - 20) * step, n, text, bytes)
            );
          }
          assert.deepEqual(await database.read("t"), comparableRecords(rows));
        }),
    ),
    { numRuns: 40 },
  ));

Deno.test("huge rows come in batches of their own, small ones before and after are many", () =>
  withDatabase(async (database) => {
    const sizes = [...Array(3000).fill(10), ...Array(20).fill(3_000_000), ...Array(3000).fill(10)];
    database.sql("CREATE TABLE t (n INTEGER, bytes BLOB)");
    {
      using writer = new DatabaseSync(database.path);
      writer.exec("BEGIN");
      const insert = writer.prepare("INSERT INTO t VALUES (?, zeroblob(?))");
      sizes.forEach((size, i) => insert.run(i, size));
      writer.exec("COMMIT");
    }
    const batches: [number, number][] = [];
    let rows = 0;
    const extraction = new SqliteExtractor(database.connector).extract({
      source: { type: "relation", name: "t" },
      projections: [field("n", "int64"), field("bytes", "binary")].map((field) => ({ field })),
      batchRows: 1000,
      batchBytes: 1 << 20,
      signal,
    });
    for await (const batch of extraction) {
      let bytes = 0;
      for (const record of readRecords(batch)) {
        assert.equal(record["n"], BigInt(rows));
        assert.equal((record["bytes"] as Uint8Array).length, sizes[rows++]);
        bytes += (record["bytes"] as Uint8Array).length;
      }
      batches.push([batch.numRows, bytes]);
    }
    assert.equal(rows, sizes.length);
    assert.ok(batches.every(([count, bytes]) => count <= 1000 && bytes < 4.2e6), String(batches));
    assert.ok(batches.length < 60, String(batches.length));
  }));

Deno.test("rows that a condition finds are copied by their numbers, whatever the columns are named", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (id INTEGER, key TEXT, value TEXT, rowid TEXT, type INTEGER);
      CREATE INDEX by_type ON t (type DESC);
      WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000)
      INSERT INTO t (_rowid_, id, key, value, rowid, type)
        SELECT n * 1000000007, n, 'k' || n, char(n), 'r' || n, n % 10 FROM i;
      INSERT INTO t (_rowid_, id, type) VALUES
        (-9223372036854775808, -1, 3), (9223372036854775807, -2, 3), (0, -3, 3)`);
    const read = (where: string) => database.read({ type: "relation", name: "t", where });
    const rows = await read("type = 3");
    assert.equal(rows.length, 2003);
    for (const { id, key, value, rowid, type } of rows) {
      const n = Number(id);
      assert.equal(type, 3n);
      assert.deepEqual(
        [key, value, rowid],
        n < 0 ? [null, null, null] : [`k${n}`, String.fromCodePoint(n), `r${n}`],
      );
    }
    assert.equal(new Set(rows.map(({ id }) => id)).size, 2003);
    assert.deepEqual((await read("id IN (SELECT -2 FROM t)")).map(({ id }) => id), [-2n]);
    assert.deepEqual(await read("id IS NULL"), []);
    const range = {
      field: "id",
      after: { value: 19_998n, inclusive: false },
      nulls: "exclude",
    } as const;
    assert.deepEqual((await database.read("t", { range })).map(({ id }) => id), [19_999n, 20_000n]);
  }));

Deno.test("the pages of a huge row are not copied with every later one", () =>
  withDatabase(async (database) => {
    database.sql(
      `CREATE TABLE t (n INTEGER, bytes BLOB); INSERT INTO t VALUES (0, zeroblob(9000000));
      WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000)
      INSERT INTO t SELECT n, x'00' FROM i`,
    );
    const copies: number[] = [];
    let holder: object = DatabaseSync.prototype;
    while (!Object.hasOwn(holder, "serialize")) holder = Object.getPrototypeOf(holder);
    const original = Object.getOwnPropertyDescriptor(holder, "serialize")!;
    Object.defineProperty(holder, "serialize", {
      ...original,
      value(this: DatabaseSync, name: string) {
        const bytes: Uint8Array = original.value.call(this, name);
        copies.push(bytes.length);
        return bytes;
      },
    });
    try {
      assert.equal((await database.read("t")).length, 20_001);
    } finally {
      Object.defineProperty(holder, "serialize", original);
    }
    assert.ok(copies[0]! > 9_000_000 && copies.slice(1).every((size) => size <= 1 << 20));
  }));

Deno.test("JSON that SQLite keeps is checked and comes as it is", () =>
  withDatabase(async (database) => {
    database.sql(`CREATE TABLE t (j JSON_TEXT);
      INSERT INTO t VALUES ('{"a": 1.50}'), (NULL), (' [1,2] '), ('"ä"'), ('1e400')`);
    const texts = ['{"a": 1.50}', null, " [1,2] ", '"ä"', "1e400"];
    const records = texts.map((text) => ({ j: text === null ? null : new JSONText(text) }));
    assert.deepEqual(await database.read("t"), comparableRecords(records));
    for (const [bad, row] of [["{a: 1}", 6], ["", 6], ["1 2", 6], ["[1", 6]] as const) {
      database.sql(
        `DELETE FROM t WHERE rowid > 5; INSERT INTO t VALUES ('${bad}')`,
      );
      await assert.rejects(database.read("t"), new RegExp(`field "j", row ${row}: expected json`));
    }
  }));
