/** The tables that killed loads leave beside their targets. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConcurrentRunError } from "../../../../src/core/errors.ts";
import type { PostgresConnector } from "../../../../src/providers/relational/postgres/connector.ts";
import { lockLoads } from "../../../../src/providers/relational/postgres/load/load_lock.ts";
import {
  listLeftovers,
  markSibling,
  removeLeftover,
  siblingTable,
} from "../../../../src/providers/relational/postgres/sibling_table.ts";
import { tableName } from "../../../../src/providers/relational/names.ts";
import { program } from "../../../cli/program.ts";
import { claimOf } from "../../../support/claim.ts";
import { withFolder } from "../../../support/run.ts";
import type { TestDatabase } from "../../../support/services.ts";
import { connect, never, onServers } from "./support.ts";

const TARGET = { type: "relation", name: 'odd" schema.odd" table' } as const;
const NAME = { schema: 'odd" schema', name: 'odd" table' };
const target = { ...TARGET, ...NAME };

/** Makes the table that a load of the target would fill, as a killed load leaves it; returns its name. */
async function leave(database: TestDatabase, connector: PostgresConnector): Promise<string> {
  await database.sql(`CREATE SCHEMA IF NOT EXISTS "odd"" schema"`);
  const { beside, mark } = siblingTable(tableName(target), undefined);
  await database.sql(`CREATE TABLE ${beside} AS SELECT generate_series(1, 1000) AS id`);
  const session = await connector.begin("write");
  await markSibling(session, beside, mark);
  await session.query("COMMIT");
  await connector.giveBack(session);
  return beside.replace(/"(dxt_\w+)"$/, "$1");
}

const request = (name: string) => ({ name, claim: claimOf(), signal: never });

onServers(
  "the table of a killed load is listed with size and time, and removed",
  async (database) => {
    await using connector = await connect(database.url);
    assert.deepEqual(await listLeftovers(connector, target), []);
    const beside = await leave(database, connector);
    const [left, ...more] = await listLeftovers(connector, target);
    assert.deepEqual(more, []);
    assert.equal(left!.kind, "table");
    assert.equal(left!.name, beside);
    assert.ok(left!.bytes! >= 1000 * 4);
    assert.ok(Math.abs(Date.now() - Date.parse(left!.changed!)) < 60_000, left!.changed);
    assert.equal(await removeLeftover(connector, target, request("public.other")), false);
    assert.equal((await listLeftovers(connector, target)).length, 1);
    assert.equal(await removeLeftover(connector, target, request(beside)), true);
    assert.deepEqual(await listLeftovers(connector, target), []);
    assert.equal(await removeLeftover(connector, target, request(beside)), false);
  },
);

onServers(
  "the table of a load that goes on is shown by its lock, and not removed",
  async (database) => {
    await using connector = await connect(database.url);
    const beside = await leave(database, connector);
    await using other = await connect(database.url);
    const loading = await other.begin("write");
    await lockLoads(loading, { target, claim: claimOf(), signal: never }, other.config);
    const [lock, ...more] = await listLeftovers(connector, target);
    assert.deepEqual([lock!.kind, more], ["lock", []]);
    assert.match(lock!.holder!, /dxt run \w{8} process 4711 on test-host", session \d+ of user/);
    await assert.rejects(
      removeLeftover(connector, target, request(beside)),
      (error: unknown) => error instanceof ConcurrentRunError && /another run/.test(error.message),
    );
    await loading.query("ROLLBACK");
    await other.giveBack(loading);
    assert.equal((await listLeftovers(connector, target)).length, 1);
  },
);

onServers("a table that only has the name of one of dxt's stays", async (database) => {
  await using connector = await connect(database.url);
  const beside = await leave(database, connector);
  const { mark } = siblingTable(tableName(target), undefined);
  for (const comment of ["NULL", "'mine'", `'${mark} for ever'`, "'dxt loads \"other\"'"]) {
    await database.sql(`COMMENT ON TABLE ${beside} IS ${comment}`);
    assert.deepEqual(await listLeftovers(connector, target), [], comment);
    assert.equal(await removeLeftover(connector, target, request(beside)), false, comment);
  }
  // As versions before this one marked it.
  await database.sql(`COMMENT ON TABLE ${beside} IS '${mark}'`);
  const [left] = await listLeftovers(connector, target);
  assert.equal(left!.changed, undefined);
  assert.equal(await removeLeftover(connector, target, request(beside)), true);
});

const MAIN = fileURLToPath(new URL("../../../../main.ts", import.meta.url));

/** Rows enough for a load over several connections. */
const ROWS =
  "SELECT i AS id, md5(i::text) || md5((-i)::text) AS v FROM generate_series(1, 200000) AS i";

onServers(
  "a run that is killed while it loads leaves a table, which dxt clean removes",
  (database) =>
    withFolder(async (folder) => {
      const pipeline = {
        version: 1,
        name: "p",
        source: `${database.url}?sslmode=disable`,
        target: `${database.url}?sslmode=disable`,
        streams: [{
          id: "s",
          source: { type: "sql", sql: ROWS },
          target: "t",
          load: { mode: "replace" },
          loader: { config: { replace: "swap" } },
        }],
      };
      await Deno.writeTextFile(join(folder, "p.yaml"), JSON.stringify(pipeline));
      // deno-lint-ignore no-explicit-any
      const entriesOf = async (...command: string[]): Promise<any[]> =>
        JSON.parse((await program(folder, [...command, "p.yaml", "-q"])).out).entries;
      const listTables = () =>
        database.sql(
          "SELECT relname FROM pg_class WHERE relname LIKE 'dxt_load_%' AND relkind = 'r'",
        );
      // A reader keeps the new table from taking the place of the old one.
      await database.sql("CREATE TABLE t (id int, v text); BEGIN; SELECT FROM t");
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-prompt", "--no-check", MAIN, "run", "p.yaml", "-q"],
        ...{ cwd: folder, stdout: "null", stderr: "null" },
      }).spawn();
      try {
        while ((await listTables()).length === 0) {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        const used = await entriesOf("status");
        assert.deepEqual(used.map(({ kind, state }) => [kind, state]), [
          ["stage", "in use"],
          ["lock", "in use"],
        ]);
        assert.equal(used[0].held_by.pid, child.pid);
        assert.ok(used[1].held_by.includes(`process ${child.pid} `), used[1].held_by);
        const kept = await entriesOf("clean", "--yes");
        assert.deepEqual(kept.map(({ action }) => action), ["kept", "kept"]);
      } finally {
        child.kill("SIGKILL");
        await child.status;
      }
      await database.sql("ROLLBACK");
      let left = await entriesOf("status");
      // The server notices a moment later that its client is gone.
      while (left.some(({ kind }) => kind === "lock")) left = await entriesOf("status");
      assert.deepEqual(left.map(({ kind, state }) => [kind, state]), [
        ["stage", "staged"],
        ["table", "abandoned"],
      ]);
      const cleaned = await entriesOf("clean", "--yes");
      assert.deepEqual(cleaned.map(({ action }) => action), ["kept", "removed"]);
      assert.equal((await listTables()).length, 0);
      const { code, err } = await program(folder, ["load", "p.yaml", "-q"]);
      assert.equal(code, 0, err);
      assert.deepEqual(await entriesOf("status"), []);
      assert.equal(Number((await database.sql("SELECT count(*) FROM t"))[0]!["count"]), 200_000);
    }),
);
