/** A half-open range of the watermark, and a number of rows, in place of what is new. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type PipelineRun, run, runWell, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";
import { ignoreIf } from "../support/ignore.ts";

const ROWS = [
  ["2024-01-01 00:00:00.000000", 1],
  ["2024-01-01 00:00:00.000001", 2],
  ["2024-01-31 23:59:59.999999", 3],
  ["2024-02-01 00:00:00.000000", 4],
  [null, 5],
] as const;

function database(folder: string): DatabaseSync {
  const made = new DatabaseSync(join(folder, "source.db"));
  made.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP, n INTEGER)");
  for (const [at, id] of ROWS) {
    made.prepare("INSERT INTO t VALUES (?, ?, 1)").run(id, at);
  }
  return made;
}

const stream = (more: Record<string, unknown> = {}) => ({
  id: "t",
  source: "t",
  target: "t",
  extract: { mode: "incremental", watermark_field: "at", null_watermark: "include" },
  load: { mode: "upsert", upsert_keys: ["id"] },
  ...more,
});

function pipeline(one: Record<string, unknown>, source: unknown = "sqlite:source.db") {
  return { version: 1, name: "fill", source, target: "sqlite:target.db", streams: [one] };
}

function idsIn(folder: string): unknown[] {
  using target = new DatabaseSync(join(folder, "target.db"));
  return target.prepare("SELECT id FROM t ORDER BY id").all().map((row) => row["id"]);
}

const JANUARY = { since: "2024-01-01T00:00:00.000001", until: "2024-02-01" };

Deno.test("a range holds its beginning and not its end, to the microsecond, and no NULL", async () => {
  await withFolder(async (folder) => {
    using _source = database(folder);
    await runWell(folder, pipeline(stream()), { backfill: JANUARY });
    assert.deepEqual(idsIn(folder), [2, 3]);
  });
});

Deno.test("a range is read again whatever the target has, and doubles nothing", async () => {
  await withFolder(async (folder) => {
    using source = database(folder);
    await runWell(folder, pipeline(stream()));
    assert.deepEqual(idsIn(folder), [1, 2, 3, 4, 5]);
    source.exec("UPDATE t SET n = 2 WHERE id IN (2, 4)");
    const again = await runWell(folder, pipeline(stream()), { backfill: JANUARY });
    assert.equal(again.streams[0]!.rows_loaded, 2);
    assert.equal(again.streams[0]!.watermark_before, undefined);
    assert.deepEqual(idsIn(folder), [1, 2, 3, 4, 5]);
    using target = new DatabaseSync(join(folder, "target.db"));
    const sum = target.prepare("SELECT sum(n) AS n FROM t").get();
    assert.equal(sum!["n"], 6);
  });
});

Deno.test("a range may be open at either end", async () => {
  for (
    const [backfill, ids] of [
      [{ since: "2024-01-31T23:59:59.999999" }, [3, 4]],
      [{ until: "2024-01-01T00:00:00.000001" }, [1]],
    ] as const
  ) {
    await withFolder(async (folder) => {
      using _source = database(folder);
      await runWell(folder, pipeline(stream()), { backfill });
      assert.deepEqual(idsIn(folder), ids);
    });
  }
});

Deno.test("files are read by a range too", async () => {
  await withFolder(async (folder) => {
    const lines = ROWS.map(([at, id]) => `${id},${at?.replace(" ", "T") ?? ""},1`);
    await Deno.writeTextFile(join(folder, "t.csv"), `id,at,n\n${lines.join("\n")}\n`);
    const fromFile = stream({ source: "t.csv" });
    await runWell(folder, pipeline(fromFile, { provider: "local" }), { backfill: JANUARY });
    assert.deepEqual(idsIn(folder), [2, 3]);
  });
});

const server = postgresTest(15);

Deno.test({
  ...ignoreIf(
    server.missing,
    "PostgreSQL compares a range in its own precision, an instant whatever its offset",
  ),
  fn: () =>
    withFolder(async (folder) => {
      await using source = await freshDatabase(server.url);
      await source.sql(`CREATE TABLE t (id int PRIMARY KEY, at timestamptz);
        INSERT INTO t VALUES (1, '2024-01-01 00:00:00+00'), (2, '2024-01-01 00:00:00.000001+00'),
          (3, '2024-01-31 23:59:59.999999+00'), (4, '2024-02-01 00:00:00+00'), (5, NULL)`);
      await runWell(folder, pipeline(stream(), source.url), {
        backfill: { since: "2024-01-01T02:00:00.000001+02:00", until: "2024-02-01T00:00Z" },
      });
      assert.deepEqual(idsIn(folder), [2, 3]);
    }),
});

const REFUSED: readonly [string, Record<string, unknown>, PipelineRun, RegExp][] = [
  [
    "a stream that is read whole",
    { extract: { mode: "full" } },
    { backfill: JANUARY },
    /stream "t": it is read whole, expected extract mode incremental/,
  ],
  [
    "an append, which would double rows",
    { load: { mode: "append" } },
    { backfill: JANUARY },
    /load mode append would load again what the target has, expected upsert/,
  ],
  [
    "a full refresh besides",
    {},
    { backfill: JANUARY, fullRefresh: true },
    /--since and --until exclude --full-refresh/,
  ],
  [
    "a limit of an incremental stream",
    {},
    { limit: 1 },
    /Cannot limit stream "t": later runs would go on after its highest watermark/,
  ],
];

for (const [what, more, options, message] of REFUSED) {
  Deno.test(`refused, and nothing written: ${what}`, async () => {
    await withFolder(async (folder) => {
      using _source = database(folder);
      await assert.rejects(run(folder, pipeline(stream(more)), options), message);
      await assert.rejects(Deno.stat(join(folder, "target.db")), Deno.errors.NotFound);
    });
  });
}

Deno.test("a bound of another type, and an empty range, fail the stream and name the option", async () => {
  for (
    const [backfill, message] of [
      [{ since: "yesterday" }, /Cannot use --since "yesterday" for watermark field "at": expected/],
      [{ until: "2024-13-01" }, /Cannot use --until "2024-13-01"/],
      [{ since: "2024-02-01", until: "2024-02-01" }, /it is empty, the end is not in it/],
      [{ since: "2024-03-01", until: "2024-02-01" }, /it is empty/],
    ] as const
  ) {
    await withFolder(async (folder) => {
      using _source = database(folder);
      const { status, streams } = await run(folder, pipeline(stream()), { backfill });
      assert.equal(status, "failed");
      assert.match(streams[0]!.error!.message, message);
    });
  }
});

Deno.test("a limit moves so many rows, and the result says so", async () => {
  await withFolder(async (folder) => {
    using _source = database(folder);
    const whole = stream({ extract: { mode: "full" }, load: { mode: "replace" } });
    const { streams: [one] } = await runWell(folder, pipeline(whole), { limit: 3 });
    assert.equal(one!.rows_extracted, 3);
    assert.equal(one!.rows_loaded, 3);
    assert.equal(idsIn(folder).length, 3);
    assert.match(one!.warnings.join(), /at most 3 rows were asked for \(--limit\)/);
    const refreshed = await runWell(folder, pipeline(stream()), { limit: 2, fullRefresh: true });
    assert.equal(refreshed.streams[0]!.rows_loaded, 2);
  });
});
