/** What the server tells of an append whose run was killed at its commit. */
import assert from "node:assert/strict";
import type { CommitRecord } from "../../../../src/core/contracts/loader.ts";
import mysql from "../../../../src/providers/relational/mysql/mod.ts";
import { MySQLLoader } from "../../../../src/providers/relational/mysql/loader.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connect, never, onServers, type TestDatabase } from "./support.ts";

const TARGET = { type: "relation", name: "t" } as const;

/** Appends two rows; returns what is remembered at the commit, where `atCommit` may fail. */
async function append(
  database: TestDatabase,
  atCommit: (record: CommitRecord) => Promise<void> = () => Promise.resolve(),
) {
  await using connector = await connect(database.url);
  let record: CommitRecord = {};
  const load = new MySQLLoader(connector).load({
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
  return { record, error };
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

onServers("other writers make the outcome of an append unknown", async (database) => {
  const created = await append(database);
  await database.sql("INSERT INTO t VALUES (7)");
  assert.equal(await outcome(database, created.record), "unknown");
  const lost = await append(database, fail);
  await database.sql("INSERT INTO t VALUES (8), (9)");
  assert.equal(await outcome(database, lost.record), "unknown");
  assert.equal(await outcome(database, { of: "another loader" }), "unknown");
});

onServers("an append is running while its session has the lock of the table", async (database) => {
  let found: string | undefined;
  await append(database, async (record) => {
    found = await outcome(database, record);
  });
  assert.equal(found, "running");
});

onServers("a connection that ends with the commit makes the outcome unknown", async (database) => {
  await database.sql("CREATE TABLE t (id int) ENGINE=InnoDB");
  const lost = await append(database, async () => {
    const ids = await database.sql(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND DB = DATABASE()",
    );
    for (const [id] of ids) await database.sql(`KILL ${id}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  assert.equal(lost.error?.name, "UnknownOutcomeError", lost.error?.message);
  assert.equal(await outcome(database, lost.record), "unknown");
});
