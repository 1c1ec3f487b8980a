/** The tables that killed loads leave beside their targets. */
import assert from "node:assert/strict";
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
import { claimOf } from "../../../support/claim.ts";
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

onServers("the table of a load that goes on is neither listed nor removed", async (database) => {
  await using connector = await connect(database.url);
  const beside = await leave(database, connector);
  await using other = await connect(database.url);
  const loading = await other.begin("write");
  await lockLoads(loading, { target, claim: claimOf(), signal: never }, other.config);
  assert.deepEqual(await listLeftovers(connector, target), []);
  await assert.rejects(
    removeLeftover(connector, target, request(beside)),
    (error: unknown) => error instanceof ConcurrentRunError && /another run/.test(error.message),
  );
  await loading.query("ROLLBACK");
  await other.giveBack(loading);
  assert.equal((await listLeftovers(connector, target)).length, 1);
});

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
