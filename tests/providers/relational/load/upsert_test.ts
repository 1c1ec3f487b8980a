import assert from "node:assert/strict";
import {
  hasUniqueKey,
  uniqueKeyStatements,
} from "../../../../src/providers/relational/load/unique_key.ts";
import {
  type StagedUpsert,
  upsertClause,
  upsertStatements,
} from "../../../../src/providers/relational/load/upsert.ts";
import { sqlite } from "../../../../src/providers/relational/sqlite/system.ts";
import type { SqliteTable } from "../../../../src/providers/relational/sqlite/sql/catalog.ts";
import { SqliteSession } from "../../../../src/providers/relational/sqlite/sql/session.ts";
import { DatabaseSync } from "node:sqlite";

const UPSERT: StagedUpsert = {
  table: "t",
  columns: { all: ["a", "b", "v"], keys: ["a", "b"] },
  changed: ["v"],
  rows: "stage AS s",
};

Deno.test("each strategy of an upsert has its statements, also where nothing but keys is loaded", () => {
  const insert = "INSERT INTO t (a, b, v) SELECT a, b, v FROM stage AS s";
  const same = "t.a = s.a AND t.b = s.b";
  assert.deepEqual(upsertStatements("on conflict", UPSERT), [
    `${insert} ON CONFLICT (a, b) DO UPDATE SET v = excluded.v`,
  ]);
  assert.deepEqual(upsertStatements("on duplicate key", UPSERT), [
    `${insert} ON DUPLICATE KEY UPDATE v = VALUES(v)`,
  ]);
  assert.deepEqual(upsertStatements("update insert", UPSERT), [
    `UPDATE t AS t SET v = s.v FROM stage AS s WHERE ${same}`,
    `${insert} WHERE NOT EXISTS (SELECT 1 FROM t AS t WHERE ${same})`,
  ]);
  assert.equal(upsertStatements("update insert", { ...UPSERT, changed: [] }).length, 1);
  assert.equal(upsertClause("on conflict", ["a"], []), "ON CONFLICT (a) DO NOTHING");
  assert.equal(upsertClause("on duplicate key", ["a"], []), "ON DUPLICATE KEY UPDATE a = a");
  const [first] = upsertStatements("on conflict", {
    ...UPSERT,
    option: " OVERRIDING SYSTEM VALUE",
  });
  assert.match(first!, /^INSERT INTO t \(a, b, v\) OVERRIDING SYSTEM VALUE SELECT/);
});

Deno.test("a unique key is found in any order and case of its columns, and made where there is none", async () => {
  using database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE t (Id INTEGER, Part TEXT, v TEXT, UNIQUE (Part, Id))");
  const session = new SqliteSession(database);
  const table = await sqlite.catalog.find(session, { name: "t" }) as SqliteTable;
  assert.equal(await hasUniqueKey(sqlite, session, table, ["id", "part"]), true);
  assert.equal(await hasUniqueKey(sqlite, session, table, ["id"]), false);
  assert.deepEqual(await uniqueKeyStatements(sqlite, session, table, ["part", "id"]), []);
  for (const sql of await uniqueKeyStatements(sqlite, session, table, ["id"])) database.exec(sql);
  assert.equal(await hasUniqueKey(sqlite, session, table, ["id"]), true);
});
