/** The database file: where it is, whether it is one, who else uses it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { usage } from "../../../support/usage.ts";
import type { Usage } from "../../../../src/core/contracts/provider.ts";
import { ConnectionError, ConnectorError } from "../../../../src/core/errors.ts";
import { inTransaction } from "../../../../src/providers/relational/sqlite/connector.ts";
import { tryWriting } from "../../../../src/providers/relational/sqlite/sql/database_file.ts";
import sqlite from "../../../../src/providers/relational/sqlite/mod.ts";
import { field, withDatabase } from "./support.ts";

const ID = [field("id", "int64")];

Deno.test("a database in memory and URIs are refused, they would be gone or elsewhere", () => {
  for (const path of [":memory:", "file:a.db", "", "a\0b"]) {
    assert.equal(sqlite.config.safeParse({ path }).success, false, path);
  }
});

const TABLE = { type: "relation", name: "t" } as const;

Deno.test("the permissions are the database's file and its journal, written only as a target", () =>
  withDatabase(({ folder }) => {
    const files = [join(folder, "a.db"), join(folder, "a.db-journal")];
    const at = (config: Record<string, unknown>, use: Partial<Usage>) =>
      sqlite.permissions(sqlite.config.parse(config), { ...usage(folder), ...use });
    const path = "a.db";
    assert.deepEqual(at({ path }, { reads: [TABLE] }), { read: files });
    assert.deepEqual(at({ path }, { writes: [TABLE] }), { read: files, write: files });
    assert.deepEqual(at({ path, readonly: true }, { writes: [TABLE] }), { read: files });
    const deep = at({ path: "new/er/a.db" }, { writes: [TABLE] });
    assert.deepEqual(deep.write, [
      join(folder, "new/er/a.db"),
      join(folder, "new/er/a.db-journal"),
      join(folder, "new"),
    ]);
    assert.deepEqual(deep.read, deep.write);
    return Promise.resolve();
  }));

Deno.test("reading makes no file", () =>
  withDatabase(async (database) => {
    const missing = { name: "ConnectionError", message: /test\.db": no such file/ };
    await assert.rejects(database.connector.testConnection(), missing);
    await assert.rejects(database.connector.discover(), missing);
    await assert.rejects(database.connector.query("SELECT 1"), missing);
    const query = { type: "sql", sql: "SELECT 1" } as const;
    await assert.rejects(database.connector.getStreamFields(query), missing);
    assert.equal(await database.max("t", "id"), undefined);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(database.folder)), []);
  }));

Deno.test("a load makes the file and its folders", async () => {
  for (const path of ["test.db", "a/b/test.db"]) {
    await withDatabase(async (database) => {
      await database.load("t", ID, [{ id: 1n }]);
      assert.equal(await database.max("t", "id"), 1n);
    }, { path });
  }
});

Deno.test("a file that is no database, or a folder, is said to be none", () =>
  withDatabase(async (database) => {
    await Deno.writeTextFile(database.path, "id,name\n1,not a database\n".repeat(100));
    const before = await Deno.readTextFile(database.path);
    await assert.rejects(database.read("t"), {
      name: "ConnectionError",
      message: `Cannot open database "${database.path}": file is not a database`,
    });
    await assert.rejects(database.load("t", ID, []), /file is not a database/);
    assert.equal(await Deno.readTextFile(database.path), before);
    await Deno.remove(database.path);
    await Deno.mkdir(database.path);
    await assert.rejects(database.load("t", ID, []), ConnectionError);
  }));

Deno.test("a readonly connection never writes", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (id INTEGER)");
    await assert.rejects(database.load("t", ID, []), /it is readonly/);
    assert.deepEqual(await database.read("t"), []);
  }, { readonly: true }));

Deno.test("a database that stays locked is an error after the wait, and is as it was", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (id INTEGER)");
    using other = new DatabaseSync(database.path);
    other.exec("BEGIN EXCLUSIVE");
    const start = performance.now();
    for (const work of [() => database.load("t", ID, [{ id: 1n }]), () => database.read("t")]) {
      await assert.rejects(
        work(),
        /test\.db": another (connection|run or program) holds it locked, waited 100 ms/,
      );
    }
    assert.ok(performance.now() - start < 2000);
    other.exec("COMMIT");
    assert.deepEqual(database.rows("SELECT count(*) FROM t"), [[0]]);
  }, { busy_timeout_ms: 100 }));

Deno.test("a lock that is waited for is reported once, with the database and the limit", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (id INTEGER)");
    using other = new DatabaseSync(database.path);
    other.exec("BEGIN EXCLUSIVE");
    const release = setTimeout(() => other.exec("COMMIT"), 3500);
    await database.load("t", ID, [{ id: 1n }]);
    clearTimeout(release);
    const told =
      `Waiting for database "${database.path}": another run or program holds it locked; gives up after 10 s`;
    assert.deepEqual(database.warnings, [told]);
  }));

Deno.test("a lock that is given back in time is waited for, and others go on meanwhile", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (id INTEGER)");
    using other = new DatabaseSync(database.path);
    other.exec("BEGIN EXCLUSIVE; INSERT INTO t VALUES (7)");
    const release = setTimeout(() => other.exec("COMMIT"), 100);
    await database.load("t", ID, [{ id: 1n }]);
    clearTimeout(release);
    assert.deepEqual(database.rows("SELECT id FROM t ORDER BY id"), [[1], [7]]);
  }));

Deno.test("a reader that is not done holds a load back, no longer than it reads", () =>
  withDatabase(async (database) => {
    database.sql("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (7)");
    using reader = new DatabaseSync(database.path);
    reader.exec("BEGIN");
    reader.prepare("SELECT * FROM t").all();
    const done = setTimeout(() => reader.exec("COMMIT"), 100);
    await database.load("t", ID, [{ id: 1n }], "replace");
    clearTimeout(done);
    assert.deepEqual(database.rows("SELECT id FROM t"), [[1]]);
  }));

Deno.test("a load that is killed leaves the target as it was", () =>
  withDatabase(async (database) => {
    await database.load("t", ID, [{ id: 7n }]);
    const script = join(import.meta.dirname!, "endless_load.ts");
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, database.folder],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    assert.ok((await Deno.stat(`${database.path}-journal`)).size > 0, "nothing was half-written");
    assert.deepEqual(await database.read("t"), [{ id: 7n }]);
    assert.deepEqual(database.rows("PRAGMA integrity_check"), [["ok"]]);
  }));

Deno.test("a full disk is an error with the database's path, and the database is unchanged", () =>
  withDatabase(async ({ folder }) => {
    const file = { path: join(folder, "full.db"), readonly: false, busyTimeout: 1000 };
    using database = new DatabaseSync(file.path);
    database.exec("CREATE TABLE t (v); PRAGMA max_page_count = 4");
    const load = inTransaction(file, database, new AbortController().signal, async () => {
      await Promise.try(() => database.exec("BEGIN IMMEDIATE"));
    }, async () => {
      await Promise.try(() => database.exec("INSERT INTO t VALUES (zeroblob(100000))"));
    });
    await assert.rejects(load, (error) => {
      assert.ok(error instanceof ConnectorError);
      assert.ok(
        error.message.startsWith(`Cannot write to database "${file.path}": the disk is full`),
      );
      return true;
    });
    assert.deepEqual(database.prepare("SELECT count(*) AS n FROM t").all().map(({ n }) => n), [0]);
    tryWriting(file);
  }));
