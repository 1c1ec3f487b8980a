/** A replacement that swaps tables, and loads that several connections write. */
import assert from "node:assert/strict";
import { ConcurrentRunError } from "../../../../src/core/errors.ts";
import {
  PostgresCopyLoader,
  PostgresParallelLoad,
} from "../../../../src/providers/relational/postgres/copy_loader.ts";
import type { PostgresConnector } from "../../../../src/providers/relational/postgres/connector.ts";
import type { LoadTask } from "../../../../src/core/contracts/loader.ts";
import type { LoadMode } from "../../../../src/models/stream.ts";
import type { TestDatabase } from "../../../support/services.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connect, never, onServers } from "./support.ts";
import type { Field } from "../../../../src/models/field.ts";

const FIELDS: Field[] = [
  { name: "id", dtype: "int32", nullable: false },
  { name: "name", dtype: "string", nullable: true },
];
const rows = (from: number, to: number, name: string) =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, name: `${name} ${from + i}` }));

function taskOf(name: string, records: ReturnType<typeof rows>, mode: LoadMode): LoadTask {
  return {
    target: { type: "relation", name },
    staged: stagedOf(FIELDS, records),
    mode,
    upsertKeys: [],
    signal: never,
  };
}

const loaderOf = (connector: PostgresConnector, replace: "delete" | "swap" = "swap") =>
  new PostgresCopyLoader(connector, { replace });

const parallelOf = (connector: PostgresConnector) =>
  new PostgresParallelLoad(connector, { replace: "swap" });

const loads = (database: TestDatabase) =>
  database.sql("SELECT relname FROM pg_class WHERE relname LIKE 'dxt%' ORDER BY 1");

/** All that catalogues say of a table, without the numbers that are another table's. */
const FACTS = `SELECT c.relacl::text, c.reloptions::text, obj_description(c.oid) AS comment,
  pg_get_userbyid(c.relowner) AS owner,
  (SELECT json_agg(json_build_array(i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid),
    i.indisprimary) ORDER BY i.indexrelid::regclass::text) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,
  (SELECT json_agg(json_build_array(conname, pg_get_constraintdef(k.oid)) ORDER BY conname)
    FROM pg_constraint k WHERE k.conrelid = c.oid) AS constraints,
  (SELECT json_agg(json_build_array(attname, format_type(atttypid, atttypmod), attnotnull, attstorage,
    attcompression, attgenerated, pg_get_expr(adbin, adrelid), col_description(c.oid, attnum)) ORDER BY attnum)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns
  FROM pg_class c WHERE c.oid = '"odd "" schema"."odd "" table"'::regclass`;

onServers("a swap makes everything again that belongs to the table", async (database) => {
  await database.sql(`CREATE SCHEMA "odd "" schema"; SET search_path = "odd "" schema";
    CREATE TABLE "odd "" table" (
      id int CONSTRAINT "the key" PRIMARY KEY, name text DEFAULT 'x' CHECK (name <> 'bad') UNIQUE,
      upper text GENERATED ALWAYS AS (upper(name)) STORED) WITH (fillfactor = 70);
    ALTER TABLE "odd "" table" ALTER name SET STORAGE EXTERNAL;
    COMMENT ON TABLE "odd "" table" IS 'it''s "ours"'; COMMENT ON COLUMN "odd "" table".name IS 'of it';
    GRANT SELECT ON "odd "" table" TO PUBLIC; GRANT INSERT ON "odd "" table" TO pg_monitor WITH GRANT OPTION;
    CREATE INDEX "odd USING index" ON "odd "" table" (lower(name) DESC) INCLUDE (id) WHERE id > 3;
    INSERT INTO "odd "" table" VALUES (1, 'old')`);
  const before = await database.sql(FACTS);
  await using connector = await connect(database.url);
  const name = '"odd "" schema"."odd "" table"';
  const receipt = await loaderOf(connector).load(taskOf(name, rows(1, 4, "new"), "replace"));
  assert.equal(receipt.rows, 3);
  assert.deepEqual(await database.sql(FACTS), before);
  const found = await database.sql(`SELECT id, name, upper FROM ${name} ORDER BY id`);
  assert.deepEqual(found.map((row) => ({ ...row })), [
    { id: 1, name: "new 1", upper: "NEW 1" },
    { id: 2, name: "new 2", upper: "NEW 2" },
    { id: 3, name: "new 3", upper: "NEW 3" },
  ]);
  assert.deepEqual([...await loads(database)], []);
});

const LOSSES: Readonly<Record<string, [create: string, told: RegExp]>> = {
  "a view": ["CREATE VIEW v AS SELECT * FROM t", /view v/],
  "a foreign key to it": ["CREATE TABLE c (id int REFERENCES t)", /constraint "c_id_fkey" of c/],
  "a foreign key from it": [
    "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (0); ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES p",
    /constraint "t_id_fkey" of t/,
  ],
  "a trigger": [
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()",
    /trigger "g"/,
  ],
  "a function of its type": [
    "CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    /function f\(t\)/,
  ],
  "a sequence": ["ALTER TABLE t ADD n serial", /sequence t_n_seq/],
  "an identity": ["ALTER TABLE t ADD n int GENERATED ALWAYS AS IDENTITY", /sequence t_n_seq/],
  "a rule": ["CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING", /rule "r"/],
  "a rule besides": ["CREATE RULE r AS ON INSERT TO t DO ALSO NOTIFY r", /rule "r"/],
  "an estimate of a column": [
    "ALTER TABLE t ALTER id SET (n_distinct = 5)",
    /settings of column "id"/,
  ],
  "an estimate of a column and its children": [
    "ALTER TABLE t ALTER name SET (n_distinct_inherited = 5)",
    /settings of column "name"/,
  ],
  "statistics of a column": ["ALTER TABLE t ALTER id SET STATISTICS 7", /settings of column "id"/],
  "a policy": ["CREATE POLICY p ON t USING (true)", /policy "p"/],
  "row security": ["ALTER TABLE t ENABLE ROW LEVEL SECURITY", /its row security/],
  "a publication": ["CREATE PUBLICATION p FOR TABLE t", /its place in a publication/],
  "statistics": ["CREATE STATISTICS s ON id, name FROM t", /statistics "s"/],
  "a child table": ["CREATE TABLE c () INHERITS (t)", /not an ordinary table of its own/],
  "grants on a column": ["GRANT SELECT (id) ON t TO pg_monitor", /settings of column "id"/],
  "an index's comment": ["COMMENT ON INDEX t_pkey IS 'x'", /comment or settings of index "t_pkey"/],
  "another owner": [
    "CREATE ROLE other_owner; ALTER TABLE t OWNER TO other_owner",
    /its owner is another role/,
  ],
};

for (const [what, [create, told]] of Object.entries(LOSSES)) {
  onServers(`a swap that would lose ${what} is refused before it starts`, async (database) => {
    await database.sql(
      `CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (0, 'old')`,
    );
    try {
      await database.sql(create);
      await using connector = await connect(database.url);
      const task = taskOf("t", rows(1, 3, "new"), "replace");
      const failed = loaderOf(connector).load(task);
      await assert.rejects(failed, ({ message }: Error) => {
        assert.match(message, /^Cannot load|^Cannot swap/);
        assert.match(message, told);
        return message.endsWith("set replace of the loader to delete");
      });
      assert.equal(
        (await database.sql("SELECT count(*)::int AS n FROM t WHERE id = 0"))[0]!["n"],
        1,
      );
      assert.deepEqual([...await loads(database)], []);
    } finally {
      await database.sql("DROP TABLE IF EXISTS t CASCADE; DROP ROLE IF EXISTS other_owner")
        .catch(() => {});
    }
  });
}

onServers("a swap replaces no part of a table", async (database) => {
  await database.sql("CREATE TABLE t (id int PRIMARY KEY, name text)");
  await using connector = await connect(database.url);
  const task = { ...taskOf("t", rows(1, 3, "new"), "replace"), where: "id > 0" };
  const refused = /Cannot replace rows of "t": "replace: swap" replaces the whole table/;
  await assert.rejects(loaderOf(connector).load(task), refused);
  await assert.rejects((async () => await loaderOf(connector).plan(task))(), refused);
});

onServers("a swap waits for readers without stopping those who come after", async (database) => {
  await database.sql(`CREATE TABLE t (id int, name text); INSERT INTO t VALUES (0, 'old')`);
  await using connector = await connect(database.url);
  await using reader = await connect(database.url);
  await reader.query("BEGIN");
  await reader.query("SELECT * FROM t");
  const loading = loaderOf(connector).load(taskOf("t", rows(1, 3, "new"), "replace"));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  // The swap has asked for its lock and let go of it again.
  const [row] = await database.sql("SELECT count(*)::int AS n FROM t");
  assert.equal(row!["n"], 1);
  await reader.query("COMMIT");
  await loading;
  assert.equal((await database.sql("SELECT count(*)::int AS n FROM t"))[0]!["n"], 2);
});

onServers(
  "what a killed load left is dropped by the next, another table of the name is not",
  async (database) => {
    const task = taskOf("t", rows(0, 5, "new"), "append");
    {
      await using connector = await connect(database.url);
      const shared = await parallelOf(connector).begin(task);
      await using other = await connect(database.url);
      await assert.rejects(parallelOf(other).begin(task), ConcurrentRunError);
      await parallelOf(other).loadShare(task, shared!.ticket);
      // The process ends here: its connections are gone, which takes the server a moment.
      await database.sql(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`);
    }
    const [left] = await loads(database);
    assert.match(String(left!["relname"]), /^dxt_load_[0-9a-f]{16}$/);
    await using connector = await connect(database.url);
    const loader = parallelOf(connector);
    const shared = (await loader.begin(task))!;
    await shared.finish(await loader.loadShare(task, shared.ticket));
    assert.equal((await database.sql("SELECT count(*)::int AS n FROM t"))[0]!["n"], 5);
    assert.deepEqual([...await loads(database)], []);
    await database.sql(`DROP TABLE t; CREATE TABLE ${left!["relname"]} (mine int)`);
    assert.equal(await loader.begin(task), undefined);
    assert.equal((await loads(database)).length, 1);
  },
);

onServers("a shared load of fewer rows than staged leaves nothing", async (database) => {
  await using connector = await connect(database.url);
  const loader = parallelOf(connector);
  const task = taskOf("t", rows(0, 5, "new"), "append");
  const shared = (await loader.begin(task))!;
  await assert.rejects(shared.finish(4), /PostgreSQL took 4, staged are 5/);
  await shared.abort();
  assert.deepEqual([
    ...await database.sql("SELECT FROM pg_class WHERE relname LIKE 'dxt%' OR relname = 't'"),
  ], []);
});

onServers("the plan of a swap has the changes of the new table, as they run", async (database) => {
  await database.sql("CREATE TABLE t (id smallint PRIMARY KEY); INSERT INTO t VALUES (1)");
  const warnings: string[] = [];
  const sent: string[] = [];
  await using connector = await connect(database.url, {}, never, warnings, sent);
  const task = taskOf("t", rows(100_000, 100_003, "new"), "replace");
  const { statements } = await loaderOf(connector).plan(task);
  const [added] = statements.filter((sql) => sql.includes('ADD COLUMN "name"'));
  assert.match(added!, /^ALTER TABLE "public"\."dxt_load_[0-9a-f]{16}" ADD COLUMN/);
  assert.equal(warnings.at(0), `The load changes table "public.t": ${added}`);
  sent.length = 0;
  await loaderOf(connector).load(task);
  // The catalogue quotes names only where that is needed.
  const [planned, ran] = [statements, sent].map((all) => all.map((sql) => sql.replaceAll('"', "")));
  assert.deepEqual(ran!.filter((sql) => planned!.includes(sql)), planned);
});
