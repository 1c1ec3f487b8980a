/** The tables that killed loads leave beside their targets. */
import assert from "node:assert/strict";
import { ConcurrentRunError } from "../../../../src/core/errors.ts";
import {
  listLeftovers,
  lockLoads,
  nameLock,
  removeLeftover,
} from "../../../../src/providers/relational/mysql/load/sibling_table.ts";
import { MySQLLoader } from "../../../../src/providers/relational/mysql/loader.ts";
import type { Field } from "../../../../src/models/field.ts";
import { stagedOf } from "../../../support/staged.ts";
import { claimOf } from "../../../support/claim.ts";
import { connect, never, onServers, openSession, type TestDatabase } from "./support.ts";

const target = { type: "relation", name: "orders" } as const;

/** Makes the two tables that a swap of the target has for a moment; returns their names. */
async function leave({ session, sql }: TestDatabase): Promise<string[]> {
  const lock = await nameLock(session, { target });
  const names = ["dxt_new_", "dxt_old_"].map((prefix) => lock.replace("dxt_", prefix));
  for (const name of names) await sql(`CREATE TABLE ${name} AS SELECT 1 AS id`);
  return names;
}

const request = (name: string) => ({ name, claim: claimOf(), signal: never });

onServers(
  "the tables of a killed load are listed with size and time, and removed",
  async (database) => {
    await using connector = await connect(database.url);
    assert.deepEqual(await listLeftovers(connector, target), []);
    await database.sql("CREATE TABLE orders (id int)");
    const names = await leave(database);
    await database.sql("CREATE TABLE dxt_new_theirs (id int)");
    const left = await listLeftovers(connector, target);
    assert.deepEqual(left.map(({ name }) => name), names);
    for (const { kind, bytes, changed, problem } of left) {
      assert.deepEqual([kind, problem], ["table", undefined]);
      assert.ok(bytes! > 0);
      assert.ok(Math.abs(Date.now() - Date.parse(changed!)) < 60_000, changed);
    }
    assert.equal(await removeLeftover(connector, target, request("dxt_new_theirs")), false);
    assert.equal(await removeLeftover(connector, target, request(names[1]!)), true);
    assert.deepEqual((await listLeftovers(connector, target)).map(({ name }) => name), [names[0]]);
    const tables = await database.sql("SHOW TABLES");
    assert.deepEqual(tables.flat().sort(), ["dxt_new_theirs", names[0], "orders"].sort());
  },
);

onServers(
  "the only copy of a replaced table is not removed, and the next load renames it back",
  async (database) => {
    await using connector = await connect(database.url);
    const [fresh, old] = await leave(database);
    await database.sql(`UPDATE ${old} SET id = 7`);
    const left = await listLeftovers(connector, target);
    assert.deepEqual(
      left.map(({ name, problem }) => [name, problem?.split(";")[1]]),
      [[fresh, undefined], [old, " the next load renames it back"]],
    );
    assert.equal(await removeLeftover(connector, target, request(old!)), false);
    const fields: Field[] = [{ name: "id", dtype: "int32", nullable: true }];
    await new MySQLLoader(connector).load({
      ...{ target, staged: stagedOf(fields, [{ id: 8 }]), mode: "append", upsertKeys: [] },
      signal: never,
    });
    assert.deepEqual(await database.sql("SELECT id FROM orders ORDER BY id"), [["7"], ["8"]]);
    assert.deepEqual((await listLeftovers(connector, target)).map(({ name }) => name), [fresh]);
  },
);

onServers(
  "the table of a load that goes on is shown by its lock, and not removed",
  async (database) => {
    await using connector = await connect(database.url);
    const [name] = await leave(database);
    const loading = await openSession(database.url);
    try {
      await lockLoads(loading, { target, claim: claimOf(), signal: never });
      const [lock, ...more] = await listLeftovers(connector, target);
      assert.deepEqual([lock!.kind, lock!.name, more], ["lock", "orders", []]);
      assert.match(lock!.holder!, /^connection \d+ of MySQL$/);
      await assert.rejects(removeLeftover(connector, target, request(name!)), ConcurrentRunError);
    } finally {
      await loading.close();
    }
    assert.equal((await listLeftovers(connector, target)).length, 2);
  },
);
