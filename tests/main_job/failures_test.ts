/** What a tired person reads when it goes wrong, and that nothing is left behind. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { freshDatabase, postgresTest } from "../support/services.ts";
import { run, withFolder } from "../support/run.ts";
import { ignoreIf } from "../support/ignore.ts";

const server = postgresTest(18);

function pipeline(source: unknown, target: unknown, stream: Record<string, unknown> = {}) {
  return {
    version: 1,
    name: "p",
    source,
    target,
    streams: [{ id: "s", source: "t", ...stream }],
  };
}

async function sqliteSource(folder: string): Promise<Record<string, unknown>> {
  using db = new DatabaseSync(join(folder, "source.db"));
  db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'a')");
  await Promise.resolve();
  return { provider: "sqlite", path: "source.db" };
}

/** The one error of a run whose only stream failed: one paragraph, no stack, no secret. */
async function failure(folder: string, yaml: Record<string, unknown>): Promise<string> {
  const before = await entries(folder);
  const result = await run(folder, yaml);
  assert.equal(result.status, "failed");
  const message = result.streams[0]!.error!.message;
  assert.doesNotMatch(message, /\n\s+at |secret-word/);
  const left = (await entries(folder)).filter((name) =>
    !before.includes(name) && !name.endsWith(".yaml") && name !== ".dxt"
  );
  assert.deepEqual(left, []);
  return message;
}

async function entries(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

Deno.test({
  ...ignoreIf(server.missing, "a wrong password is one clear error without the password"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      const url = new URL(database.url);
      url.password = "secret-word";
      const source = await sqliteSource(folder);
      const message = await failure(folder, pipeline(source, url.href));
      assert.match(message, /password authentication failed for user/);
    }),
});

Deno.test("an unreachable host is named with its port", () =>
  withFolder(async (folder) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const url = `postgres://user:secret-word@127.0.0.1:${port}/db`;
    const message = await failure(folder, pipeline(url, await sqliteSource(folder)));
    assert.match(message, new RegExp(`127\\.0\\.0\\.1:${port}`));
  }));

Deno.test({
  ...ignoreIf(server.missing, "a missing table is named, in PostgreSQL and in SQLite"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      const sqlite = await sqliteSource(folder);
      const target = { provider: "sqlite", path: "target.db" };
      for (const source of [database.url, sqlite]) {
        const message = await failure(folder, pipeline(source, target, { source: "nowhere" }));
        assert.match(
          message,
          /Cannot find relation "nowhere" in (PostgreSQL|database "\w+\.\w+"): it does not exist/,
        );
      }
      await database.sql("CREATE TABLE actor (id int)");
      const sql = { source: { type: "sql", sql: "SELECT id,\n  nme\nFROM actor" } };
      assert.match(
        await failure(folder, pipeline(database.url, target, sql)),
        /column "nme" does not exist \(SQLSTATE 42703\)\n {2}LINE 2: {3}nme\n {12}\^$/,
      );
      for (const [source, wanted] of [[database.url, "public.actor"], [sqlite, "t"]] as const) {
        const message = await failure(folder, pipeline(source, target, { source: `${wanted}r` }));
        assert.ok(message.endsWith(`did you mean "${wanted}"`), message);
      }
    }),
});

Deno.test({
  ...ignoreIf(
    server.missing,
    "a column that disappeared is named, and the target keeps what it has",
  ),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      const source = await sqliteSource(folder);
      const yaml = pipeline(source, database.url, {
        fields: [{ id: "id" }, { id: "name" }],
        load: { mode: "replace" },
      });
      assert.equal((await run(folder, yaml)).status, "succeeded");
      using db = new DatabaseSync(join(folder, "source.db"));
      db.exec("ALTER TABLE t RENAME COLUMN name TO title");
      const message = await failure(folder, yaml);
      assert.match(message, /column "name" is declared, the source does not have it/);
      const rows = await database.sql(`SELECT id::int, name FROM s`);
      assert.deepEqual(rows.map((row) => ({ ...row })), [{ id: 1, name: "a" }]);
    }),
});

Deno.test("a failed stream does not stop the others unless asked, and the exit code tells", () =>
  withFolder(async (folder) => {
    const source = await sqliteSource(folder);
    const yaml = {
      version: 1,
      name: "p",
      source,
      target: { provider: "sqlite", path: "target.db" },
      streams: [{ id: "a", source: "nowhere" }, { id: "b", source: "t" }],
    };
    const going = await run(folder, yaml);
    assert.deepEqual(going.streams.map(({ status }) => status), ["failed", "succeeded"]);
    assert.equal(going.status, "partial");
    const stopped = await run(folder, { ...yaml, on_error: "fail_fast" });
    assert.deepEqual(stopped.streams.map(({ status }) => status), ["failed", "skipped"]);
    assert.equal(stopped.status, "failed");
  }));

Deno.test("a failed load keeps the stage, and dxt load goes on from it", () =>
  withFolder(async (folder) => {
    const source = await sqliteSource(folder);
    const yaml = pipeline(source, { provider: "sqlite", path: "target.db" });
    using target = new DatabaseSync(join(folder, "target.db"));
    target.exec("CREATE TABLE s (id, name)");
    // No plan can tell what a trigger will do.
    target.exec("CREATE TRIGGER no BEFORE INSERT ON s BEGIN SELECT raise(ABORT, 'no'); END");
    const failed = await run(folder, yaml);
    assert.equal(failed.status, "failed");
    assert.ok(failed.streams[0]!.stage !== undefined);
    target.exec("DROP TABLE s");
    const loaded = await run(folder, yaml, { phase: "load" });
    assert.equal(loaded.status, "succeeded");
    assert.equal(target.prepare("SELECT count(*) AS n FROM s").get()!["n"], 1);
  }));

Deno.test("an upsert key that is no field is reported before anything is read", () =>
  withFolder(async (folder) => {
    const source = await sqliteSource(folder);
    const message = await failure(
      folder,
      pipeline(source, { provider: "sqlite", path: "target.db" }, {
        load: { mode: "upsert", upsert_keys: ["nme"] },
      }),
    );
    assert.match(message, /Cannot upsert by "nme": .*did you mean "name"; it has "id", "name"/);
  }));
