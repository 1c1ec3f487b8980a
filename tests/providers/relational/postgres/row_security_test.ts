/** Tables of which row-level security shows a login a part. */
import assert from "node:assert/strict";
import { ConnectorError } from "../../../../src/core/errors.ts";
import type { StreamSource } from "../../../../src/models/source.ts";
import { PostgresCopyExtractor } from "../../../../src/providers/relational/postgres/copy_extractor.ts";
import { PostgresCopyLoader } from "../../../../src/providers/relational/postgres/copy_loader.ts";
import type { TestDatabase } from "../../../support/services.ts";
import { connect, extract, never, onServers } from "./support.ts";

/** The login sees even rows of `part` and none of `hidden`; `owned` is its own. */
const TABLES = (role: string) => `
  CREATE ROLE ${role} LOGIN PASSWORD 'p';
  CREATE TABLE part AS SELECT i AS id FROM generate_series(1, 100) i;
  ALTER TABLE part ENABLE ROW LEVEL SECURITY;
  CREATE POLICY even ON part FOR SELECT USING (id % 2 = 0);
  CREATE TABLE hidden AS TABLE part; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
  CREATE TABLE open AS TABLE part;
  CREATE VIEW by_owner AS SELECT * FROM part;
  CREATE FUNCTION rows_of_part() RETURNS SETOF part LANGUAGE sql STABLE AS 'TABLE part';
  CREATE FUNCTION rows_inside() RETURNS SETOF part LANGUAGE plpgsql STABLE AS
    'BEGIN RETURN QUERY TABLE part; END';
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role};
  CREATE TABLE owned AS TABLE part; ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
  CREATE TABLE forced AS TABLE part; ALTER TABLE forced ENABLE ROW LEVEL SECURITY;
  ALTER TABLE forced FORCE ROW LEVEL SECURITY;
  ALTER TABLE owned OWNER TO ${role}; ALTER TABLE forced OWNER TO ${role}`;

async function withLogin(
  database: TestDatabase,
  work: (role: string) => Promise<void>,
): Promise<void> {
  const role = `dxt_policed_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  await database.sql(TABLES(role));
  try {
    await work(role);
  } finally {
    await database.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
}

const table = (name: string): StreamSource => ({ type: "relation", name });

/** What is read, and how many of the 100 rows the policies show; undefined where none applies. */
const SOURCES: readonly [StreamSource, number | undefined][] = [
  [table("part"), 50],
  [table("hidden"), 0],
  [table("forced"), 0],
  [{ type: "relation", name: "part", where: "id > 50" }, 25],
  [{ type: "sql", sql: "SELECT id FROM part WHERE id > 50" }, 25],
  [{ type: "sql", sql: "SELECT o.id FROM open o WHERE id IN (SELECT id FROM hidden)" }, 0],
  [{ type: "function", name: "rows_of_part" }, 50],
  [table("open"), undefined],
  [table("owned"), undefined],
  [table("by_owner"), undefined],
];

onServers(
  "rows that row-level security hides are not left out in silence",
  (database) =>
    withLogin(database, async (user) => {
      for (const row_security of ["off", "on"]) {
        await using connector = await connect(database.url, { user, password: "p", row_security });
        for (const [source, shownRows] of SOURCES) {
          const label = JSON.stringify([row_security, source]);
          const isRefused = row_security === "off" && shownRows !== undefined;
          const { problems } = await connector.checkRead(source);
          assert.equal(problems.length, isRefused ? 1 : 0, label);
          const reading = rowsOf(connector, source);
          if (!isRefused) assert.equal(await reading, await expected(database, source, shownRows));
          else {
            const wanted = /row-level security policy for table .*BYPASSRLS.*"row_security: on"/;
            assert.match(problems[0]!, wanted);
            await assert.rejects(reading, wanted, label);
          }
        }
      }
    }),
);

async function expected(database: TestDatabase, source: StreamSource, shownRows?: number) {
  if (shownRows !== undefined) return shownRows;
  const [row] = await database.sql(
    `SELECT count(*)::int AS n FROM ${(source as { name: string }).name}`,
  );
  return row!["n"];
}

async function rowsOf(
  connector: Awaited<ReturnType<typeof connect>>,
  source: StreamSource,
): Promise<number> {
  const extraction = new PostgresCopyExtractor(connector).extract({
    source,
    projections: [{ field: { name: "id", dtype: "int32", nullable: true }, column: "id" }],
    batchRows: 1000,
    batchBytes: 1 << 20,
    signal: never,
  });
  while (true) {
    const { done, value } = await extraction.next();
    if (done) return value.rows;
  }
}

onServers(
  "policies are found inside functions, and in parts, too",
  (database) =>
    withLogin(database, async (user) => {
      await using connector = await connect(database.url, { user, password: "p" });
      const inside: StreamSource = { type: "function", name: "rows_inside" };
      await assert.rejects(rowsOf(connector, inside), /row-level security policy/);
      const extractor = new PostgresCopyExtractor(connector);
      const partition = extractor.partition({
        source: table("part"),
        projections: [{ field: { name: "id", dtype: "int32", nullable: true }, column: "id" }],
        batchRows: 1000,
        batchBytes: 1 << 20,
        signal: never,
      }, { most: 4, field: "id" });
      await assert.rejects(partition, /row-level security policy/);
    }),
);

onServers(
  "the highest watermark of a target is not that of the rows it shows",
  (database) =>
    withLogin(database, async (user) => {
      await using connector = await connect(database.url, { user, password: "p" });
      const loader = new PostgresCopyLoader(connector);
      await assert.rejects(
        loader.getMaxWatermark({ type: "relation", name: "hidden" }, "id"),
        /row-level security policy/,
      );
      const append = await connector.checkWrite({ type: "relation", name: "part" }, "append");
      assert.match(append.problems.join(), /applies to "dxt_policed_\w+", COPY cannot write there/);
      const owned = await connector.checkWrite({ type: "relation", name: "owned" }, "append");
      assert.deepEqual(owned.problems, []);
    }),
);

onServers("a default of read-only transactions is respected, and told", async (database) => {
  const name = new URL(database.url).pathname.slice(1);
  await database.sql(`CREATE TABLE t (n int); INSERT INTO t VALUES (1);
    ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  const why = /read-only, as "default_transaction_read_only" is on .*options: -c/;
  {
    await using connector = await connect(database.url);
    const { batches, fields } = await extract(connector, "t");
    assert.equal(batches.length, 1);
    for (const mode of ["append", "replace", "upsert"] as const) {
      const { problems } = await connector.checkWrite({ type: "relation", name: "t" }, mode);
      assert.match(problems.join(), why, mode);
      await assert.rejects(connector.begin("write"), (error) => {
        assert.ok(error instanceof ConnectorError);
        assert.match(error.message, why);
        return true;
      });
    }
    await assert.rejects(connector.query("INSERT INTO t VALUES (2)"), /25006/);
    assert.equal(fields.length, 1);
  }
  const options = "-c default_transaction_read_only=off";
  await using connector = await connect(database.url, { options });
  const { problems } = await connector.checkWrite({ type: "relation", name: "t" }, "append");
  assert.deepEqual(problems, []);
  await connector.query("INSERT INTO t VALUES (2)");
  const session = await connector.begin("write");
  await session.query("INSERT INTO t VALUES (3); COMMIT");
  await connector.giveBack(session);
  assert.equal((await extract(connector, "t")).proof.rows, 3);
});
