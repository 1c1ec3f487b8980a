import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { loadPipeline } from "../../src/config/mod.ts";
import { formatValue, type Value } from "../../src/core/values/values.ts";
import {
  type DiffOptions,
  diffPipeline,
  planRepair,
  runPipeline,
  type StreamDiff,
} from "../../src/runner/mod.ts";
import { withFolder } from "../support/run.ts";

const { signal } = new AbortController();

interface Setup {
  /** Statements that fill the database of a side. */
  readonly source: string;
  readonly target: string;
  /** Further keys of the stream. */
  readonly stream?: Record<string, unknown>;
  readonly options?: Partial<DiffOptions>;
}

/** Compares table t of two SQLite databases. */
async function compare({ source, target, stream = {}, options }: Setup): Promise<StreamDiff> {
  return await withFolder(async (folder) => {
    for (const [name, sql] of [["s.db", source], ["t.db", target]] as const) {
      using database = new DatabaseSync(join(folder, name));
      database.exec(sql);
    }
    return (await diff(folder, [{ id: "t", source: "t", target: "t", ...stream }], options))[0]!;
  });
}

async function diff(
  folder: string,
  streams: readonly unknown[],
  options: Partial<DiffOptions> = {},
): Promise<readonly StreamDiff[]> {
  const path = join(folder, "p.yaml");
  const pipeline = {
    version: 1,
    name: "p",
    source: { provider: "sqlite", path: "s.db" },
    target: { provider: "sqlite", path: "t.db" },
    streams,
  };
  await Deno.writeTextFile(path, JSON.stringify(pipeline));
  const loaded = await loadPipeline(path, { env: {} });
  return (await diffPipeline(loaded, { most: 20, signal, ...options })).streams;
}

const text = (value: Value | undefined) =>
  value === undefined ? "-" : value === null ? "NULL" : formatValue(value);

/** Differences in lines such as `changed 1: note a/b`. */
function describe({ compared, error }: StreamDiff): string[] {
  assert.equal(error, undefined);
  return compared!.differences.map(({ kind, key, fields }) => {
    const values = fields.map(({ field: { name }, source, target }) =>
      `${name} ${text(source)}/${text(target)}`
    );
    return `${kind} ${key.map(text).join()}: ${values.join(", ")}`;
  });
}

const TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT);";

Deno.test("rows that differ are named by their key, with the values of both sides", async () => {
  const found = await compare({
    source: `${TABLE} INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, ''), (4, 'same'), (10, 'x')`,
    target: `${TABLE} INSERT INTO t VALUES (1, 'b'), (2, ''), (3, NULL), (4, 'same'), (9, NULL)`,
  });
  assert.equal(found.status, "different");
  assert.deepEqual(describe(found), [
    "source 10: note x/-",
    "target 9: note -/NULL",
    "changed 1: note a/b",
    "changed 2: note NULL/",
    "changed 3: note /NULL",
  ]);
  assert.deepEqual(found.compared!.counts, { source: 1, target: 1, changed: 3, several: 0 });
  assert.deepEqual(found.warnings, []);
});

Deno.test("of many differences all are counted, and some of each kind are shown", async () => {
  const fill = (sql: string) =>
    `${TABLE} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
      INSERT INTO t SELECT i, 'note ' || i FROM n; ${sql}`;
  const found = await compare({
    source: fill("DELETE FROM t WHERE id % 500 = 3"),
    target: fill("DELETE FROM t WHERE id % 500 = 7; UPDATE t SET note = '' WHERE id % 100 = 50"),
    options: { most: 5 },
  });
  const { rows, counts, differences } = found.compared!;
  assert.deepEqual(rows, { source: 99_800, target: 99_800 });
  assert.deepEqual(counts, { source: 200, target: 200, changed: 1000, several: 0 });
  assert.deepEqual(
    ["source", "target", "changed"].map((one) =>
      differences.filter(({ kind }) => kind === one).map(({ key }) => Number(key[0]) % 100)
    ),
    [Array(5).fill(7), Array(5).fill(3), Array(5).fill(50)],
  );
});

Deno.test("without a key rows are compared as a whole, and a warning says so", async () => {
  const table = "CREATE TABLE t (a INTEGER, b TEXT);";
  const found = await compare({
    source: `${table} INSERT INTO t VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, 'y'), (3, 'z')`,
    target: `${table} INSERT INTO t VALUES (1, 'x'), (2, 'Y'), (3, 'z'), (3, 'z')`,
  });
  assert.deepEqual(found.compared!.counts, { source: 3, target: 2, changed: 0, several: 0 });
  assert.deepEqual(describe(found).toSorted(), [
    "source : a 1/-, b x/-",
    "source : a 2/-, b y/-",
    "target : a -/2, b -/Y",
    "target : a -/3, b -/z",
  ]);
  assert.match(
    found.warnings.join(),
    /^Rows are compared as a whole, so that a changed row is one only in the source and one only in the target: neither source nor target has a primary key/,
  );
});

Deno.test("a row that the target marks as deleted is no row of the stream", async () => {
  const target = `CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT, GONE TIMESTAMPTZ);
    INSERT INTO t VALUES (1, 'a', NULL), (2, 'b', '2026-03-01T06:00:00Z'),
      (3, 'c', '2026-03-01T06:00:00Z')`;
  const load = { mode: "upsert", upsert_keys: ["id"], deletes: "soft", deleted_at: "gone" };
  const found = await compare({
    source: `${TABLE} INSERT INTO t VALUES (1, 'a'), (3, 'c')`,
    target,
    stream: { load },
  });
  assert.deepEqual(describe(found), ["source 3: note c/-"]);
  assert.deepEqual(found.compared!.rows, { source: 2, target: 1 });
  const unmarked = await compare({
    source: `${TABLE} INSERT INTO t VALUES (1, 'a')`,
    target: `${TABLE} INSERT INTO t VALUES (1, 'a'), (2, 'b')`,
    stream: { load },
  });
  assert.deepEqual(describe(unmarked), ["target 2: note -/b"]);
});

Deno.test("keys of several rows are counted where their rows differ", async () => {
  const table = "CREATE TABLE t (a INTEGER, b TEXT);";
  const found = await compare({
    source: `${table} INSERT INTO t VALUES (1, 'x'), (1, 'y'), (2, 'x'), (2, 'y'), (3, 'z')`,
    target: `${table} INSERT INTO t VALUES (1, 'y'), (1, 'x'), (2, 'x'), (3, 'z')`,
    options: { keys: ["a"] },
  });
  assert.deepEqual(describe(found), ["several 2: "]);
});

Deno.test("a key that is not compared is refused, or the rows are compared as a whole", async () => {
  const sql = `${TABLE} INSERT INTO t VALUES (1, 'a')`;
  const refused = await compare({ source: sql, target: sql, options: { keys: ["nte"] } });
  assert.deepEqual(
    refused.error?.message,
    'Cannot compare stream "t" by "nte": no such field is compared, did you mean "note"; there are "id", "note"',
  );
  const whole = await compare({
    source: sql,
    target: "CREATE TABLE t (id TEXT, note TEXT); INSERT INTO t VALUES ('1', 'a')",
  });
  assert.equal(whole.status, "equal");
  assert.deepEqual(whole.compared!.omitted, [{ field: "id", reason: "it is text there" }]);
  assert.match(whole.warnings.join(), /key "id" cannot be compared$/);
});

Deno.test("the key of the target identifies rows where the source has none", async () => {
  const found = await compare({
    source: "CREATE TABLE t (id INTEGER, note TEXT); INSERT INTO t VALUES (1, 'a')",
    target: `${TABLE} INSERT INTO t VALUES (1, 'b')`,
  });
  assert.deepEqual(describe(found), ["changed 1: note a/b"]);
});

Deno.test("fields that a run makes anew, and those without a column, are named and left out", async () => {
  const found = await compare({
    source: `${TABLE} INSERT INTO t VALUES (1, 'a')`,
    target:
      "CREATE TABLE t (nr INTEGER PRIMARY KEY, loaded TEXT, shop TEXT); INSERT INTO t VALUES (1, 'then', 'north')",
    stream: {
      fields: [
        { id: "id", target: "nr" },
        { id: "loaded", generator: "current_timestamp" },
        { id: "shop", constant: "north" },
      ],
    },
  });
  assert.equal(found.status, "equal");
  assert.deepEqual(found.compared!.keys.map(({ name }) => name), ["nr"]);
  assert.deepEqual(found.compared!.omitted, [
    { field: "note", reason: "the target has no such column" },
    { field: "loaded", reason: "it differs in every run" },
  ]);
});

Deno.test("rows above the target's watermark are not loaded yet, whatever the target has of them", async () => {
  const table = "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT, seen INTEGER);";
  const found = await compare({
    source: `${table} INSERT INTO t VALUES (1, 'a', 10), (2, 'new', 30), (3, 'c', 40), (4, 'd', 20),
      (5, 'e', 5)`,
    target: `${table} INSERT INTO t VALUES (1, 'A', 10), (2, 'old', 15), (4, 'd', 20)`,
    stream: {
      extract: { mode: "incremental", watermark_field: "seen" },
      load: { mode: "upsert", upsert_keys: ["id"] },
    },
  });
  assert.deepEqual(describe(found), ["source 5: note e/-, seen 5/-", "changed 1: note a/A"]);
  assert.equal(found.compared!.later, 2);
  assert.deepEqual(found.warnings, [
    'Rows of the source whose "seen" is above "20", the highest of t, are not compared: the next run loads them',
  ]);
});

Deno.test("a stream that shares its target is compared with its own rows", async () => {
  await withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "s.db"));
    source.exec(`CREATE TABLE north (id INTEGER, note TEXT); INSERT INTO north VALUES (1, 'a');
      CREATE TABLE south (id INTEGER, note TEXT); INSERT INTO south VALUES (1, 'b'), (2, 'c')`);
    using target = new DatabaseSync(join(folder, "t.db"));
    target.exec(`CREATE TABLE t (id INTEGER, note TEXT, shop TEXT);
      INSERT INTO t VALUES (1, 'a', 'north'), (1, 'b', 'south'), (2, 'x', 'south')`);
    const streams = ["north", "south"].map((id) => ({
      ...{ id, source: id, target: "t" },
      fields: [{ id: "shop", constant: id }],
    }));
    const [north, south] = await diff(folder, streams, { keys: ["id"] });
    assert.equal(north!.status, "equal");
    assert.deepEqual(describe(south!), ["changed 2: note c/x"]);
  });
});

Deno.test("a stream that replaces a part of its target is compared with that part", async () => {
  const found = await compare({
    source: `${TABLE} INSERT INTO t VALUES (6, 'a'), (7, 'b')`,
    target: `${TABLE} INSERT INTO t VALUES (1, 'other'), (6, 'a'), (7, 'x')`,
    stream: { load: { mode: "replace", where: "id > 5" } },
  });
  assert.deepEqual(describe(found), ["changed 7: note b/x"]);
});

Deno.test("a stream that cannot be compared is part of the result", async () => {
  await withFolder(async (folder) => {
    for (const name of ["s.db", "t.db"]) {
      using database = new DatabaseSync(join(folder, name));
      database.exec(TABLE);
    }
    const found = await diff(folder, [
      { id: "missing", source: "t", target: "x" },
      { id: "t", source: "t", target: "t" },
    ]);
    assert.deepEqual(found.map(({ status }) => status), ["failed", "equal"]);
    assert.match(
      found[0]!.error!.message,
      /^Cannot compare stream "missing" of pipeline "p": Cannot find relation "x" in database "t.db": it does not exist/,
    );
  });
});

const UPPER = `import { type TransformClass, z } from "dxt";
export const Upper: TransformClass = {
  description: "Notes in upper case",
  options: z.strictObject({}),
  create: (_options, { recordsOf, batchOf }) => ({
    fields: (before) => fields = [...before],
    apply: (batch) =>
      batchOf(fields, [...recordsOf(batch)].map((row) => ({ ...row, note: row.note.toUpperCase() }))),
  }),
};
let fields = [];`;

Deno.test("transforms are applied to the source before it is compared", async () => {
  await withFolder(async (folder) => {
    for (const [name, note] of [["s.db", "a"], ["t.db", "A"]] as const) {
      using database = new DatabaseSync(join(folder, name));
      database.exec(`${TABLE} INSERT INTO t VALUES (1, '${note}'), (2, 'X')`);
    }
    await Deno.writeTextFile(join(folder, "upper.ts"), UPPER);
    const stream = { id: "t", source: "t", target: "t", transforms: ["./upper.ts#Upper"] };
    const [found] = await diff(folder, [stream]);
    assert.deepEqual([found!.error, found!.status], [undefined, "equal"]);
  });
});

Deno.test("the streams of a wildcard are compared, and only the rows that differ are loaded", async () => {
  await withFolder(async (folder) => {
    const create = (table: string) =>
      `CREATE TABLE ${table} (id INTEGER PRIMARY KEY, note TEXT);
       INSERT INTO ${table} VALUES (1, 'x'), (2, 'y'), (3, 'z');`;
    using source = new DatabaseSync(join(folder, "s.db"));
    source.exec(create("a") + create("b"));
    using target = new DatabaseSync(join(folder, "t.db"));
    target.exec(`${create("a")}${create("b")} UPDATE b SET note = 'other' WHERE id = 2`);
    const streams = [{ source: "*", target: "{table}", load: { mode: "replace" } }];
    const found = await diff(folder, streams, { repairs: true });
    assert.deepEqual(found.map(({ stream, status }) => [stream, status]), [
      ["a", "equal"],
      ["b", "different"],
    ]);
    const loaded = await loadPipeline(join(folder, "p.yaml"), { env: {} });
    const result = { pipeline: "p", status: "different", streams: found } as const;
    const { only, loaded: repaired } =
      (await planRepair(loaded, result, { deletes: false, signal }))!;
    const options = { phase: "run", only, signal, retries: 0, onEvent: () => {} } as const;
    const { streams: loads } = await runPipeline(repaired, options);
    assert.deepEqual(loads.map(({ stream, rows_loaded }) => [stream, rows_loaded]), [["b", 1]]);
    const after = await diff(folder, streams);
    assert.deepEqual(after.map(({ status }) => status), ["equal", "equal"]);
  });
});
