/** Tables whose types change: SQLite makes them again, or the load is refused. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { run, runWell, withFolder } from "../../../support/run.ts";

/** Calls `work` with a pipeline that replaces `t`, whose `n` is now text, in a database made so. */
async function replaceTable(
  statements: string,
  work: (
    target: DatabaseSync,
    pipeline: Record<string, unknown>,
    folder: string,
  ) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "source.db"));
    source.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT); INSERT INTO t VALUES (1, 'one')");
    using target = new DatabaseSync(join(folder, "target.db"));
    target.exec(statements);
    await work(target, {
      version: 1,
      name: "p",
      source: { provider: "sqlite", path: "source.db" },
      target: { provider: "sqlite", path: "target.db" },
      streams: [{ id: "t", source: "t", load: { mode: "replace" } }],
    }, folder);
  });
}

Deno.test("a table that is made again keeps its key, columns, indexes, triggers and views", () =>
  replaceTable(
    `CREATE TABLE t (id INTEGER PRIMARY KEY, n INT NOT NULL, mine TEXT);
     INSERT INTO t VALUES (9, 9, 'm');
     CREATE INDEX by_mine ON t (mine);
     CREATE VIEW v AS SELECT mine, n FROM t;
     CREATE TABLE log (id);
     CREATE TRIGGER deleted AFTER DELETE ON t BEGIN INSERT INTO log VALUES (old.id); END`,
    async (target, pipeline, folder) => {
      await runWell(folder, pipeline);
      const all = (sql: string) => target.prepare(sql).all().map((row) => Object.values(row));
      assert.deepEqual(all("SELECT * FROM t"), [[1, "one", null]]);
      assert.deepEqual(all("SELECT * FROM v"), [[null, "one"]]);
      assert.deepEqual(all("SELECT * FROM log"), [[9]]);
      const objects = "SELECT name FROM sqlite_schema WHERE tbl_name = 't' ORDER BY name";
      assert.deepEqual(all(objects), [["by_mine"], ["deleted"], ["t"]]);
      const columns = `SELECT name, type, "notnull", pk FROM pragma_table_info('t')`;
      assert.deepEqual(all(columns), [
        ["id", "INTEGER", 1, 1],
        ["n", "TEXT", 1, 0],
        ["mine", "TEXT", 0, 0],
      ]);
    },
  ));

const LOSSES = {
  CHECK: "n INT CHECK (n > 0)",
  REFERENCES: "n INT REFERENCES other (id)",
  DEFAULT: "n INT DEFAULT 5",
  UNIQUE: "n INT UNIQUE",
  COLLATE: "n INT COLLATE NOCASE",
  "generated column": "n INT, twice INT AS (n * 2)",
};

for (const [lost, column] of Object.entries(LOSSES)) {
  Deno.test(`a table that would lose its ${lost} is not made again, before a row is read`, () =>
    replaceTable(
      `CREATE TABLE other (id INTEGER PRIMARY KEY);
       CREATE TABLE t (id INTEGER PRIMARY KEY, ${column}); INSERT INTO t (id) VALUES (9)`,
      async (target, pipeline, folder) => {
        const { streams: [stream] } = await run(folder, pipeline);
        assert.equal(stream!.status, "failed");
        assert.equal(stream!.rows_extracted, 0);
        assert.match(
          stream!.error!.message,
          new RegExp(`would lose its ${lost}; change the table`),
        );
        assert.equal(target.prepare("SELECT id FROM t").get()!["id"], 9);
      },
    ));
}
