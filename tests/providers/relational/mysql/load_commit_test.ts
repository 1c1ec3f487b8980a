/** What the server tells of an append whose run was killed at its commit. */
import assert from "node:assert/strict";
import type { CommitRecord } from "../../../../src/core/contracts/loader.ts";
import mysql from "../../../../src/providers/relational/mysql/mod.ts";
import {
  MySQLLoader,
  type MySQLLoaderOptions,
} from "../../../../src/providers/relational/mysql/loader.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connect, never, onServers, type TestDatabase } from "./support.ts";

const TARGET = { type: "relation", name: "t" } as const;

/** Appends two rows; returns what is remembered at the commit, where `atCommit` may fail. */
async function append(
  database: Pick<TestDatabase, "url">,
  atCommit: (record: CommitRecord) => Promise<void> = () => Promise.resolve(),
  options?: MySQLLoaderOptions,
) {
  const warnings: string[] = [];
  await using connector = await connect(database.url, {}, never, warnings);
  let record: CommitRecord = {};
  const load = new MySQLLoader(connector, options).load({
    target: TARGET,
    staged: stagedOf([{ name: "id", dtype: "int32", nullable: false }], [{ id: 1 }, { id: 2 }]),
    mode: "append",
    upsertKeys: [],
    signal: never,
    journal: {
      async remember(asked) {
        record = JSON.parse(JSON.stringify(asked));
        await atCommit(record);
      },
    },
  });
  const error = await load.then(() => undefined, (error: Error) => error);
  return { record, error, warnings };
}

async function outcome(database: TestDatabase, record: CommitRecord) {
  await using connector = await connect(database.url);
  return await mysql.loaders!["MySQLLoader"]!.getOutcome!(connector, TARGET, record);
}

const fail = () => Promise.reject(new Error("killed"));

onServers(
  "an append into a new table is committed with its name, or not at all",
  async (database) => {
    const lost = await append(database, fail);
    assert.equal(lost.error?.message, "killed");
    assert.equal(await outcome(database, lost.record), "aborted");
    const { record, error } = await append(database);
    assert.equal(error, undefined);
    assert.equal(await outcome(database, record), "committed");
  },
);

onServers("other writers make the outcome of a load of a new table unknown", async (database) => {
  const created = await append(database);
  await database.sql("INSERT INTO t VALUES (7)");
  assert.equal(await outcome(database, created.record), "unknown");
  assert.equal(await outcome(database, { of: "another loader" }), "unknown");
});

const TABLE = "CREATE TABLE t (id int) ENGINE=InnoDB";

onServers("an append to a table is told by its marker, whatever others write", async (database) => {
  await database.sql(TABLE);
  const lost = await append(database, fail);
  await database.sql("INSERT INTO t VALUES (8), (9)");
  assert.equal(await outcome(database, lost.record), "aborted");
  const first = await append(database);
  await database.sql("DELETE FROM t");
  assert.deepEqual(first.warnings, []);
  assert.equal(await outcome(database, first.record), "committed");
  const second = await append(database);
  assert.equal(await outcome(database, second.record), "committed");
  assert.equal(await outcome(database, first.record), "unknown");
  const again = await append(database, fail);
  assert.equal(await outcome(database, again.record), "aborted");
  assert.equal(await outcome(database, second.record), "committed");

  assert.deepEqual(await database.sql("SELECT table_name FROM _dxt_commits"), [["t"]]);
  await using connector = await connect(database.url);
  const streams = await connector.discover();
  assert.deepEqual(streams.map(({ name }) => name), ["t"]);
  await database.sql("DROP TABLE _dxt_commits");
  assert.equal(await outcome(database, second.record), "unknown");
});

onServers("a plan has the statement that creates the table of the markers", async (database) => {
  await database.sql(TABLE);
  const plan = async (options?: MySQLLoaderOptions) => {
    await using connector = await connect(database.url);
    const { statements } = await new MySQLLoader(connector, options).plan({
      target: TARGET,
      staged: { kind: "records", fields: [{ name: "id", dtype: "int32", nullable: false }] },
      mode: "append",
      upsertKeys: [],
      lossy: "stop",
      signal: never,
    });
    return statements;
  };
  const [statement, ...others] = await plan();
  assert.match(statement!, /^CREATE TABLE IF NOT EXISTS `dxt_\w+`\.`_dxt_commits` /);
  assert.deepEqual(others, []);
  assert.deepEqual(await plan(UNMARKED), []);
  await append(database, undefined, UNMARKED);
  assert.deepEqual(await database.sql("SHOW TABLES LIKE '%commits'"), []);
  await append(database);
  assert.deepEqual(await plan(), []);
});

const UNMARKED: MySQLLoaderOptions = { replace: "delete", commit_marker: false };

onServers(
  "without a right to the markers, a warning says what cannot be told",
  async (database) => {
    await database.sql(TABLE);
    const name = new URL(database.url).pathname.slice(1);
    const login = name.slice(0, 16);
    await database.sql(`CREATE USER ${login}@'%' IDENTIFIED BY 'p'`);
    try {
      await database.sql(`GRANT SELECT, INSERT ON ${name}.t TO ${login}@'%'`);
      const url = new URL(database.url);
      [url.username, url.password] = [login, "p"];
      const { record, error, warnings } = await append({ url: url.href }, fail);
      assert.equal(error?.message, "killed");
      assert.equal(await outcome(database, record), "unknown");
      assert.match(
        warnings.join("\n"),
        /^Whether an append was committed cannot be told if the run is killed right then: .*denied.*; grant CREATE on the database, or INSERT, DELETE and SELECT on "_dxt_commits"$/,
      );
    } finally {
      await database.sql(`DROP USER ${login}@'%'`);
    }
  },
);

onServers("an append is running while its session has the lock of the table", async (database) => {
  let found: string | undefined;
  await append(database, async (record) => {
    found = await outcome(database, record);
  });
  assert.equal(found, "running");
});

onServers(
  "after a connection that ends with the commit, the target tells the outcome",
  async (database) => {
    await database.sql(TABLE);
    const lost = await append(database, async () => {
      const ids = await database.sql(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND DB = DATABASE()",
      );
      for (const [id] of ids) await database.sql(`KILL ${id}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    assert.equal(lost.error?.name, "UnknownOutcomeError", lost.error?.message);
    assert.equal(await outcome(database, lost.record), "aborted");
  },
);
