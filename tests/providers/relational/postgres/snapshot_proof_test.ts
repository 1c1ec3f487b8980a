/** Tables that are rewritten, truncated or replaced while they are read. */
import assert from "node:assert/strict";
import { createExtractTask, readRecords } from "../../../../src/arrow/mod.ts";
import { PartitionError } from "../../../../src/core/errors.ts";
import type { ExtractTask, Part } from "../../../../src/core/contracts/extractor.ts";
import type { PostgresConnector } from "../../../../src/providers/relational/postgres/connector.ts";
import { PostgresCopyExtractor } from "../../../../src/providers/relational/postgres/copy_extractor.ts";
import { findChangedTables } from "../../../../src/providers/relational/postgres/sql/snapshot_proof.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { StreamSource } from "../../../../src/models/source.ts";
import { connect, never, onServers } from "./support.ts";

const ROWS = 1000;
const FIELDS: readonly Field[] = [
  { name: "id", dtype: "int32", nullable: true },
  { name: "v", dtype: "string", nullable: true },
];

const table = (name: string): StreamSource => ({ type: "relation", name });
const query = (sql: string): StreamSource => ({ type: "sql", sql });

function readOf(source: StreamSource, part?: Part): ExtractTask {
  return createExtractTask({
    source,
    projections: FIELDS.map((field) => ({ field, column: field.name })),
    ...(part === undefined ? {} : { part }),
    batchRows: 100,
    batchBytes: 1 << 20,
    signal: never,
  });
}

/** Distinct ids, and the distinct values. */
async function read(connector: PostgresConnector, source: StreamSource, part?: Part) {
  const ids = new Set<unknown>();
  const values = new Set<unknown>();
  for await (const batch of new PostgresCopyExtractor(connector).extract(readOf(source, part))) {
    for (const { id, v } of readRecords(batch)) {
      ids.add(id);
      values.add(v);
    }
  }
  return { rows: ids.size, values: [...values] };
}

function partition(connector: PostgresConnector, source: StreamSource) {
  const extractor = new PostgresCopyExtractor(connector);
  return extractor.partition(readOf(source), { most: 4, field: "id" });
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Every kind of relation that rows are in, all with the same rows. */
const RELATIONS = `
  CREATE TABLE plain AS SELECT i AS id, 'old' AS v FROM generate_series(1, ${ROWS}) i;
  CREATE INDEX plain_id ON plain (id);
  CREATE TABLE divided (id int, v text) PARTITION BY RANGE (id);
  CREATE TABLE divided_low PARTITION OF divided FOR VALUES FROM (MINVALUE) TO (500);
  CREATE TABLE divided_high PARTITION OF divided FOR VALUES FROM (500) TO (MAXVALUE);
  INSERT INTO divided TABLE plain;
  CREATE TABLE parent (id int, v text);
  CREATE TABLE child () INHERITS (parent);
  INSERT INTO parent SELECT * FROM plain WHERE id % 2 = 0;
  INSERT INTO child SELECT * FROM plain WHERE id % 2 = 1;
  CREATE MATERIALIZED VIEW kept AS TABLE plain;
  CREATE UNLOGGED TABLE brief AS TABLE plain;
  CREATE SCHEMA other;
  CREATE TABLE other.base AS TABLE plain;
  CREATE VIEW seen AS SELECT b.* FROM other.base b;
  CREATE TABLE other.spare (id int, v text);
  CREATE FUNCTION from_base() RETURNS TABLE (id int, v text) LANGUAGE sql STABLE AS 'TABLE other.base'`;

/** What is read, and the statements that would lose rows if they came between. */
const LOCKED: readonly [StreamSource, readonly string[]][] = [
  [table("plain"), [
    "VACUUM FULL plain",
    "CLUSTER plain USING plain_id",
    "TRUNCATE plain",
    "ALTER TABLE plain ALTER id TYPE bigint",
    "ALTER TABLE plain SET UNLOGGED",
    "ALTER TABLE plain RENAME TO gone",
    "DROP TABLE plain",
  ]],
  [table("divided"), [
    "VACUUM FULL divided_high",
    "TRUNCATE divided_low",
    "TRUNCATE divided",
    "ALTER TABLE divided ALTER v TYPE varchar(3)",
    "ALTER TABLE divided DETACH PARTITION divided_low",
    "DROP TABLE divided_high",
  ]],
  [table("parent"), [
    "TRUNCATE child",
    "VACUUM FULL child",
    "ALTER TABLE child NO INHERIT parent",
    "DROP TABLE child",
  ]],
  [table("kept"), ["REFRESH MATERIALIZED VIEW kept", "VACUUM FULL kept"]],
  [table("brief"), ["TRUNCATE brief", "ALTER TABLE brief SET LOGGED"]],
  [table("seen"), [
    "TRUNCATE other.base",
    "VACUUM FULL other.base",
    "CREATE OR REPLACE VIEW seen AS SELECT id, 'new' AS v FROM other.base",
  ]],
  [query("SELECT p.id, s.v FROM plain p JOIN other.base s USING (id)"), [
    "TRUNCATE other.base",
    "VACUUM FULL plain",
  ]],
  [{ type: "function", name: "from_base" }, ["TRUNCATE other.base"]],
];

onServers("while parts are read nothing that they read can be rewritten", async (database) => {
  await database.sql(`${RELATIONS}; SET lock_timeout = '50ms'`);
  await using connector = await connect(database.url);
  for (const [source, statements] of LOCKED) {
    {
      await using moment = await partition(connector, source);
      assert.equal(moment.parts.length, 4, JSON.stringify(source));
      for (const statement of statements) {
        await assert.rejects(database.sql(statement), /lock timeout/, statement);
      }
      let rows = 0;
      for (const part of moment.parts) rows += (await read(connector, source, part)).rows;
      assert.equal(rows, ROWS, JSON.stringify(source));
    }
    // The locks end with the moment.
    await database.sql(`BEGIN; ${
      statements[0]!.replace(/^(VACUUM FULL|CLUSTER)/, "LOCK TABLE")
        .replace(/ USING .*/, "")
    }; ROLLBACK`);
  }
});

/** Statements between the moment of a transaction and its first lock, and what they make of a source. */
const BETWEEN: readonly [source: StreamSource, statement: string, changed: string[]][] = [
  [table("plain"), "TRUNCATE plain; INSERT INTO plain VALUES (1, 'new')", ["public.plain"]],
  [table("plain"), "VACUUM FULL plain", ["public.plain"]],
  [table("plain"), "CLUSTER plain USING plain_id", ["public.plain"]],
  [table("divided"), "ALTER TABLE divided ALTER v TYPE varchar(9) COLLATE \"C\" USING v || ''", [
    "public.divided_high",
    "public.divided_low",
  ]],
  [
    table("plain"),
    "ALTER TABLE plain RENAME TO was; ALTER TABLE other.spare SET SCHEMA public; ALTER TABLE spare RENAME TO plain",
    ["public.plain"],
  ],
  [table("plain"), "DROP TABLE plain CASCADE; CREATE TABLE plain (id int, v text)", [
    "public.plain",
  ]],
  [
    table("other.base"),
    "ALTER SCHEMA other RENAME TO old; CREATE SCHEMA other; CREATE TABLE other.base (id int, v text)",
    ["other.base"],
  ],
  [table("divided"), "TRUNCATE divided_low", ["public.divided_low"]],
  [table("divided"), "ALTER TABLE divided DETACH PARTITION divided_low", ["public.divided"]],
  [table("divided"), "DROP TABLE divided_low", ["public.divided"]],
  [
    table("divided"),
    "ALTER TABLE divided DETACH PARTITION divided_low; ALTER TABLE divided ATTACH PARTITION other.spare FOR VALUES FROM (MINVALUE) TO (500)",
    ["other.spare", "public.divided"],
  ],
  [table("parent"), "TRUNCATE child", ["public.child"]],
  [table("kept"), "REFRESH MATERIALIZED VIEW kept", ["public.kept"]],
  [table("seen"), "TRUNCATE other.base", ["other.base"]],
  [query("SELECT * FROM plain JOIN other.base USING (id, v)"), "TRUNCATE other.base", [
    "other.base",
  ]],
  // What leaves the rows of a moment where they are.
  [table("plain"), "INSERT INTO plain VALUES (0, 'new'); DELETE FROM plain WHERE id > 5", []],
  [table("plain"), "UPDATE plain SET v = 'new'", []],
  [table("plain"), "VACUUM plain", []],
  [table("plain"), "ANALYZE plain; GRANT SELECT ON plain TO PUBLIC", []],
  [table("plain"), "ALTER TABLE plain ADD more int DEFAULT 3; CREATE INDEX ON plain (v)", []],
  [table("plain"), "TRUNCATE other.base; CREATE TEMP TABLE plain2 (id int)", []],
  [
    table("divided"),
    "CREATE TABLE more (id int, v text); ALTER TABLE divided DETACH PARTITION divided_high; ALTER TABLE divided ATTACH PARTITION divided_high FOR VALUES FROM (500) TO (5000); ALTER TABLE divided ATTACH PARTITION more FOR VALUES FROM (5000) TO (MAXVALUE)",
    [],
  ],
];

onServers("a transaction knows what is not as it was at its moment", async (database) => {
  await using connector = await connect(database.url);
  for (const [source, statement, changed] of BETWEEN) {
    await database.sql(
      "DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS other CASCADE; DROP SCHEMA IF EXISTS old CASCADE; CREATE SCHEMA public",
    );
    await database.sql(RELATIONS);
    const session = await connector.begin("read");
    await session.query("SELECT 1");
    for (const one of statement.split("; ")) await database.sql(one);
    const from = source.type === "sql" ? `(${source.sql}) q` : (source as { name: string }).name;
    await session.lock(`SELECT id, v FROM ${from}`);
    const found = (await findChangedTables(session)).map((name) => name.replaceAll('"', "")).sort();
    assert.deepEqual(found, changed, statement);
    await session.query("ROLLBACK");
    await connector.giveBack(session);
  }
});

onServers("a reader that had to wait for a rewrite reads what came of it", async (database) => {
  for (
    const [statement, wanted] of [
      ["TRUNCATE plain; INSERT INTO plain SELECT i, 'new' FROM generate_series(1, 10) i", {
        rows: 10,
        values: ["new"],
      }],
      ["ALTER TABLE plain ALTER v TYPE varchar USING 'new'", { rows: ROWS, values: ["new"] }],
      [
        "DROP TABLE plain; CREATE TABLE plain AS SELECT 7 AS id, 'other' AS v",
        { rows: 1, values: ["other"] },
      ],
      // Under MVCC what was before is a moment too.
      ["DELETE FROM plain; LOCK TABLE plain", { rows: ROWS, values: ["old"] }],
    ] as const
  ) {
    await database.sql(`DROP TABLE IF EXISTS plain;
      CREATE TABLE plain AS SELECT i AS id, 'old' AS v FROM generate_series(1, ${ROWS}) i`);
    await using connector = await connect(database.url);
    await database.sql(`BEGIN; ${statement}`);
    const reading = read(connector, table("plain"));
    await pause(150);
    await database.sql("COMMIT");
    assert.deepEqual(await reading, wanted, statement);
  }
});

onServers("a part that would wait for ever leaves the whole to be read", async (database) => {
  await database.sql(RELATIONS);
  await using connector = await connect(database.url);
  await using other = await connect(database.url);
  let truncating: Promise<unknown>;
  {
    await using moment = await partition(connector, table("plain"));
    truncating = other.query("TRUNCATE plain");
    await pause(100);
    const start = performance.now();
    const waiting = read(connector, table("plain"), moment.parts[1]);
    await assert.rejects(waiting, (error) => {
      assert.ok(error instanceof PartitionError);
      assert.match(error.message, /^Cannot lock "plain" for a part within 2 s: another session/);
      return true;
    });
    assert.ok(performance.now() - start < 8000);
  }
  await truncating;
  assert.equal((await read(connector, table("plain"))).rows, 0);
});

onServers("a part of a moment that is gone is refused", async (database) => {
  await database.sql(RELATIONS);
  await using connector = await connect(database.url);
  await using moment = await partition(connector, table("plain"));
  await database.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'`);
  await pause(100);
  await assert.rejects(read(connector, table("plain"), moment.parts[0]), /snapshot/);
});

onServers("the session of a moment outlives the server's bounds on idle ones", async (database) => {
  await database.sql(RELATIONS);
  const name = new URL(database.url).pathname.slice(1);
  await database.sql(`ALTER DATABASE ${name} SET idle_in_transaction_session_timeout = '150ms';
    ALTER DATABASE ${name} SET idle_session_timeout = '150ms'`);
  await using connector = await connect(database.url);
  await using moment = await partition(connector, table("plain"));
  await pause(600);
  let rows = 0;
  for (const part of moment.parts) rows += (await read(connector, table("plain"), part)).rows;
  assert.equal(rows, ROWS);
});

onServers("a login that may select some columns reads in parts", async (database) => {
  await database.sql(RELATIONS);
  const role = `dxt_columns_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  await database.sql(
    `CREATE ROLE ${role} LOGIN PASSWORD 'p'; GRANT SELECT (id, v) ON plain TO ${role};
    GRANT SELECT ON kept, seen, divided TO ${role}`,
  );
  try {
    await using connector = await connect(database.url, { user: role, password: "p" });
    for (const name of ["plain", "kept", "seen", "divided"]) {
      await using moment = await partition(connector, table(name));
      assert.equal(moment.parts.length, 4, name);
      let rows = 0;
      for (const part of moment.parts) rows += (await read(connector, table(name), part)).rows;
      assert.equal(rows, ROWS, name);
    }
  } finally {
    await database.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

onServers("a lock that is waited for is told, with who holds it", async (database) => {
  await database.sql(RELATIONS);
  const warnings: string[] = [];
  await using connector = await connect(database.url, {}, never, warnings);
  await database.sql("BEGIN; LOCK TABLE plain IN ACCESS EXCLUSIVE MODE");
  const [{ pid }] = await database.sql("SELECT pg_backend_pid() AS pid") as [{ pid: number }];
  const reading = read(connector, table("plain"));
  await pause(4000);
  await database.sql("COMMIT");
  assert.equal((await reading).rows, ROWS);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0]!,
    new RegExp(
      `^Waiting for a lock on "public.plain": process ${pid} \\(user "postgres", .*in a transaction since \\d{4}-.*Z\\) holds`,
    ),
  );
});
