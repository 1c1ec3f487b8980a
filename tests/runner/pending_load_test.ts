/** Runs after one that was killed at its commit, and runs while another one has the stage. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openBuffer } from "../../src/buffers/mod.ts";
import type { PendingLoad } from "../../src/core/contracts/buffer.ts";
import type { RunResult } from "../../src/models/result.ts";
import { claimOf } from "../support/claim.ts";
import { run, runWell, withFolder } from "../support/run.ts";

const { signal } = new AbortController();
const SOURCE = { type: "relation", name: "t" };
const TARGET = { type: "directory", path: "out" };

function pipeline(stream: Record<string, unknown> = {}) {
  return {
    version: 1,
    name: "p",
    source: { provider: "sqlite", path: "source.db" },
    target: { provider: "local" },
    streams: [{ id: "s", source: SOURCE, target: { ...TARGET, format: "csv" }, ...stream }],
  };
}

const INCREMENTAL = { extract: { mode: "incremental", watermark_field: "id" } };

interface Place {
  readonly folder: string;
  lockStage(): Promise<AsyncDisposable>;
  /** Leaves what a killed run leaves, which loaded what the folder has, or nothing of it. */
  leave(load: Partial<PendingLoad>): Promise<void>;
  isPending(): Promise<boolean>;
  /** Rows in all parts. */
  rows(): Promise<number>;
}

async function place(folder: string): Promise<Place> {
  {
    using database = new DatabaseSync(join(folder, "source.db"));
    database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)");
  }
  const directory = join(folder, ".dxt", "stage", "p", "s");
  const buffer = await openBuffer({}, directory);
  return {
    folder,
    lockStage: () => buffer.lock(claimOf(), signal),
    async leave(load) {
      await using lock = await buffer.lock(claimOf(), signal);
      await lock.remember({
        run_id: "feedbeef-0000",
        at: "2026-01-31T12:00:00Z",
        source: SOURCE,
        target: { ...TARGET, format: "csv" },
        rows: 3,
        record: { part: (await parts(folder))[0] ?? "part-00000-never.csv" },
        ...load,
      });
    },
    async isPending() {
      await using lock = await buffer.lock(claimOf(), signal);
      return await lock.pending() !== undefined;
    },
    async rows() {
      let rows = 0;
      for (const name of await parts(folder)) {
        const text = await Deno.readTextFile(join(folder, "out", name));
        rows += text.trimEnd().split("\n").length - 1;
      }
      return rows;
    },
  };
}

async function parts(folder: string): Promise<string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(join(folder, "out")), ({ name }) => name);
  } catch {
    return [];
  }
}

function of({ streams }: RunResult) {
  const [{ rows_extracted, rows_loaded, warnings, error }] = streams as [RunResult["streams"][0]];
  return { rows_extracted, rows_loaded, warnings: warnings.join(), error };
}

function test(name: string, work: (place: Place) => Promise<void>): void {
  Deno.test(name, () => withFolder(async (folder) => work(await place(folder))));
}

const NEVER = { record: { part: "part-00000-never.csv" } };

test("a load that the target took is completed by the repeated run, once", async (at) => {
  await runWell(at.folder, pipeline());
  await at.leave({});
  const repeated = of(await runWell(at.folder, pipeline()));
  assert.deepEqual([repeated.rows_extracted, repeated.rows_loaded], [0, 3]);
  assert.match(repeated.warnings, /has taken the load of 3 rows by run feedbeef.*reads nothing/);
  assert.deepEqual([await at.rows(), await at.isPending()], [3, false]);
  const next = of(await runWell(at.folder, pipeline()));
  assert.deepEqual([next.rows_loaded, next.warnings, await at.rows()], [3, "", 6]);
});

test("dxt load is done when the target took the load", async (at) => {
  await runWell(at.folder, pipeline());
  await at.leave({});
  const { rows_loaded } = of(await runWell(at.folder, pipeline(), { phase: "load" }));
  assert.deepEqual([rows_loaded, await at.rows(), await at.isPending()], [3, 3, false]);
});

test("an incremental stream goes on with what is new", async (at) => {
  await runWell(at.folder, pipeline(INCREMENTAL));
  await at.leave({});
  {
    using database = new DatabaseSync(join(at.folder, "source.db"));
    database.exec("INSERT INTO t VALUES (4), (5)");
  }
  const next = of(await runWell(at.folder, pipeline(INCREMENTAL)));
  assert.equal(next.rows_loaded, 2);
  assert.match(next.warnings, /has taken the load of 3 rows/);
  assert.deepEqual([await at.rows(), await at.isPending()], [5, false]);
});

test("a stream of another source is another load", async (at) => {
  await runWell(at.folder, pipeline());
  await at.leave({ source: { type: "sql", sql: "select 1 as id" } });
  assert.equal(of(await runWell(at.folder, pipeline())).rows_loaded, 3);
  assert.deepEqual([await at.rows(), await at.isPending()], [6, false]);
});

test("a load that the target did not take is loaded again, by a run or from the stage", async (at) => {
  await at.leave(NEVER);
  const again = of(await runWell(at.folder, pipeline()));
  assert.equal(again.rows_loaded, 3);
  assert.match(again.warnings, /did not take the load of 3 rows/);
  await runWell(at.folder, pipeline(), { phase: "extract" });
  await at.leave(NEVER);
  assert.equal(of(await runWell(at.folder, pipeline(), { phase: "load" })).rows_loaded, 3);
  assert.deepEqual([await at.rows(), await at.isPending()], [6, false]);
});

/** Appends that are remembered, into targets of all kinds. */
const REMEMBERED: Readonly<Record<string, Record<string, unknown>>> = {
  "a folder": {},
  "a folder, incremental": INCREMENTAL,
  "a CSV file": { target: "t.csv" },
  "a JSON Lines file": { target: "t.jsonl" },
  "a Parquet file": { target: "t.parquet" },
  "a Parquet file, incremental": { target: "t.parquet", ...INCREMENTAL },
};

for (const [name, stream] of Object.entries(REMEMBERED)) {
  // A kill between the two leaves the record to a caller who has heard of nothing, or of success.
  test(`a run tells its result before it forgets its load into ${name}`, async (at) => {
    for (const kind of ["new", "old"]) {
      {
        using database = new DatabaseSync(join(at.folder, "source.db"));
        database.exec("INSERT INTO t SELECT max(id) + 1 FROM t");
      }
      let isRemembered = false;
      await runWell(at.folder, pipeline(stream), {
        onResult(result) {
          assert.equal(result.status, "succeeded");
          isRemembered = existsSync(join(at.folder, ".dxt/stage/p/.s.pending.json"));
        },
      });
      assert.ok(isRemembered, kind);
      assert.equal(await at.isPending(), false);
    }
  });
}

/** Loads that nobody can say anything of. */
const UNKNOWN: Readonly<Record<string, Partial<PendingLoad>>> = {
  "a record of another loader": { record: { transaction: { xid: "1", database: "2" } } },
  "no record": { record: {} },
  "another target": { target: { type: "directory", path: "elsewhere" } },
  "another kind of target": { target: { type: "file", path: "out" } },
  "a file": { record: { before: null, after: { size: 1, modified: 2 } } },
};

for (const [name, load] of Object.entries(UNKNOWN)) {
  test(`a load that the target cannot tell of stays in doubt: ${name}`, async (at) => {
    await runWell(at.folder, pipeline());
    await at.leave(load);
    for (const phase of ["run", "load", "run"] as const) {
      const { error } = of(await run(at.folder, pipeline(), { phase }));
      assert.equal(error!.type, "UnknownOutcomeError");
      assert.match(error!.message, /Cannot tell whether .* 3 rows .*remove ".*s\.pending\.json"/);
    }
    assert.deepEqual([await at.rows(), await at.isPending()], [3, true]);
  });
}

test("dxt extract does not stage over a load in doubt", async (at) => {
  await at.leave({});
  const { error } = of(await run(at.folder, pipeline(), { phase: "extract" }));
  assert.equal(error!.type, "UnknownOutcomeError");
  assert.match(error!.message, /Cannot stage anew.*dxt load asks the target/);
  assert.equal(await at.isPending(), true);
});

test("while a run has the stage another one is refused in every phase, and changes nothing", async (at) => {
  await runWell(at.folder, pipeline(), { phase: "extract" });
  {
    await using _lock = await at.lockStage();
    for (const phase of ["run", "extract", "load"] as const) {
      const { error } = of(await run(at.folder, pipeline(), { phase }));
      assert.equal(error!.type, "ConcurrentRunError");
      assert.match(error!.message, /another run holds it, process 4711 on "test-host"/);
    }
    assert.equal(await at.rows(), 0);
  }
  assert.equal(of(await runWell(at.folder, pipeline(), { phase: "load" })).rows_loaded, 3);
});

test("of runs in one folder each is done or refused, and those that wait are done", async (at) => {
  const refused = await Promise.all(
    Array.from({ length: 4 }, () => run(at.folder, pipeline(INCREMENTAL))),
  );
  const kinds = new Set(refused.map(({ status, streams }) => streams[0]!.error?.type ?? status));
  assert.deepEqual([...kinds].sort(), ["ConcurrentRunError", "succeeded"]);
  assert.equal(await at.rows(), 3);
  await Promise.all(
    Array.from({ length: 3 }, () => runWell(at.folder, pipeline(INCREMENTAL), { waitMs: 60_000 })),
  );
  assert.equal(await at.rows(), 3);
});
