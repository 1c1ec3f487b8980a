/** Tables whose columns PostgreSQL changes, or will not change. */
import assert from "node:assert/strict";
import { run, runWell, withFolder } from "../../../support/run.ts";
import { onServers } from "./support.ts";

const pipeline = (url: string) => ({
  version: 1,
  name: "p",
  source: url,
  target: url,
  streams: [{ id: "s", source: "public.source", target: "public.t", load: { mode: "replace" } }],
});
const SOURCE = "CREATE TABLE source (id int, d bigint); INSERT INTO source VALUES (1, 5);";

onServers(
  "a replacement gives a column a type without a cast from the old one",
  (database) =>
    withFolder(async (folder) => {
      await database.sql(
        `${SOURCE} CREATE TABLE t (id int, d date); INSERT INTO t VALUES (9, now());
      COMMENT ON TABLE t IS 'kept'; GRANT SELECT ON t TO pg_monitor`,
      );
      await runWell(folder, pipeline(database.url));
      const rows = await database.sql(
        `SELECT id, d::text, obj_description('t'::regclass) AS comment, has_table_privilege('pg_monitor', 't', 'SELECT') AS granted FROM t`,
      );
      assert.deepEqual([...rows], [{ id: 1, d: "5", comment: "kept", granted: true }]);
    }),
);

const OBSTACLES = {
  "is used by view v": "CREATE TABLE t (id int, d int); CREATE VIEW v AS SELECT d FROM t",
  "is used by": "CREATE TABLE t (id int, d int, g int GENERATED ALWAYS AS (d + 1) STORED)",
  "is inherited": "CREATE TABLE parent (id int, d int); CREATE TABLE t () INHERITS (parent)",
  "is deferred": `CREATE TABLE t (id int, d int);
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER tr AFTER DELETE ON t DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION f()`,
};

onServers(
  "what keeps PostgreSQL from a change is told before a row is read",
  (database) =>
    withFolder(async (folder) => {
      await database.sql(SOURCE);
      for (const [reason, statements] of Object.entries(OBSTACLES)) {
        await database.sql(`DROP TABLE IF EXISTS t CASCADE; ${statements}`);
        const { streams: [stream] } = await run(folder, pipeline(database.url));
        assert.equal(stream!.status, "failed", reason);
        assert.equal(stream!.rows_extracted, 0, reason);
        assert.match(
          stream!.error!.message,
          new RegExp(`Cannot change the columns of .*${reason}`),
        );
      }
    }),
);

const LENGTHS = `CREATE TABLE source (a varchar(20), b text, c char(7), d varchar(3), e uuid);
  INSERT INTO source VALUES (repeat('a', 20), repeat('b', 30), 'c', 'ddd', gen_random_uuid());
  CREATE TABLE t (a varchar(10), b varchar(10), c char(5), d varchar(5), e varchar(36));
  INSERT INTO t VALUES ('old', 'old', 'old', 'old', 'old')`;

onServers(
  "with schema: evolve a column of text gets the source's length, strict names it",
  (database) =>
    withFolder(async (folder) => {
      await database.sql(LENGTHS);
      const { streams: [stream], ...rest } = pipeline(database.url);
      const withSchema = (schema: string) => ({
        ...rest,
        streams: [{ ...stream, load: { mode: "append", schema } }],
      });
      const { streams: [failed] } = await run(folder, withSchema("strict"));
      assert.equal(failed!.status, "failed");
      assert.match(failed!.error!.message, /field "a".* at most 10 characters/s);
      const [long, padded, ...others] = failed!.warnings;
      assert.equal(
        long,
        'Column "a" of "public.t" is character varying(10), field "a" has up to 20 characters: a longer text ends the load; set "load: { schema: evolve }" in the stream to make the column character varying(20)',
      );
      assert.match(padded!, /^Column "c" .* is character\(5\), .* make the column character\(7\)$/);
      assert.deepEqual(others, []);
      await runWell(folder, withSchema("evolve"));
      const types = await database.sql(`SELECT format_type(atttypid, atttypmod) AS type
        FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum`);
      assert.deepEqual(types.map(({ type }) => type), [
        ...["character varying(20)", "text", "character(7)", "character varying(5)"],
        "character varying(36)",
      ]);
      const rows = await database.sql("SELECT a, length(b) AS b FROM t ORDER BY length(a)");
      assert.deepEqual([...rows], [{ a: "old", b: 3 }, { a: "a".repeat(20), b: 30 }]);
    }),
);
