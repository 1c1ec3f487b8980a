import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { VerifyLevel } from "../../src/models/stream.ts";
import { type PipelineRun, run, runWell, withFolder } from "../support/run.ts";

/** A table of SQLite whose trigger changes, deletes or doubles rows that a load inserts. */
async function loadWithTrigger(
  folder: string,
  action: string,
  verify: VerifyLevel | undefined,
  total = "INTEGER",
  options: PipelineRun = {},
) {
  using source = new DatabaseSync(join(folder, "s.db"));
  source.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT, total INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
    INSERT INTO orders SELECT i, 'note ' || i, i FROM n`);
  using database = new DatabaseSync(join(folder, "t.db"));
  database.exec(`CREATE TABLE orders (id INTEGER, note TEXT, total ${total})`);
  database.exec(
    `CREATE TRIGGER faulty AFTER INSERT ON orders WHEN NEW.id = 41 BEGIN ${action}; END`,
  );
  return await run(folder, {
    version: 1,
    name: "p",
    source: { provider: "sqlite", path: "s.db" },
    target: { provider: "sqlite", path: "t.db" },
    streams: [{
      id: "orders",
      source: "orders",
      target: "orders",
      load: { mode: "replace", lossy: "accept", ...(verify === undefined ? {} : { verify }) },
    }],
  }, options);
}

const CHANGE = "UPDATE orders SET note = 'other' WHERE id = 41";

Deno.test("a row that the target changed is named by its key, and nothing is committed", async () => {
  await withFolder(async (folder) => {
    const { streams: [stream] } = await loadWithTrigger(folder, CHANGE, "full");
    assert.equal(stream!.error?.type, "VerificationError");
    assert.match(
      stream!.error!.message,
      /Cannot prove the load into "orders": the values of field "note" differ from the stage; the row with id "41" differs$/,
    );
    assert.equal(typeof stream!.stage, "string");
    using database = new DatabaseSync(join(folder, "t.db"));
    assert.deepEqual({ ...database.prepare("SELECT count(*) AS n FROM orders").get() }, { n: 0 });
  });
});

Deno.test("aggregates notice a changed length, with both sums", async () => {
  await withFolder(async (folder) => {
    const { streams: [stream] } = await loadWithTrigger(folder, CHANGE, "aggregates");
    assert.match(stream!.error!.message, /the sum of "note" is 688, staged is 690$/);
  });
});

Deno.test("a table with triggers proves counts unless more is asked for, and says so", async () => {
  await withFolder(async (folder) => {
    const { streams: [stream] } = await loadWithTrigger(folder, CHANGE, undefined);
    assert.equal(stream!.status, "succeeded");
    assert.deepEqual(
      { ...stream!.proof!.verified, ms: 0 },
      { level: "counts", reason: "triggers of the table may change rows", omitted: [], ms: 0 },
    );
  });
});

Deno.test("values that a trigger exchanges between rows are noticed", async () => {
  await withFolder(async (folder) => {
    const exchange =
      "UPDATE orders SET note = CASE id WHEN 40 THEN 'note 41' ELSE 'note 40' END WHERE id IN (40, 41)";
    const { streams: [stream] } = await loadWithTrigger(folder, exchange, "full");
    assert.match(
      stream!.error!.message,
      /values changed places between rows; the row with id "4[01]" differs$/,
    );
  });
});

Deno.test("they are noticed beside a field that cannot be compared", async () => {
  await withFolder(async (folder) => {
    const exchange =
      "UPDATE orders SET note = CASE id WHEN 40 THEN 'note 41' ELSE 'note 40' END WHERE id IN (40, 41)";
    const { streams: [stream] } = await loadWithTrigger(folder, exchange, "full", "TEXT");
    assert.match(stream!.error!.message, /values changed places between rows; the row with id "4/);
  });
});

Deno.test("without a field that can be compared counts are proven, and the result says so", async () => {
  await withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "s.db"));
    source.exec("CREATE TABLE n (n INTEGER); INSERT INTO n VALUES (1), (2)");
    using database = new DatabaseSync(join(folder, "t.db"));
    database.exec("CREATE TABLE n (n TEXT)");
    const { streams: [stream] } = await runWell(folder, {
      version: 1,
      name: "p",
      source: { provider: "sqlite", path: "s.db" },
      target: { provider: "sqlite", path: "t.db" },
      streams: [{ id: "n", source: "n", target: "n", load: { lossy: "accept", verify: "full" } }],
    });
    const { level, omitted } = stream!.proof!.verified!;
    assert.deepEqual([level, omitted], ["counts", [{ field: "n", reason: "it is text there" }]]);
    assert.match(stream!.warnings.join(), /Only counts are compared/);
  });
});

Deno.test("verify: counts asks the target nothing", async () => {
  await withFolder(async (folder) => {
    const { streams: [stream] } = await loadWithTrigger(folder, CHANGE, "counts");
    assert.equal(stream!.status, "succeeded");
    assert.equal(stream!.proof!.verified, undefined);
  });
});

Deno.test("what a run is told to verify precedes the pipeline's load.verify", async () => {
  await withFolder(async (folder) => {
    const full = await loadWithTrigger(folder, CHANGE, "counts", "INTEGER", { verify: "full" });
    assert.equal(full.streams[0]!.error?.type, "VerificationError");
  });
  await withFolder(async (folder) => {
    const counts = await loadWithTrigger(folder, CHANGE, "full", "INTEGER", { verify: "counts" });
    assert.equal(counts.streams[0]!.status, "succeeded");
    assert.equal(counts.streams[0]!.proof!.verified, undefined);
  });
});

Deno.test("a large file is read back when the pipeline asks for it, also from an earlier stage", async () => {
  await withFolder(async (folder) => {
    const line = "x".repeat(1000);
    await Deno.writeTextFile(
      join(folder, "long.csv"),
      `id,t\n${Array.from({ length: 6000 }, (_, i) => `${i},${line}`).join("\n")}\n`,
    );
    const pipeline = (verify?: VerifyLevel) => ({
      version: 1,
      name: "p",
      source: { provider: "local", path: "." },
      target: { provider: "local", path: "out" },
      streams: [{
        id: "long",
        source: "long.csv",
        target: "long.parquet",
        load: { mode: "replace", ...(verify === undefined ? {} : { verify }) },
      }],
    });
    const { streams: [unset] } = await runWell(folder, pipeline());
    assert.equal(unset!.proof!.verified!.level, "counts");
    assert.match(unset!.proof!.verified!.reason!, /takes long/);
    const { streams: [full] } = await runWell(folder, pipeline("full"));
    assert.equal(full!.proof!.verified!.level, "full");
    await runWell(folder, pipeline(), { phase: "extract" });
    const verify = "aggregates";
    const { streams: [loaded] } = await runWell(folder, pipeline(), { phase: "load", verify });
    assert.deepEqual(
      { ...loaded!.proof!.verified, ms: 0 },
      { level: "full", reason: "the target computes no aggregates", omitted: [], ms: 0 },
    );
  });
});

const FULL = { level: "full", reason: undefined, omitted: [], ms: 0 };

/** Loads rows with a text and a number into a table of SQLite that has rows. */
async function loadInto(
  folder: string,
  table: string,
  load: Record<string, unknown>,
  fields?: readonly Record<string, unknown>[],
) {
  await Deno.writeTextFile(join(folder, "s.csv"), "k,v\nA,1\nb,2\n");
  using database = new DatabaseSync(join(folder, "t.db"));
  database.exec(table);
  const { streams: [stream] } = await runWell(folder, {
    version: 1,
    name: "p",
    source: { provider: "local", path: "." },
    target: { provider: "sqlite", path: "t.db" },
    streams: [{ id: "s", source: "s.csv", target: "t", load, ...(fields && { fields }) }],
  });
  return { verified: { ...stream!.proof!.verified!, ms: 0 }, warnings: stream!.warnings };
}

Deno.test("rows are told from one with the number 0", async () => {
  await withFolder(async (folder) => {
    const table =
      "CREATE TABLE t (k TEXT, v INTEGER PRIMARY KEY); INSERT INTO t VALUES ('none', 0)";
    const { verified } = await loadInto(folder, table, { mode: "append" });
    assert.deepEqual(verified, FULL);
  });
});

Deno.test("numbers in a column of text are not compared, since SQLite reads text there", async () => {
  await withFolder(async (folder) => {
    const table = "CREATE TABLE t (k TEXT, v TEXT)";
    const fields = [{ id: "k" }, { id: "v", dtype: "int32" }];
    const { verified } = await loadInto(folder, table, { lossy: "accept" }, fields);
    assert.deepEqual(verified, { ...FULL, omitted: [{ field: "v", reason: "it is text there" }] });
  });
});

Deno.test("an upsert leaves a key in the spelling that the table has", async () => {
  await withFolder(async (folder) => {
    const table =
      "CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE, v INTEGER); INSERT INTO t VALUES ('a', 0)";
    const { verified } = await loadInto(folder, table, { mode: "upsert", upsert_keys: ["k"] });
    assert.deepEqual(verified, FULL);
    using database = new DatabaseSync(join(folder, "t.db"));
    assert.deepEqual({ ...database.prepare("SELECT k, v FROM t WHERE v = 1").get() }, {
      k: "a",
      v: 1,
    });
  });
});

Deno.test("a warning says when less is compared than the pipeline asks for", async () => {
  await withFolder(async (folder) => {
    const table =
      "CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID; INSERT INTO t VALUES ('none', 0)";
    const load = { mode: "append", verify: "full" };
    const { verified, warnings } = await loadInto(folder, table, load);
    assert.equal(verified.level, "counts");
    assert.deepEqual(warnings, [
      'Only counts are compared, although "verify" is full: the table has no row numbers',
    ]);
  });
});
