/** What a stream expects of its data: a run that finds something else changes no target. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "sqlite";
import { loadPipeline } from "../../src/config/mod.ts";
import { runExitCode } from "../../src/cli/terminal/exit_codes.ts";
import type { RunResult } from "../../src/models/result.ts";
import { ignoreIf } from "../support/ignore.ts";
import { run, runWell, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";

type Settings = Record<string, unknown>;

/** A folder with a source of ten rows, of which the newest is from 2024, and a target of eight. */
async function withTables(
  work: (
    run: (stream: Settings, phase?: "run" | "extract" | "load") => Promise<RunResult>,
    rows: () => number,
    source: DatabaseSync,
  ) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "source.db"));
    source.exec(`
      CREATE TABLE t (id INTEGER, at TIMESTAMP, day DATE);
      WITH n AS (SELECT value AS i FROM json_each('[1,2,3,4,5,6,7,8,9,10]'))
      INSERT INTO t SELECT i, '2024-03-0' || (i % 9 + 1) || ' 12:00:00', '2024-03-01' FROM n`);
    using target = new DatabaseSync(join(folder, "target.db"));
    target.exec(`
      CREATE TABLE t (id INTEGER, at TIMESTAMP, day DATE);
      INSERT INTO t (id) SELECT value FROM json_each('[1,2,3,4,5,6,7,8]')`);
    const pipeline = (stream: Settings) => ({
      version: 1,
      name: "p",
      source: { provider: "sqlite", path: "source.db" },
      target: { provider: "sqlite", path: "target.db" },
      streams: [{ id: "t", source: "t", ...stream }],
    });
    await work(
      (stream, phase = "run") => run(folder, pipeline(stream), { phase }),
      () => (target.prepare("SELECT count(*) AS n FROM t").get() as { n: number }).n,
      source,
    );
  });
}

const REPLACE = { load: { mode: "replace" } };

/** Replaces the target's rows above 5, which are three. */
const replaceAbove5 = (where: string) => ({
  source: { type: "sql", sql: `SELECT * FROM t WHERE ${where}` },
  load: { mode: "replace", where: "id > 5" },
});

const REFUSED: readonly [name: string, stream: Settings, message: RegExp][] = [
  [
    "too few rows",
    { expect: { min_rows: 11 } },
    /10 rows were read, expected at least 11 \(expect\.min_rows\)/,
  ],
  [
    "too many rows",
    { expect: { max_rows: 9 } },
    /more than 9 rows were read, expected at most 9 \(expect\.max_rows or --max-rows\)/,
  ],
  ["too many bytes", { expect: { max_bytes: 10 } }, /more than 10 bytes were read/],
  [
    "rows that become much fewer",
    { ...replaceAbove5("id > 8"), expect: { max_delete_pct: 20 } },
    /would leave 2 of the target's 3 rows that load.where finds, 33.4 % fewer/,
  ],
  [
    "rows that the next run would not replace",
    replaceAbove5("id > 4"),
    /of 6 loaded rows 1 do not match load.where/,
  ],
  [
    "a table that becomes much smaller",
    {
      ...REPLACE,
      source: { type: "sql", sql: "SELECT * FROM t WHERE id < 7" },
      expect: { max_delete_pct: 20 },
    },
    /would leave 6 of the target's 8 rows, 25 % fewer, expected at most 20 % fewer/,
  ],
  [
    "an empty source",
    {
      ...REPLACE,
      source: { type: "sql", sql: "SELECT * FROM t WHERE id < 0" },
      expect: { max_delete_pct: 99 },
    },
    /would leave 0 of the target's 8 rows, 100 % fewer/,
  ],
  [
    "an old timestamp",
    { extract: { mode: "incremental", watermark_field: "at" }, expect: { max_age: "P7D" } },
    /the newest "at" is "2024-03-09T12:00:00", P\d+DT\S+ ago, expected at most P7D ago/,
  ],
  [
    "an old date",
    { extract: { mode: "incremental", watermark_field: "day" }, expect: { max_age: "PT6H" } },
    /the newest "day" is "2024-03-01"/,
  ],
  [
    "a watermark without an age",
    {
      extract: { mode: "incremental", watermark_field: "id", overlap: 8 },
      expect: { max_age: "P1D" },
    },
    /watermark field "id" has no age, as expect\.max_age requires/,
  ],
];

for (const [name, stream, message] of REFUSED) {
  Deno.test(`a run that finds ${name} leaves its target as it was`, async () => {
    await withTables(async (run, rows) => {
      const result = await run(stream);
      const { status, error, rows_extracted } = result.streams[0]!;
      assert.equal(status, "failed");
      if (error!.type === "ConfigurationError") assert.equal(rows_extracted, 0);
      assert.match(error!.message, message);
      assert.equal(rows(), 8);
      if (error!.type === "ExpectationError") assert.equal(runExitCode(result), 5);
    });
  });
}

const ACCEPTED: readonly [name: string, stream: Settings, left: number][] = [
  ["as many rows as expected", { expect: { min_rows: 10, max_rows: 10 } }, 18],
  [
    "a table that becomes a little smaller",
    {
      ...REPLACE,
      source: { type: "sql", sql: "SELECT * FROM t WHERE id < 8" },
      expect: { max_delete_pct: 12.5 },
    },
    7,
  ],
  [
    "as many rows as it replaces",
    { ...replaceAbove5("id > 7"), expect: { max_delete_pct: 0 } },
    8,
  ],
  ["a table that grows", { ...REPLACE, expect: { max_delete_pct: 0 } }, 10],
  ["a table that is only added to", { expect: { max_delete_pct: 0 } }, 18],
];

for (const [name, stream, left] of ACCEPTED) {
  Deno.test(`a run that finds ${name} loads`, async () => {
    await withTables(async (run, rows) => {
      const [{ error, status }] = (await run(stream)).streams as [RunResult["streams"][0]];
      assert.equal(status, "succeeded", error?.message);
      assert.equal(rows(), left);
    });
  });
}

Deno.test("a new target loses nothing", async () => {
  await withTables(async (run) => {
    const stream = { ...REPLACE, target: "fresh", expect: { max_delete_pct: 0 } };
    assert.equal((await run(stream)).status, "succeeded");
  });
});

Deno.test("newer rows than the oldest expected are loaded, with or without a zone", async () => {
  await withTables(async (run, _rows, source) => {
    source.exec("INSERT INTO t VALUES (11, datetime('now', '-2 hours'), date('now'))");
    for (const [field, max_age] of [["at", "PT3H"], ["day", "PT23H"]] as const) {
      const extract = { mode: "incremental", watermark_field: field };
      const { streams } = await run({ extract, expect: { max_age } });
      assert.equal(streams[0]!.status, "succeeded", streams[0]!.error?.message);
    }
    // Nothing is new: the newest row is the target's.
    const extract = { mode: "incremental", watermark_field: "at" };
    assert.equal((await run({ extract, expect: { max_age: "PT3H" } })).status, "succeeded");
    const late = await run({ extract, expect: { max_age: "PT1H" } });
    assert.match(late.streams[0]!.error!.message, /expected at most PT1H ago/);
  });
});

Deno.test("a load checks its stage against the bounds, and keeps a stage outside of them", async () => {
  await withTables(async (run, rows) => {
    const source = { type: "sql", sql: "SELECT * FROM t WHERE id < 3" };
    assert.equal((await run({ ...REPLACE, source }, "extract")).status, "succeeded");
    const refused = await run({ ...REPLACE, source, expect: { max_delete_pct: 50 } }, "load");
    assert.match(refused.streams[0]!.error!.message, /75 % fewer/);
    assert.equal(rows(), 8);
    const few = await run({ ...REPLACE, source, expect: { min_rows: 3 } }, "load");
    assert.match(few.streams[0]!.error!.message, /2 rows were read/);
    assert.equal(
      (await run({ ...REPLACE, source, expect: { max_delete_pct: 75 } }, "load")).status,
      "succeeded",
    );
    assert.equal(rows(), 2);
  });
});

Deno.test("a large extraction stops at its bound, and nothing of it is staged", async () => {
  await withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "source.db"));
    source.exec(`
      CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
      INSERT INTO t SELECT i, hex(randomblob(40)) FROM n`);
    const result = await run(folder, {
      version: 1,
      name: "p",
      source: { provider: "sqlite", path: "source.db" },
      target: { provider: "local", path: "out" },
      streams: [{ id: "t", source: "t", target: "t.csv", expect: { max_rows: 1000 } }],
    });
    const { error, rows_extracted, stage } = result.streams[0]!;
    assert.match(error!.message, /more than 1000 rows were read/);
    assert.ok(rows_extracted < 1_000_000, String(rows_extracted));
    assert.equal(stage, undefined);
    await assert.rejects(Deno.stat(join(folder, "out", "t.csv")), Deno.errors.NotFound);
  });
});

for (const format of ["parquet", "passthrough"]) {
  Deno.test(`max_delete_pct is refused for a target whose rows cannot be counted, staged as ${format}`, async () => {
    await withFolder(async (folder) => {
      await Deno.writeTextFile(join(folder, "s.csv"), "id\n1\n");
      const pipeline = {
        version: 1,
        name: "p",
        source: { provider: "local", path: "." },
        target: { provider: "local", path: "out" },
        buffer: { format },
        streams: [{
          ...{ id: "t", source: "s.csv", target: "t.csv", ...REPLACE },
          expect: { max_delete_pct: 10 },
        }],
      };
      await runWell(folder, pipeline);
      const { streams } = await run(folder, pipeline);
      assert.match(streams[0]!.error!.message, /the rows of the target cannot be counted/);
      assert.equal(streams[0]!.rows_extracted, 0);
      assert.equal(streams[0]!.stage, undefined);
    });
  });
}

Deno.test("an age needs a watermark", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "p.yaml");
    await Deno.writeTextFile(
      path,
      "version: 1\nname: p\nsource: sqlite:a.db\ntarget: sqlite:b.db\n" +
        "streams:\n  - id: t\n    source: t\n    expect: {max_age: P1D}\n",
    );
    await assert.rejects(
      loadPipeline(path, { env: {} }),
      /:8:23: stream "t" has expect\.max_age but no watermark to compare, expected extract mode: incremental/,
    );
  });
});

Deno.test("a stream that reads too much leaves no stage, however small it is", async () => {
  await withTables(async (run) => {
    for (const expect of [{ max_rows: 9 }, { max_bytes: 10 }]) {
      for (const phase of ["run", "extract"] as const) {
        const { error, stage } = (await run({ expect }, phase)).streams[0]!;
        assert.match(error!.message, /^Cannot extract stream "t".*more than/);
        assert.equal(stage, undefined);
      }
    }
    const { streams } = await run({}, "load");
    assert.match(streams[0]!.error!.message, /nothing is staged/);
  });
});

Deno.test("bytes of whole files are bounded, too", async () => {
  await withFolder(async (folder) => {
    for (const name of ["a", "b", "c"]) {
      await Deno.writeTextFile(join(folder, `${name}.txt`), name.repeat(1000));
    }
    const pipeline = (max_bytes: number) => ({
      version: 1,
      name: "p",
      source: { provider: "local", path: "." },
      target: { provider: "local", path: "out" },
      buffer: { format: "passthrough" },
      streams: [{ id: "t", source: "*.txt", target: "t/", expect: { max_bytes } }],
    });
    const { error, stage } = (await run(folder, pipeline(2999))).streams[0]!;
    assert.match(error!.message, /more than 2999 bytes were read/);
    assert.equal(stage, undefined);
    await assert.rejects(Deno.stat(join(folder, "out", "t")), Deno.errors.NotFound);
    await runWell(folder, pipeline(3000));
  });
});

const server = postgresTest(15);

Deno.test({
  ...ignoreIf(server.missing, "rows of a large target are counted, not estimated"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await database.sql(`
        CREATE TABLE t (id int) WITH (autovacuum_enabled = off);
        INSERT INTO t SELECT i FROM generate_series(1, 1000) AS i;
        UPDATE pg_class SET reltuples = 2000000 WHERE oid = 't'::regclass`);
      await Deno.writeTextFile(
        join(folder, "t.csv"),
        `id\n${Array.from({ length: 990 }, (_, i) => i).join("\n")}\n`,
      );
      const pipeline = (max_delete_pct: number) => ({
        version: 1,
        name: "p",
        source: { provider: "local", path: "." },
        target: database.url,
        streams: [{ id: "t", source: "t.csv", ...REPLACE, expect: { max_delete_pct } }],
      });
      const { error } = (await run(folder, pipeline(0.9))).streams[0]!;
      assert.match(error!.message, /would leave 990 of the target's 1000 rows, 1 % fewer/);
      await runWell(folder, pipeline(1));
    }),
});
