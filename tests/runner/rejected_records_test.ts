/** Records that cannot be staged become dead letters, and the others are loaded. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "sqlite";
import { runExitCode } from "../../src/cli/terminal/exit_codes.ts";
import { listLetters, readLetters } from "../../src/integrity/dead_letters.ts";
import type { RunResult } from "../../src/models/result.ts";
import type { DeadLetter } from "../../src/models/stored.ts";
import { freshDatabase as freshMySQL } from "../providers/relational/mysql/support.ts";
import { ignoreIf } from "../support/ignore.ts";
import { type PipelineRun, run, runWell, withFolder } from "../support/run.ts";
import { freshDatabase, mysqlTest, postgresTest } from "../support/services.ts";

const postgres = postgresTest(15);
const mariadb = mysqlTest("mariadb");

const ROWS = 5000;
/** Beside each other, at both ends of a batch, and with NULLs in front. */
const BAD: ReadonlySet<number> = new Set([1, 2, 17, 2048, 2049, 2500, 4096, 4999, ROWS]);

interface Row {
  readonly id: string;
  readonly flag: string | null;
  readonly name: string | null;
  readonly amount: string | null;
  readonly day: string;
}

const rowOf = (id: number): Row => ({
  id: String(id),
  flag: id % 5 === 0 ? null : String(id % 2 === 0),
  name: id % 3 === 0 ? null : `näme ${"x".repeat(id % 11)} ${id}`,
  amount: BAD.has(id) ? `bad ${id}` : id % 7 === 0 ? null : `${id}.25`,
  day: `2026-01-${String(1 + id % 28).padStart(2, "0")}`,
});
const ALL = Array.from({ length: ROWS }, (_, i) => rowOf(i + 1));

const FIELDS = [
  { id: "id", dtype: "int64" },
  { id: "flag", dtype: "bool" },
  { id: "name", dtype: "string" },
  { id: "amount", dtype: "decimal", precision: 10, scale: 2 },
  { id: "day", dtype: "date" },
];

const lettersOf = async (folder: string): Promise<DeadLetter[]> => {
  const found = await listLetters(join(folder, ".dxt", "dead_letters", "p", "t"));
  const letters = await Promise.all(found.map(({ path }) => Array.fromAsync(readLetters(path))));
  return letters.flat();
};

interface Source {
  readonly name: string;
  readonly missing?: string | undefined;
  /** Puts all rows into a source, each value as text, and returns the keys of the pipeline that read it. */
  create(folder: string): Promise<{ readonly source: unknown; readonly stream: unknown }>;
}

const local = (name: string, text: string): Source => ({
  name,
  async create(folder) {
    await Deno.writeTextFile(join(folder, name), text);
    return { source: { provider: "local" }, stream: name };
  },
});

const quoted = (text: string | null) => text === null ? "NULL" : `'${text}'`;
/** SQLite has no booleans. */
const toSQLite = (row: Row): Row => ({
  ...row,
  flag: row.flag && (row.flag === "true" ? "1" : "0"),
});
const values = ALL.map((row) => `(${Object.values(toSQLite(row)).map(quoted).join(", ")})`).join(
  ", ",
);

const sqlite = (name: string, table: string): Source => ({
  name,
  create(folder) {
    using database = new DatabaseSync(join(folder, "source.db"));
    database.exec(`${table}; INSERT INTO t VALUES ${values}`);
    return Promise.resolve({ source: { provider: "sqlite", path: "source.db" }, stream: "t" });
  },
});

const json = ALL.map((row) => JSON.stringify({ ...row, flag: row.flag && row.flag === "true" }));

const SOURCES: readonly Source[] = [
  local(
    "t.csv",
    `id,flag,name,amount,day\n${
      ALL.map((row) => Object.values(row).map((value) => value ?? "").join(",")).join("\n")
    }\n`,
  ),
  local("t.jsonl", json.join("\n")),
  local("t.json", `[${json.join(",")}]`),
  sqlite(
    "SQLite, pages",
    "CREATE TABLE t (id INTEGER, flag INTEGER, name TEXT, amount TEXT, day TEXT)",
  ),
  sqlite(
    "SQLite, statements",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, flag INTEGER, name TEXT, amount TEXT, day TEXT) WITHOUT ROWID",
  ),
];

const BATCHES = [{}, { batch_rows: 7 }];

const pipeline = (source: unknown, stream: unknown, more: Record<string, unknown> = {}) => ({
  version: 1,
  name: "p",
  source,
  target: { provider: "sqlite", path: "target.db" },
  streams: [{
    ...{ id: "t", source: stream, target: "t", fields: FIELDS, load: { verify: "full" } },
    error_handling: { on_transform_error: "skip" },
    ...more,
  }],
});

/** The rows of the target, which are all but the bad ones. */
function assertGood(folder: string): void {
  using target = new DatabaseSync(join(folder, "target.db"), { readOnly: true });
  const found = target.prepare(
    "SELECT cast(id AS TEXT) id, iif(flag, 'true', iif(flag = 0, 'false', NULL)) flag, name, cast(amount AS TEXT) amount, day FROM t ORDER BY t.id",
  ).all().map((row: object) => ({ ...row }));
  assert.deepEqual(found, ALL.filter(({ id }) => !BAD.has(Number(id))));
}

function assertProof({ streams: [stream] }: RunResult): void {
  const bad = BAD.size;
  assert.deepEqual(
    [stream!.rows_extracted, stream!.rows_loaded, stream!.rows_rejected],
    [ROWS, ROWS - bad, bad],
  );
  const { source, stage, target, rejected, verified } = stream!.proof!;
  assert.deepEqual(
    [source.rows, stage.rows, target.rows, rejected!.rows, rejected!.unstaged],
    [ROWS, ROWS - bad, ROWS - bad, bad, bad],
  );
  assert.equal(verified!.level, "full");
  assert.doesNotMatch(stream!.warnings.join(), /bad \d/);
}

for (const source of SOURCES) {
  for (const extract of BATCHES) {
    Deno.test(`${source.name}, ${JSON.stringify(extract)}: bad values become letters`, () =>
      withFolder(async (folder) => {
        const found = await source.create(folder);
        const result = await runWell(
          folder,
          pipeline(found.source, found.stream, { extract }),
        );
        assertProof(result);
        assertGood(folder);
        const letters = await lettersOf(folder);
        const sorted = letters.toSorted((one, other) =>
          Number(one.record!["id"]) - Number(other.record!["id"])
        );
        assert.deepEqual(
          sorted.map(({ record }) => record),
          (source.name.startsWith("SQLite") ? ALL.map(toSQLite) : ALL).filter(({ id }) =>
            BAD.has(Number(id))
          ),
        );
        for (const { step, kind, field, message } of letters) {
          assert.deepEqual([step, kind, field], ["transform", "value", "amount"]);
          assert.match(message, /^Cannot represent value of field "amount", row \d+: .*"bad \d+"/);
        }
      }));
  }
}

Deno.test("letters of a text file have its path, and the record's number and line", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "t.csv"), 'id,note\n1,"a\nb"\nx,"c\nd"\n3,e\ny,f\n');
    const fields = [{ id: "id", dtype: "int64" }, { id: "note", dtype: "string" }];
    await runWell(folder, pipeline({ provider: "local" }, "t.csv", { fields }));
    assert.deepEqual(
      (await lettersOf(folder)).map((
        { file, row, line, record },
      ) => [file.split("/").at(-1), row, line, record]),
      [["t.csv", 2, 4, { id: "x", note: "c\nd" }], ["t.csv", 4, 7, { id: "y", note: "f" }]],
    );
  }));

Deno.test("NULL in a field that is not nullable rejects its row", () =>
  withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "source.db"));
    source.exec(
      "CREATE TABLE t (id INTEGER, a TEXT); INSERT INTO t VALUES (1, 'x'), (2, NULL), (NULL, 'y'), (4, 'z')",
    );
    const fields = [{ id: "id", nullable: false }, { id: "a", nullable: false }];
    await runWell(folder, pipeline({ provider: "sqlite", path: "source.db" }, "t", { fields }));
    const letters = await lettersOf(folder);
    assert.deepEqual(letters.map(({ step, kind, field, record }) => [step, kind, field, record]), [
      ["transform", "null", "id", { id: null, a: "y" }],
      ["transform", "null", "a", { id: "2", a: null }],
    ]);
  }));

Deno.test("without skip, the first bad value fails the stream", () =>
  withFolder(async (folder) => {
    const found = await SOURCES[0]!.create(folder);
    for (const error_handling of [{}, { on_transform_error: "fail" }, { on_load_error: "skip" }]) {
      const { streams: [stream] } = await run(
        folder,
        pipeline(found.source, found.stream, { error_handling }),
      );
      assert.equal(stream!.error?.type, "ValueError");
    }
    assert.deepEqual(await lettersOf(folder), []);
  }));

Deno.test("max_errors counts the rows that each step rejects", () =>
  withFolder(async (folder) => {
    const found = await SOURCES[0]!.create(folder);
    const move = (max_errors: number | string) =>
      run(
        folder,
        pipeline(found.source, found.stream, {
          load: { lossy: "accept" },
          error_handling: { on_transform_error: "skip", on_load_error: "skip", max_errors },
        }),
      );
    await move(9);
    using target = new DatabaseSync(join(folder, "target.db"));
    target.exec(
      "DELETE FROM t; CREATE TRIGGER refuse BEFORE INSERT ON t WHEN NEW.id IN (5, 6) BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    await Deno.remove(join(folder, ".dxt"), { recursive: true });
    // Nine before the stage, two in the target: 0.22 %.
    for (const max_errors of [8, 10, "0.17%", "0.21%"]) {
      const result = await move(max_errors);
      assert.equal(result.streams[0]!.error?.type, "RejectedRowsError", String(max_errors));
      assert.equal(runExitCode(result), 5);
      assert.deepEqual(target.prepare("SELECT id FROM t").all(), []);
      assert.deepEqual(await lettersOf(folder), []);
    }
    for (const max_errors of [11, "0.22%"]) {
      target.exec("DELETE FROM t");
      const { streams: [stream] } = await move(max_errors);
      assert.equal(stream!.error, undefined);
      const { source, stage, target: loaded, rejected } = stream!.proof!;
      assert.deepEqual(
        [source.rows, stage.rows, loaded.rows, rejected!.rows, rejected!.unstaged],
        [ROWS, ROWS - 9, ROWS - 11, 11, 9],
      );
      assert.deepEqual(rejected!.reasons, { value: 9, trigger: 2 });
    }
  }));

for (const buffer of [{}, { format: "csv" }, { format: "memory" }]) {
  Deno.test(`letters wait in the stage ${JSON.stringify(buffer)} until it is loaded`, () =>
    withFolder(async (folder) => {
      const found = await SOURCES[1]!.create(folder);
      const move = (options: PipelineRun) =>
        runWell(folder, { ...pipeline(found.source, found.stream), buffer }, options);
      if (buffer.format === "memory") assertProof(await move({}));
      else {
        const { streams: [extracted] } = await move({ phase: "extract" });
        assert.deepEqual([extracted!.rows_extracted, extracted!.rows_rejected], [ROWS, BAD.size]);
        assert.match(
          extracted!.warnings.join(),
          /9 records were rejected and not staged; dxt load/,
        );
        assert.deepEqual(await lettersOf(folder), []);
        assertProof(await move({ phase: "load" }));
      }
      assertGood(folder);
      assert.equal((await lettersOf(folder)).length, BAD.size);
    }));
}

Deno.test("a damaged file of letters in a stage is noticed before the load", () =>
  withFolder(async (folder) => {
    const found = await SOURCES[1]!.create(folder);
    const move = (options: PipelineRun) =>
      run(
        folder,
        { ...pipeline(found.source, found.stream), buffer: { location: "stage" } },
        options,
      );
    await move({ phase: "extract" });
    const paths = await Array.fromAsync(walkFiles(join(folder, "stage")));
    const letters = paths.find((path) => path.endsWith(".rejected.jsonl"))!;
    await Deno.writeTextFile(
      letters,
      (await Deno.readTextFile(letters)).replace("bad 17", "bad 18"),
    );
    const { streams: [stream] } = await move({ phase: "load" });
    assert.match(stream!.error!.message, /rejected\.jsonl": its SHA-256 is/);
  }));

async function* walkFiles(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* walkFiles(join(folder, name));
    else yield join(folder, name);
  }
}

Deno.test("a stream that retries a transform is refused with the reason", () =>
  withFolder(async (folder) => {
    await assert.rejects(
      run(
        folder,
        pipeline({ provider: "local" }, "t.csv", {
          error_handling: { on_transform_error: "retry" },
        }),
      ),
      /on_transform_error.*the same row fails again each time, expected fail or skip/s,
    );
  }));

Deno.test({
  ...ignoreIf(postgres.missing, "PostgreSQL: bad values of each kind of column become letters"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(postgres.url);
      await database.sql(
        `CREATE TABLE t (id bigint, flag boolean, name text, amount text, day date, at timestamp, n numeric);
        INSERT INTO t SELECT i, CASE WHEN i % 5 > 0 THEN i % 2 = 0 END,
          CASE WHEN i % 3 > 0 THEN 'n' || i END, CASE WHEN i % 1000 = 1 THEN 'bad' ELSE i || '.5' END,
          date '2026-01-01' + i % 100,
          CASE WHEN i % 1000 = 2 THEN timestamp '294276-12-31 23:59:59' ELSE timestamp '2026-01-01' END,
          CASE WHEN i % 1000 = 3 THEN 'NaN' ELSE i + 0.25 END
        FROM generate_series(1, 20000) i`,
      );
      const fields = [
        ...["id", "flag", "name", "day", "at"].map((id) => ({ id })),
        { id: "amount", dtype: "decimal", precision: 10, scale: 1 },
        { id: "n", dtype: "decimal", precision: 10, scale: 2 },
      ];
      const { streams: [stream] } = await runWell(
        folder,
        pipeline({ url: database.url, sslmode: "disable" }, "public.t", { fields }),
      );
      const letters = await lettersOf(folder);
      const bad = letters.map(({ field, record }) => [field, Number(record!["id"]) % 1000]);
      assert.deepEqual(new Set(bad.map(String)), new Set(["amount,1", "at,2", "n,3"]));
      assert.deepEqual([stream!.rows_loaded, stream!.rows_rejected], [19_940, 60]);
      const { record } = letters.find((letter) => letter.record!["id"] === "5001")!;
      assert.deepEqual(record, {
        ...{ id: "5001", flag: "false", name: null, day: "2026-01-02" },
        ...{ at: "2026-01-01T00:00:00", amount: "bad", n: "5001.25" },
      });
      using target = new DatabaseSync(join(folder, "target.db"));
      const sums = target.prepare(
        "SELECT count(*) rows, sum(id) ids, count(flag) flags, sum(flag) trues, count(name) names FROM t",
      ).get();
      const [wanted] = await database.sql(
        "SELECT count(*)::int AS rows, sum(id)::int AS ids, count(flag)::int AS flags, sum(flag::int)::int AS trues, count(name)::int AS names FROM t WHERE i % 1000 NOT IN (1, 2, 3)"
          .replace("i %", "id %"),
      );
      assert.deepEqual({ ...sums }, { ...wanted });
    }),
});

Deno.test({
  ...ignoreIf(mariadb.missing, "MariaDB: bad values of each kind of column become letters"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshMySQL(mariadb.url);
      await database.sql("SET sql_mode = ''");
      await database.sql(
        `CREATE TABLE t (id bigint unsigned, flag tinyint(1), name varchar(40), amount varchar(20),
        day date, at datetime(6), n decimal(20,6), x double)`,
      );
      await database.sql(
        `INSERT INTO t SELECT seq, IF(seq % 1000 = 1, 7, IF(seq % 5 > 0, seq % 2, NULL)),
        IF(seq % 3 > 0, concat('n', seq), NULL), IF(seq % 1000 = 2, 'bad', concat(seq, '.5')),
        IF(seq % 1000 = 3, '0000-00-00', '2026-01-02'), IF(seq % 1000 = 4, '0000-00-00', '2026-01-02 03:04:05.000006'),
        seq + 0.25, seq / 2 FROM seq_1_to_20000`,
      );
      const fields = [
        ...["id", "flag", "name", "day", "at", "n", "x"].map((id) => ({ id })),
        { id: "amount", dtype: "decimal", precision: 10, scale: 1 },
      ];
      const { streams: [stream] } = await runWell(
        folder,
        pipeline({ url: database.url, sslmode: "disable" }, "t", { fields }),
      );
      const letters = await lettersOf(folder);
      assert.deepEqual([stream!.rows_loaded, stream!.rows_rejected], [19_920, 80]);
      const bad = letters.map(({ field, record }) => [field, Number(record!["id"]) % 1000]);
      assert.deepEqual(new Set(bad.map(String)), new Set(["flag,1", "amount,2", "day,3", "at,4"]));
      const texts = Object.fromEntries(letters.map(({ record }) => [record!["id"], record]));
      const good = { at: "2026-01-02T03:04:05.000006", day: "2026-01-02" };
      assert.deepEqual(texts["5001"], {
        ...{ id: "5001", flag: "7", name: null, amount: "5001.5", n: "5001.250000", x: "2500.5" },
        ...good,
      });
      assert.deepEqual([texts["5002"]!["amount"], texts["5003"]!["day"]], ["bad", "0000-00-00"]);
      using target = new DatabaseSync(join(folder, "target.db"));
      const sums = target.prepare(
        "SELECT count(*) n, sum(id) ids, count(flag) flags, sum(flag) trues, count(name) names FROM t",
      ).get()!;
      const [wanted] = await database.sql(
        "SELECT count(*), sum(id), count(flag), sum(flag), count(name) FROM t WHERE id % 1000 NOT IN (1, 2, 3, 4)",
      );
      assert.deepEqual(Object.values(sums).map(String), wanted);
    }),
});

const CLEAN = `
import { z } from "dxt";
export const Clean = {
  description: "Refuses names that are too long",
  options: z.strictObject({}),
  create: (_options, { recordsOf, batchOf }) => ({
    fields: (before) => before,
    apply(batch) {
      const records = [...recordsOf(batch)];
      const bad = records.find(({ id }) => id % 1000n === 7n);
      if (bad !== undefined) throw new Error("the name of row " + bad.id + " is too long");
      const wrong = records.find(({ id }) => id === 9n);
      return batchOf(FIELDS, records.map((record) => record === wrong ? { ...record, id: "nine" } : record));
    },
  }),
};
const FIELDS = [{ name: "id", dtype: "int64", nullable: true }];
`;

Deno.test("rows that a transform refuses become letters; the loss of rows is no fault of a row", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "clean.js"), CLEAN);
    const ids = Array.from({ length: 3000 }, (_, i) => i + 1);
    await Deno.writeTextFile(join(folder, "t.csv"), `id\n${ids.join("\n")}\n`);
    const move = () =>
      run(
        folder,
        pipeline({ provider: "local" }, "t.csv", {
          fields: [{ id: "id", dtype: "int64" }],
          transforms: ["./clean.js#Clean"],
        }),
      );
    const { streams: [stream] } = await move();
    assert.equal(stream!.error, undefined);
    const { source, stage, target, rejected } = stream!.proof!;
    assert.deepEqual([source.rows, stage.rows, target.rows, rejected!.unstaged], [
      3000,
      2996,
      2996,
      4,
    ]);
    const letters = await lettersOf(folder);
    assert.deepEqual(letters.map(({ step, kind, record }) => [step, kind, record!["id"]]), [
      ...["7", "9", "1007", "2007"].map((id) => ["transform", "transform", id]),
    ]);
    assert.equal(letters[0]!.message, "the name of row 7 is too long");
    assert.match(letters[1]!.message, /"nine"/);
    await Deno.writeTextFile(
      join(folder, "clean.js"),
      CLEAN.replace("records.map(", "records.slice(1).map("),
    );
    assert.match((await move()).streams[0]!.error!.message, /a transform keeps their number/);
  }));

const extractPipeline = (stream: unknown, more: Record<string, unknown> = {}) =>
  pipeline({ provider: "local" }, stream, {
    error_handling: { on_extract_error: "skip", max_errors: "100%" },
    fields: undefined,
    ...more,
  });

/** The first column of the target, and the letters by line, kind and text or record. */
const outcomeOf = async (folder: string) => {
  using target = new DatabaseSync(join(folder, "target.db"), { readOnly: true });
  const rows: object[] = target.prepare("SELECT * FROM t ORDER BY rowid").all();
  return {
    ids: rows.map((row) => Object.values(row)[0]),
    letters: (await lettersOf(folder)).map(({ step, line, kind, text, record }) =>
      [step, line, kind, text ?? record] as const
    ),
  };
};

Deno.test("lines of CSV that cannot be read become letters, and reading goes on behind them", () =>
  withFolder(async (folder) => {
    const lines = [
      ...["id,note", "1,a", "2,b,c", '3,"x', 'y"', '4,"open', "5,e", '6,"a"b', "", "7", '8,"z"'],
      ...["nine,i", "10,j", '11,"never closed'],
    ];
    for (const [end, last] of [["\n", "\n"], ["\r\n", "\r\n"], ["\r", ""]] as const) {
      await Deno.writeTextFile(join(folder, "t.csv"), lines.join(end) + last);
      // The type is guessed from the first rows, so that "nine" is not of it.
      const stream = { type: "file", path: "t.csv", options: { infer_rows: 1 } };
      await Deno.remove(join(folder, ".dxt"), { recursive: true }).catch(() => {});
      const result = await runWell(folder, extractPipeline(stream, { load: { mode: "replace" } }));
      const { ids, letters } = await outcomeOf(folder);
      assert.deepEqual(ids, [1, 3, 5, 8, 10]);
      assert.deepEqual(letters, [
        ["extract", 3, "syntax", "2,b,c"],
        ["extract", 6, "syntax", '4,"open'],
        ["extract", 8, "syntax", '6,"a"b'],
        ["extract", 10, "syntax", "7"],
        ["extract", 12, "value", { id: "nine", note: "i" }],
        ["extract", 14, "syntax", '11,"never closed'],
      ]);
      const { source, stage, target } = result.streams[0]!.proof!;
      assert.deepEqual([source.rows, stage.rows, target.rows], [11, 5, 5]);
    }
  }));

Deno.test("lines of JSON that cannot be read become letters", () =>
  withFolder(async (folder) => {
    const lines = [
      '{"id":1}',
      "",
      '{"id":2',
      '{"id":3}',
      "nonsense",
      ' {"id": 4} ',
      '{"id":5}}',
      '{"id":"six"}',
      '{"id":7}',
      '{"id',
    ];
    await Deno.writeTextFile(join(folder, "t.jsonl"), lines.join("\n"));
    const stream = { type: "file", path: "t.jsonl", options: { infer_rows: 1 } };
    await runWell(folder, extractPipeline(stream));
    assert.deepEqual(await outcomeOf(folder), {
      ids: [1, 3, 4, 7],
      letters: [
        ["extract", 3, "syntax", '{"id":2'],
        ["extract", 5, "syntax", "nonsense"],
        ["extract", 7, "syntax", '{"id":5}}'],
        ["extract", 8, "value", { id: "six" }],
        ["extract", 10, "syntax", '{"id'],
      ],
    });
  }));

Deno.test("a declared type belongs to on_transform_error, a guessed one to on_extract_error", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "t.csv"), "id\n1\nx\n");
    const stream = { type: "file", path: "t.csv", options: { infer_rows: 1 } };
    const declared = { fields: [{ id: "id", dtype: "int64" }] };
    const onlyExtract = await run(folder, extractPipeline(stream, declared));
    assert.equal(onlyExtract.streams[0]!.error?.type, "ValueError");
    const onlyTransform = await run(
      folder,
      pipeline({ provider: "local" }, stream, { fields: undefined }),
    );
    assert.equal(onlyTransform.streams[0]!.error?.type, "ValueError");
    await runWell(folder, pipeline({ provider: "local" }, stream, declared));
    await runWell(folder, extractPipeline(stream));
    assert.deepEqual((await lettersOf(folder)).map(({ step }) => step).toSorted(), [
      "extract",
      "transform",
    ]);
  }));

Deno.test("a file that ends early, or has no end of a record, is never skipped", () =>
  withFolder(async (folder) => {
    const gzip = new Blob(["id\n1\n2\n"]).stream().pipeThrough(new CompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(gzip).arrayBuffer());
    await Deno.writeFile(join(folder, "cut.csv.gz"), bytes.subarray(0, -6));
    await Deno.writeTextFile(join(folder, "cut.json"), '[{"id":1},{"id":2}');
    await Deno.writeTextFile(join(folder, "broken.json"), '[{"id":1},{"id":},{"id":2}]');
    await Deno.writeFile(join(folder, "latin.csv"), Uint8Array.of(0x69, 0x64, 0x0a, 0xe4, 0x0a));
    for (const stream of ["cut.csv.gz", "cut.json", "broken.json", "latin.csv", "none.csv"]) {
      const { streams: [result] } = await run(folder, extractPipeline(stream));
      assert.notEqual(result!.error, undefined, stream);
    }
    assert.deepEqual(await lettersOf(folder), []);
  }));

Deno.test("a large file that is read in ranges has letters with its own lines", () =>
  withFolder(async (folder) => {
    const bad = new Set([5, 200_000, 399_999, 400_001]);
    const padding = "x".repeat(90);
    const lines = Array.from(
      { length: 400_001 },
      (_, i) => bad.has(i + 1) ? `bad,${i + 1}` : `${i + 1},"${padding}",${i % 3 === 0 ? "" : i}`,
    );
    await Deno.writeTextFile(join(folder, "t.csv"), `id,text,n\n${lines.join("\n")}\n`);
    const result = await runWell(folder, extractPipeline("t.csv"), { threads: 3 });
    const { source, stage, target, rejected } = result.streams[0]!.proof!;
    assert.match(source.evidence, /parts of 1 file/);
    assert.deepEqual(
      [source.rows, stage.rows, target.rows, rejected!.unstaged],
      [lines.length, lines.length - 4, lines.length - 4, 4],
    );
    const letters = await lettersOf(folder);
    assert.deepEqual(
      letters.map(({ line, text }) => [line, text]).toSorted(([one], [other]) =>
        Number(one) - Number(other)
      ),
      [...bad].map((id) => [id + 1, `bad,${id}`]),
    );
  }));
