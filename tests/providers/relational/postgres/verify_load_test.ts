/** Loads whose values the target has in another form: their verification knows that they are the same. */
import assert from "node:assert/strict";
import type { TestDatabase } from "../../../support/services.ts";
import { runWell, withFolder } from "../../../support/run.ts";
import { onServers } from "./support.ts";

/** Loads "source" into "target", and returns what was compared. */
async function verify(database: TestDatabase, load: Record<string, unknown>, url = database.url) {
  const open = (url: string) => ({ provider: "postgres", url: `${url}?sslmode=disable` });
  return await withFolder(async (folder) => {
    const { streams: [stream] } = await runWell(folder, {
      version: 1,
      name: "p",
      source: open(database.url),
      target: open(url),
      streams: [{ id: "s", source: "source", target: "target", load }],
    });
    return stream!.proof!.verified!;
  });
}

onServers("columns with more places than their fields have the same totals", async (database) => {
  await database.sql(`CREATE TABLE source (id int, n int, d numeric(6,2), f float8, g float4);
    INSERT INTO source VALUES (1, 7, 1.5, '-0', 0.1), (2, NULL, 2.25, 'NaN', 0.3), (3, -9, 0, 1, 1);
    CREATE TABLE target (id bigint, n numeric(12,2), d numeric(9,4), f float8, g float4)`);
  const { level, omitted } = await verify(database, { mode: "append", verify: "aggregates" });
  assert.deepEqual({ level, omitted }, { level: "aggregates", omitted: [] });
});

onServers(
  "a field is not compared that does not read back from its wider column",
  async (database) => {
    await database.sql(`CREATE TABLE source (id int, n int, d date, big bigint);
    INSERT INTO source VALUES (1, 7, '2024-02-29', 1000000000000000);
    CREATE TABLE target (id bigint, n numeric(12,2), d timestamp, big double precision)`);
    const { level, omitted } = await verify(database, { lossy: "accept" });
    assert.equal(level, "full");
    assert.deepEqual(omitted, [
      { field: "n", reason: "it is numeric(12,2) there" },
      { field: "d", reason: "it is timestamp without time zone there" },
      { field: "big", reason: "it is double precision there" },
    ]);
  },
);

onServers(
  "lengths of text are those of UTF-8, whatever the target's encoding is",
  async (database) => {
    await database.sql(
      "CREATE TABLE source (t text, x xml); INSERT INTO source VALUES ('é', '<é/>')",
    );
    const target = new URL(database.url);
    target.pathname += "_latin1";
    const name = target.pathname.slice(1);
    await database.sql(`CREATE DATABASE ${name} ENCODING LATIN1 TEMPLATE template0 LOCALE 'C'`);
    try {
      const { level, omitted } = await verify(database, { verify: "aggregates" }, target.href);
      assert.deepEqual({ level, omitted }, { level: "aggregates", omitted: [] });
    } finally {
      await database.sql(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  },
);

onServers("an upsert leaves a key in the spelling that the table has", async (database) => {
  await database.sql(`CREATE EXTENSION citext;
    CREATE TABLE source (k text, v int); INSERT INTO source VALUES ('A', 1), ('b', 2);
    CREATE TABLE target (k citext PRIMARY KEY, v int); INSERT INTO target VALUES ('a', 0)`);
  const { level, omitted } = await verify(database, { mode: "upsert", upsert_keys: ["k"] });
  assert.deepEqual({ level, omitted }, { level: "full", omitted: [] });
  assert.deepEqual(
    (await database.sql("SELECT k, v FROM target ORDER BY v")).map((row) => ({ ...row })),
    [{ k: "a", v: 1 }, { k: "b", v: 2 }],
  );
});

onServers("rows that shared a key before the upsert are compared as one", async (database) => {
  await database.sql(
    `CREATE TABLE source (k int, v json); INSERT INTO source VALUES (1, '[1]'), (2, '[2]');
    CREATE TABLE target (k int, v json); INSERT INTO target VALUES (1, '0'), (1, '9'), (3, '3')`,
  );
  const upsert = { mode: "upsert", upsert_keys: ["k"], verify: "full" };
  const { level, omitted } = await verify(database, upsert);
  assert.deepEqual({ level, omitted }, { level: "full", omitted: [] });
  assert.deepEqual(
    (await database.sql("SELECT k, v::text FROM target ORDER BY k")).map((row) =>
      Object.values(row)
    ),
    [[1, "[1]"], [1, "[1]"], [2, "[2]"], [3, "3"]],
  );
  // One of the two rows keeps its value.
  await database.sql(`UPDATE target SET v = '0'; UPDATE target SET v = '7' WHERE ctid =
      (SELECT max(ctid) FROM target WHERE k = 1);
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF old.v::text = '7' THEN new.v := old.v; END IF; RETURN new; END $$;
    CREATE TRIGGER keep BEFORE UPDATE ON target FOR EACH ROW EXECUTE FUNCTION keep()`);
  await assert.rejects(verify(database, upsert), /it holds 3 rows of the load, staged are 2/);
});

onServers("an append to a table with a foreign partition is proven by counts", async (database) => {
  const { hostname, port, pathname, username, password } = new URL(database.url);
  await database.sql(`CREATE EXTENSION postgres_fdw;
    CREATE SERVER own FOREIGN DATA WRAPPER postgres_fdw
      OPTIONS (host '${hostname}', port '${port}', dbname '${
    pathname.slice(1)
  }', sslmode 'disable');
    CREATE USER MAPPING FOR PUBLIC SERVER own OPTIONS (user '${username}', password '${
    decodeURIComponent(password)
  }');
    CREATE TABLE source (id int); INSERT INTO source VALUES (1), (2), (3); CREATE TABLE far (id int);
    CREATE TABLE target (id int) PARTITION BY RANGE (id);
    CREATE TABLE near PARTITION OF target FOR VALUES FROM (0) TO (2);
    CREATE FOREIGN TABLE linked PARTITION OF target FOR VALUES FROM (2) TO (9)
      SERVER own OPTIONS (table_name 'far')`);
  const { level, reason } = await verify(database, { mode: "append" });
  assert.equal(level, "counts");
  assert.match(reason!, /does not tell who wrote its rows/);
  assert.deepEqual({ ...(await database.sql("SELECT count(*)::int AS n FROM target"))[0] }, {
    n: 3,
  });
});
