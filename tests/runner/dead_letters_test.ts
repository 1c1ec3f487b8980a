/** Rows that a target refuses become dead letters, and the others are loaded. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "sqlite";
import { runExitCode } from "../../src/cli/terminal/exit_codes.ts";
import { listLetters, readLetters } from "../../src/integrity/dead_letters.ts";
import type { RunResult } from "../../src/models/result.ts";
import { ignoreIf } from "../support/ignore.ts";
import { freshDatabase, postgresTest, type TestDatabase } from "../support/services.ts";
import { run, runWell, withFolder } from "../support/run.ts";
import { program } from "../cli/program.ts";

const server = postgresTest(15);

/** A source of 1,000 rows, of which three are bad: 100 has NULL, 500 a text that is too long, 900 no parent. */
function test(
  name: string,
  work: (
    move: (handling: object, load?: object) => Promise<RunResult>,
    database: TestDatabase,
    folder: string,
  ) => Promise<void>,
): void {
  Deno.test({
    ...ignoreIf(server.missing, name),
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        await database.sql(`
          CREATE TABLE parents (id bigint PRIMARY KEY); INSERT INTO parents VALUES (1);
          CREATE TABLE t (id bigint PRIMARY KEY, word varchar(8) NOT NULL,
            parent bigint REFERENCES parents DEFERRABLE INITIALLY DEFERRED)`);
        using source = new DatabaseSync(join(folder, "source.db"));
        source.exec(`
          CREATE TABLE t (id INTEGER NOT NULL, word TEXT, parent INTEGER);
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
          INSERT INTO t SELECT i, iif(i = 100, NULL, iif(i = 500, 'ninechars', 'w' || i)),
            iif(i = 900, 77, 1) FROM n`);
        const move = (error_handling: object, load: object = {}) =>
          run(folder, {
            version: 1,
            name: "p",
            source: { provider: "sqlite", path: "source.db" },
            target: { url: database.url, sslmode: "disable" },
            streams: [{
              ...{ id: "t", source: "t", target: "public.t", error_handling },
              load: { lossy: "accept", ...load },
            }],
          });
        await work(move, database, folder);
      }),
  });
}

const lettersOf = async (folder: string) => {
  const found = await listLetters(join(folder, ".dxt", "dead_letters", "p", "t"));
  const letters = await Promise.all(found.map(({ path }) => Array.fromAsync(readLetters(path))));
  return { found, letters: letters.flat() };
};

test(
  "bad rows become dead letters with record, place, kind and message",
  async (move, database, folder) => {
    const { streams: [stream] } = await move({ on_load_error: "skip" }, { verify: "full" });
    assert.equal(stream!.error, undefined);
    assert.deepEqual([stream!.rows_extracted, stream!.rows_loaded, stream!.rows_rejected], [
      1000,
      997,
      3,
    ]);
    const { source, stage, target, rejected, verified } = stream!.proof!;
    assert.deepEqual([source.rows, stage.rows, target.rows], [1000, 1000, 997]);
    assert.deepEqual(rejected!.reasons, { null: 1, value: 1, "foreign key": 1 });
    assert.equal(verified!.level, "full");
    const { found: [file, ...more], letters } = await lettersOf(folder);
    assert.deepEqual([file!.path, file!.rows, file!.isInDoubt, more], [
      rejected!.dead_letters,
      3,
      false,
      [],
    ]);
    assert.equal((await Deno.stat(file!.path)).mode! & 0o777, 0o600);
    assert.deepEqual(letters.map(({ row, kind, field, record }) => [row, kind, field, record]), [
      [100, "null", "word", { id: "100", word: null, parent: "1" }],
      [500, "value", "word", { id: "500", word: "ninechars", parent: "1" }],
      [900, "foreign key", undefined, { id: "900", word: "w900", parent: "77" }],
    ]);
    assert.match(letters[2]!.message, /violates foreign key.*Key \(parent\)=\(77\)/);
    assert.ok(letters.every((letter) => /\.parquet$/.test(letter.file)));
    assert.match(
      stream!.warnings.join(),
      /the target refused 3 rows \(null 1, value 1, foreign key 1\)/,
    );
    assert.doesNotMatch(stream!.warnings.join(), /77|ninechars/);
    assert.deepEqual([...await database.sql("SELECT count(*)::int AS n FROM t")], [{ n: 997 }]);
  },
);

test(
  "more bad rows than max_errors change nothing, leave no letters, and exit with 5",
  async (move, database, folder) => {
    await database.sql("INSERT INTO t VALUES (-1, 'there', 1)");
    for (const max_errors of [2, "0.2%"]) {
      const result = await move({ on_load_error: "skip", max_errors }, { mode: "replace" });
      const { error } = result.streams[0]!;
      assert.equal(error?.type, "RejectedRowsError");
      assert.match(error.message, /expected at most .* \(max_errors\); nothing was loaded/);
      assert.equal(runExitCode(result), 5);
      assert.deepEqual([...await database.sql("SELECT id::int FROM t")], [{ id: -1 }]);
      assert.deepEqual((await lettersOf(folder)).found, []);
    }
    const enough = await move({ on_load_error: "skip", max_errors: "0.3%" }, { mode: "replace" });
    assert.equal(enough.streams[0]!.rows_rejected, 3);
  },
);

test("without skip, the first bad row fails the load", async (move, database) => {
  for (const on_load_error of ["retry", "fail"]) {
    const { streams: [stream] } = await move({ on_load_error });
    assert.equal(stream!.error?.type, "ValueError");
    assert.deepEqual([...await database.sql("SELECT id FROM t")], []);
  }
});

Deno.test("letters are listed, shown, loaded again with proof, and removed", () =>
  withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "source.db"));
    source.exec(
      "CREATE TABLE t (id INTEGER, at TEXT, n REAL); INSERT INTO t VALUES (1, 'a', 0.5), (2, NULL, 1e300), (3, 'c', NULL), (4, NULL, -0.25)",
    );
    using target = new DatabaseSync(join(folder, "target.db"));
    target.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT NOT NULL, n REAL)");
    await Deno.writeTextFile(
      join(folder, "p.yaml"),
      JSON.stringify({
        version: 1,
        name: "p",
        source: { provider: "sqlite", path: "source.db" },
        target: { provider: "sqlite", path: "target.db" },
        streams: [{
          ...{ id: "t", source: "t", load: { mode: "replace" } },
          error_handling: { on_load_error: "skip" },
        }],
      }),
    );
    const dxt = async (command: string) => {
      const { code, out, err } = await program(folder, command.split(" "));
      return { code, err, out: out === "" ? undefined : JSON.parse(out) };
    };
    const ran = await dxt("run p.yaml -q");
    assert.deepEqual([ran.code, ran.out.streams[0].rows_rejected], [0, 2]);
    const { letters: [listed] } = (await dxt("dlq list p.yaml -q")).out;
    assert.deepEqual(
      [listed.stream, listed.rows, listed.reasons, listed.state, listed.run_id],
      ["t", 2, { null: 2 }, "rejected", ran.out.run_id],
    );
    const { rows } = (await dxt("dlq show p.yaml -q --select t")).out;
    assert.deepEqual(rows.map(({ row, record }: Shown) => [row, record]), [
      [2, { id: "2", at: null, n: "1e+300" }],
      [4, { id: "4", at: null, n: "-0.25" }],
    ]);
    for (const where of ["p.yaml", ""]) {
      const { entries } = (await dxt(`status ${where} -q`.replace("  ", " "))).out;
      const [kept, ...more] = entries;
      assert.deepEqual(
        [kept.kind, kept.state, kept.pipeline, kept.stream, kept.rows, more],
        ["letters", "rejected", "p", "t", 2, []],
      );
      assert.match(kept.command, /^dxt dlq show .* --select t$/);
    }
    const [cleaned] = (await dxt("clean p.yaml -q --yes --in-doubt --staged")).out.entries;
    assert.deepEqual([cleaned.action, cleaned.reason], [
      "kept",
      "it holds rejected rows; dxt dlq drop removes it",
    ]);
    // The target refuses them again: they become letters of the new load.
    const again = await dxt("dlq retry p.yaml -q");
    assert.deepEqual([again.code, again.out.letters[0].rows_loaded], [0, 0]);
    assert.deepEqual((await dxt("dlq list p.yaml -q --run " + listed.run_id)).out.letters, []);
    assert.equal((await dxt("dlq list p.yaml -q")).out.letters[0].rows, 2);
    target.exec(
      "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT, n REAL); INSERT INTO t VALUES (1, 'a', 0.5), (3, 'c', NULL)",
    );
    const done = await dxt("dlq retry p.yaml -q");
    assert.deepEqual(
      [done.out.letters[0].rows_loaded, done.out.letters[0].rows_rejected],
      [2, 0],
    );
    assert.deepEqual(
      readAll(target),
      readAll(source),
    );
    assert.deepEqual((await dxt("dlq list p.yaml -q")).out.letters, []);
    target.exec("DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT NOT NULL, n REAL)");
    await dxt("run p.yaml -q");
    assert.equal((await dxt("dlq drop p.yaml -q")).out.letters[0].action, "would be removed");
    assert.equal((await dxt("dlq drop p.yaml -q --yes")).out.letters[0].action, "removed");
    assert.deepEqual((await dxt("dlq list p.yaml -q")).out.letters, []);
  }));

Deno.test("letters of an upsert are loaded again only by force: the target may have newer rows", () =>
  withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "source.db"));
    source.exec("CREATE TABLE t (id INTEGER, word TEXT); INSERT INTO t VALUES (1, 'a'), (2, NULL)");
    using target = new DatabaseSync(join(folder, "target.db"));
    target.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT NOT NULL)");
    await Deno.writeTextFile(
      join(folder, "p.yaml"),
      JSON.stringify({
        version: 1,
        name: "p",
        source: { provider: "sqlite", path: "source.db" },
        target: { provider: "sqlite", path: "target.db" },
        streams: [{
          ...{ id: "t", source: "t", load: { mode: "upsert", upsert_keys: ["id"] } },
          error_handling: { on_load_error: "skip" },
        }],
      }),
    );
    assert.equal((await program(folder, ["run", "p.yaml", "-q"])).code, 0);
    target.exec("ALTER TABLE t RENAME TO old; CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)");
    target.exec("INSERT INTO t VALUES (2, 'newer')");
    const words = () => target.prepare("SELECT word FROM t WHERE id = 2").all().map(Object.values);
    const refused = await program(folder, ["dlq", "retry", "p.yaml"]);
    assert.equal(refused.code, 2);
    assert.match(refused.err, /"t": it upserts, and the target may have newer rows.*--force/);
    assert.deepEqual(words(), [["newer"]]);
    assert.equal((await program(folder, ["dlq", "retry", "p.yaml", "--force"])).code, 0);
    assert.deepEqual(words(), [[null]]);
  }));

const readAll = (database: DatabaseSync) =>
  (database.prepare("SELECT id, at, n FROM t ORDER BY id").all() as object[]).map((row) => ({
    ...row,
  }));

interface Shown {
  readonly row: number;
  readonly record: unknown;
}

Deno.test("a target that cannot reject rows is refused before anything is read", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.csv"), "id\n1\n");
    await assert.rejects(
      runWell(folder, {
        version: 1,
        name: "p",
        source: { provider: "local" },
        target: { provider: "local" },
        defaults: { error_handling: { on_load_error: "skip" } },
        streams: [{ id: "a", source: "a.csv", target: "b.csv" }],
      }),
      /Cannot reject rows of a load: \w+ of local cannot append without some rows, expected on_load_error "retry" or "fail"/,
    );
  }));
