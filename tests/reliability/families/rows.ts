/**
 * Rows that break a constraint of the target, at random places among good ones: all good rows are loaded, all bad
 * ones become dead letters, none is in both or twice.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { listLetters, readLetters } from "../../../src/integrity/dead_letters.ts";
import type { DeadLetter } from "../../../src/models/stored.ts";
import { run as runPipeline } from "../../support/run.ts";
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";
import { SQL_PLACES, type SQLPlace } from "../places.ts";

const ROWS = 1_000_000;
const SHORT_ROWS = 20_000;
/** Bad rows among them. */
const COUNTS = [1, 10, 1000] as const;
const SHORT_COUNTS = [1, 10] as const;

export const BAD_ROWS: Family = {
  name: "rows",
  title: "rows that break a constraint, among good ones",
  run,
};

/** How a row breaks a kind of constraint, and what its dead letter says. */
interface Broken {
  readonly set: string;
  readonly kind: DeadLetter["kind"];
}

const KINDS: Readonly<Record<string, Broken>> = {
  "NOT NULL": { set: "n = NULL", kind: "null" },
  "CHECK": { set: "n = 1000", kind: "check" },
  "UNIQUE": { set: "id = 1", kind: "unique" },
  "foreign key": { set: "parent = 77", kind: "foreign key" },
  "length": { set: "word = 'a word of more than twenty letters'", kind: "value" },
  "trigger": { set: "word = 'refused'", kind: "trigger" },
  "type": { set: "day = 'soon'", kind: "value" },
};

/** SQLite has no lengths, and its days are numbers here. */
const columns = (day: string, word: string) => `
  r BIGINT NOT NULL, id BIGINT NOT NULL PRIMARY KEY, n INT NOT NULL CHECK (n < 1000),
  parent BIGINT, word ${word}, day ${day}, FOREIGN KEY (parent) REFERENCES bad_parents (id)`;
const PARENTS = [
  "CREATE TABLE bad_parents (id BIGINT NOT NULL PRIMARY KEY)",
  "INSERT INTO bad_parents VALUES (0), (1), (2)",
];

/** Statements that make an empty table with a constraint of each kind. */
const TABLES: Readonly<Record<SQLPlace, readonly string[]>> = {
  postgres: [
    "DROP TABLE IF EXISTS bad_rows, bad_parents",
    ...PARENTS,
    `CREATE TABLE bad_rows (${columns("date", "varchar(20)")})`,
    `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE EXCEPTION 'refused'; END$$`,
    `CREATE TRIGGER refuse AFTER INSERT ON bad_rows FOR EACH ROW
      WHEN (NEW.word = 'refused') EXECUTE FUNCTION refuse()`,
  ],
  mysql: [
    "DROP TABLE IF EXISTS bad_rows",
    "DROP TABLE IF EXISTS bad_parents",
    ...PARENTS,
    `CREATE TABLE bad_rows (${columns("date", "varchar(20)")})`,
    `CREATE TRIGGER refuse AFTER INSERT ON bad_rows FOR EACH ROW
      IF NEW.word = 'refused' THEN SIGNAL SQLSTATE '45000'; END IF`,
  ],
  sqlite: [
    "DROP TABLE IF EXISTS bad_rows",
    "DROP TABLE IF EXISTS bad_parents",
    ...PARENTS.map((sql) => sql.replace("BIGINT", "INTEGER")),
    `CREATE TABLE bad_rows (${
      columns("INTEGER", "TEXT CHECK (length(word) <= 20)").replaceAll("BIGINT", "INTEGER")
    }) STRICT`,
    `CREATE TRIGGER refuse BEFORE INSERT ON bad_rows WHEN NEW.word = 'refused'
      BEGIN SELECT raise(ABORT, 'refused'); END`,
  ],
};
const kindAt = (system: SQLPlace, name: string) =>
  system === "sqlite" && name === "length" ? "check" : KINDS[name]!.kind;

async function* run(scope: Scope): AsyncIterable<Outcome> {
  const rows = scope.isShort ? SHORT_ROWS : ROWS;
  const names = Object.keys(KINDS);
  for (const [i, system] of SQL_PLACES.entries()) {
    const target = openTarget(system, scope);
    if (target === undefined) continue;
    const source = writeSource(join(scope.folder, `${system}_bad_source.db`), rows, system);
    // With few cases, each system gets others.
    const cases = scope.isShort
      ? SHORT_COUNTS.map((count, at) => ({
        count,
        name: names[(i * SHORT_COUNTS.length + at) % names.length]!,
      }))
      : names.flatMap((name) => COUNTS.map((count) => ({ count, name })));
    let clean = NaN;
    yield await observe(BAD_ROWS.name, `${system}: no bad rows of ${rows}`, async () => {
      clean = await load({ system, target, source, rows, bad: [] }, scope);
      return `${clean} ms`;
    });
    for (const { name, count } of cases) {
      yield await observe(
        BAD_ROWS.name,
        `${system}: ${name}, ${count} of ${rows}`,
        () =>
          breakRows(source, rows, count, KINDS[name]!.set, async (bad) => {
            const kind = kindAt(system, name);
            const ms = await load({ system, target, source, rows, bad, kind }, scope);
            const ratio = (ms / clean).toFixed(2);
            return `${ms} ms, without bad rows ${clean} ms, ${ratio} times`;
          }),
      );
    }
  }
}

interface Target {
  /** As the pipeline has it. */
  readonly endpoint: object;
  execute(sql: string): Promise<string[][]>;
}

function openTarget(system: SQLPlace, { folder, systems }: Scope): Target | undefined {
  if (system === "sqlite") {
    const path = join(folder, "bad_target.db");
    return {
      endpoint: { provider: "sqlite", path },
      execute: (sql) =>
        Promise.try(() => {
          using database = new DatabaseSync(path);
          return database.prepare(sql).all().map((row) => Object.values(row).map(String));
        }),
    };
  }
  const database = systems[system];
  return database === undefined
    ? undefined
    : { endpoint: { url: database.url, sslmode: "disable" }, execute: database.rows };
}

/** Writes a database with good rows; returns its path. */
function writeSource(path: string, rows: number, system: SQLPlace): string {
  using source = new DatabaseSync(path);
  const day = system === "sqlite" ? "'20260301'" : "'2026-03-01'";
  source.exec(`
    CREATE TABLE t (r INTEGER, id INTEGER, n INTEGER, parent INTEGER, word TEXT, day TEXT);
    WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < ${rows})
    INSERT INTO t SELECT i, i, i % 1000, i % 3, 'w' || i, ${day} FROM i`);
  return path;
}

/** Calls `work` while rows of the source are bad: any of them but the first. */
async function breakRows<T>(
  path: string,
  rows: number,
  count: number,
  set: string,
  work: (bad: readonly number[]) => Promise<T>,
): Promise<T> {
  const bad = new Set<number>();
  while (bad.size < count) bad.add(2 + Math.floor(Math.random() * (rows - 1)));
  const list = [...bad].join(", ");
  const update = (sql: string) => {
    using source = new DatabaseSync(path);
    source.exec(sql);
  };
  update(`CREATE TABLE kept AS SELECT * FROM t WHERE r IN (${list});
    UPDATE t SET ${set} WHERE r IN (${list})`);
  try {
    return await work([...bad]);
  } finally {
    update(`UPDATE t SET (id, n, parent, word, day) =
        (SELECT id, n, parent, word, day FROM kept WHERE kept.r = t.r) WHERE r IN (${list});
      DROP TABLE kept`);
  }
}

interface Load {
  readonly system: SQLPlace;
  readonly target: Target;
  readonly source: string;
  readonly rows: number;
  /** Numbers of the bad rows. */
  readonly bad: readonly number[];
  readonly kind?: DeadLetter["kind"];
}

/** Loads into an empty table, and checks what became of each row. Returns the milliseconds of the run. */
async function load(
  { system, target, source, rows, bad, kind }: Load,
  scope: Scope,
): Promise<number> {
  const folder = await Deno.makeTempDir({ dir: scope.folder });
  for (const sql of TABLES[system]) await target.execute(sql);
  const result = await runPipeline(folder, {
    version: 1,
    name: "p",
    source: { provider: "sqlite", path: source },
    target: target.endpoint,
    streams: [{
      ...{ id: "s", source: "t", target: "bad_rows", load: { mode: "append", lossy: "accept" } },
      error_handling: { on_load_error: "skip", max_errors: Math.max(1, bad.length) },
    }],
  });
  const [stream] = result.streams;
  assert.equal(result.status, "succeeded", stream?.error?.message);
  const reasons = bad.length === 0 ? undefined : { [kind!]: bad.length };
  assert.deepEqual(stream!.proof?.rejected?.reasons, reasons);
  const letters = await readRejected(folder);
  compare("dead letters", letters, bad);
  const [found] = await target.execute(
    "SELECT count(*) AS a, count(DISTINCT r) AS b, coalesce(sum(r), 0) AS c FROM bad_rows",
  );
  const [count, distinct, sum] = found!.map(Number);
  const good = rows - bad.length;
  if (distinct! < good) throw new Fault("lost", `${good - distinct!} good rows were not loaded`);
  if (count! > good) throw new Fault("doubled", `${count! - good} rows are too many`);
  const wanted = rows * (rows + 1) / 2 - bad.reduce((total, row) => total + row, 0);
  assert.equal(sum, wanted, "other rows than the good ones were loaded");
  await Deno.remove(folder, { recursive: true });
  return result.duration_ms;
}

/** Numbers of the rows in all dead letters. */
async function readRejected(folder: string): Promise<number[]> {
  const files = await listLetters(join(folder, ".dxt", "dead_letters", "p", "s"));
  const letters = await Promise.all(files.map(({ path }) => Array.fromAsync(readLetters(path))));
  return letters.flat().map(({ record }) => Number(record!["r"]));
}

function compare(where: string, found: readonly number[], wanted: readonly number[]): void {
  const missing = new Set(wanted).difference(new Set(found)).size;
  if (missing > 0) throw new Fault("lost", `${missing} bad rows are not in the ${where}`);
  if (found.length > wanted.length) {
    throw new Fault("doubled", `${found.length - wanted.length} rows are too many in the ${where}`);
  }
}
