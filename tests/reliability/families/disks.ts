/**
 * The disk fills up while a run writes: the error names the place, the earlier stage and target are complete, and the
 * run succeeds once there is room.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Calls, whyNotCounted } from "../calls.ts";
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";
import { type Case, type Trial, withTrial } from "../trial.ts";

/** Sizes of the disk. */
const COUNT = 10;
const ROWS = 6000;
/** Files with which a short suite fills the disk, once each. */
const SHORT: ReadonlySet<string> = new Set(["staged file", "dead letters", "CSV target", "log"]);
/** Values of the rows of the target, of the kept stage, and of the run that finds the disk full. */
const [OLD, STAGED, NEW] = ["v-old", "v-staged", "v-new"];
/** Milliseconds within which a run ends. */
const BOUND = 60_000;

export const DISKS: Family = {
  name: "disks",
  title: "disk full while staging, committing, logging, or writing the target",
  whyMissing: whyNotCounted,
  run,
};

/** One kind of file that a run writes. */
interface Written {
  /** How the paths of these files begin, in the folder of the pipeline. */
  readonly path: string;
  /** How the error names what could not be written. */
  readonly names: RegExp;
  readonly target: Case["target"];
  /** Command and options of dxt. */
  readonly words: readonly string[];
  /** Whether the run goes on without the file, and only warns. */
  readonly isOptional?: true;
  /** Whether the target refuses every second row, which becomes a dead letter. */
  readonly rejects?: true;
}

const FILES: Readonly<Record<string, Written>> = {
  "staged file": {
    path: ".dxt/stage/p/s/files-",
    names: /a\/\.dxt\/stage\/p\/s\/files-/,
    target: "csv",
    words: ["extract"],
  },
  "manifest": {
    path: ".dxt/stage/p/s/.manifest",
    names: /a\/\.dxt\/stage\/p\/s\/\.manifest/,
    target: "csv",
    words: ["extract"],
  },
  "dead letters": {
    path: ".dxt/dead_letters",
    names: /a\/\.dxt\/dead_letters/,
    target: "sqlite",
    words: ["run"],
    rejects: true,
  },
  "CSV target": { path: "../out/", names: /"t\.csv"/, target: "csv", words: ["run"] },
  "Parquet target": { path: "../out/", names: /"t\.parquet"/, target: "parquet", words: ["run"] },
  "folder of files": { path: "../out/", names: /write "t"/, target: "folder", words: ["run"] },
  "SQLite target": {
    path: "../target.db",
    names: /\/target\.db/,
    target: "sqlite",
    words: ["run"],
  },
  "log": {
    path: "logs/",
    names: /a\/logs\/l\.jsonl/,
    target: "csv",
    words: ["run", "--log-file", "logs/l.jsonl"],
    isOptional: true,
  },
  "receipt": {
    path: "receipts/",
    names: /the receipt/,
    target: "csv",
    words: ["run", "--receipts", "receipts"],
    isOptional: true,
  },
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  const calls = await Calls.compile(scope.folder);
  for (const [name, written] of Object.entries(FILES)) {
    if (scope.isShort && !SHORT.has(name)) continue;
    const bytes = await attempt(written, calls, scope);
    for (let number = 0; number < (scope.isShort ? 1 : COUNT); number++) {
      // From the first byte to nearly all: times and ids make some runs a few bytes shorter.
      const part = scope.isShort ? Math.random() : number / (COUNT - 1);
      const size = 1 + Math.floor(0.98 * bytes * part);
      yield await observe(
        DISKS.name,
        `${name}: full after ${size} of ${bytes} bytes`,
        () => fill(written, size, calls, scope),
      );
    }
  }
}

/** Runs with enough room. Returns the number of bytes that were written. */
function attempt(written: Written, calls: Calls, scope: Scope): Promise<number> {
  return withWritten(written, scope, async (trial, place, execute) => {
    const bytes = await calls.fill(join(place, written.path), async (env) => {
      const { code, errors } = await execute(env);
      assert.equal(code, 0, errors);
    });
    assert.ok(bytes > 0, `nothing was written to ${written.path}`);
    if (written.words[0] === "extract") assert.equal(await trial.run(place), 0);
    await check(trial, [NEW]);
    return bytes;
  });
}

function fill(written: Written, size: number, calls: Calls, scope: Scope): Promise<string> {
  return withWritten(written, scope, async (trial, place, execute) => {
    let ended = { code: 0, errors: "" };
    await calls.fill(join(place, written.path), async (env) => ended = await execute(env), size);
    const { code, errors } = ended;
    assert.match(errors, /disk is full|[Nn]o space|database or disk is full/, `exit code ${code}`);
    assert.doesNotMatch(errors, /\n\s+at /, "a stack trace was printed");
    assert.match(errors, written.names);
    if (written.isOptional === true && code === 0) {
      await check(trial, [NEW]);
      return `0, ${errors.trim()}`;
    }
    assert.ok(code === 1 || code === 2 && written.isOptional === true, `${code}: ${errors}`);
    await check(trial, [OLD]);
    if (written.words[0] === "extract") {
      assert.equal(await trial.run(place, {}, ["load"]), 0, trial.errors.join());
      await check(trial, [STAGED]);
    }
    assert.equal((await execute({})).code, 0, "the run does not succeed once there is room");
    if (written.words[0] === "extract") assert.equal(await trial.run(place, {}, ["load"]), 0);
    await check(trial, [NEW]);
    return `${code}, ${errors.trim()}`;
  });
}

type Execute = (
  env: Readonly<Record<string, string>>,
) => Promise<{ readonly code: number; readonly errors: string }>;

/** A target with old rows, in a pipeline's folder a stage with others, and a source with new ones. */
function withWritten<T>(
  { target, words, rejects }: Written,
  scope: Scope,
  work: (trial: Trial, place: string, execute: Execute) => Promise<T>,
): Promise<T> {
  const settings: Case = {
    ...{ source: "csv", target, mode: "replace", exists: false, rows: ROWS },
    ...(rejects === undefined
      ? {}
      : { stream: { error_handling: { on_load_error: "skip", max_errors: "100%" } } }),
  };
  return withTrial(settings, scope, async (trial) => {
    const place = await trial.place("a");
    await trial.replaceSource(OLD);
    assert.equal(await trial.run(place), 0, trial.errors.join());
    if (rejects === true) refuseHalf(join(trial.folder, "target.db"));
    if (words[0] === "extract") {
      await trial.replaceSource(STAGED);
      assert.equal(await trial.run(place, {}, ["extract"]), 0, trial.errors.join());
    }
    await trial.replaceSource(NEW);
    const execute: Execute = async (env) => {
      const start = performance.now();
      const options = words.map((word) => /^(logs|receipts)/.test(word) ? join(place, word) : word);
      const { code, stderr, stdout } = await trial.start(place, env, options).output();
      const ms = performance.now() - start;
      if (ms > BOUND) throw new Fault("hung", `the run took ${Math.round(ms)} ms`);
      // With --quiet an error is in the result.
      return { code, errors: [stderr, stdout].map((bytes) => DECODER.decode(bytes)).join("\n") };
    };
    return await work(trial, place, execute);
  });
}

const DECODER = new TextDecoder();

/** Makes a table refuse every second row. */
function refuseHalf(path: string): void {
  using database = new DatabaseSync(path);
  database.exec(
    `CREATE TRIGGER refuse BEFORE INSERT ON t WHEN NEW.id % 2 = 0
     BEGIN SELECT raise(ABORT, 'even'); END`,
  );
}

/** Fails unless all rows of the target have one of the values, as a reader sees them. */
async function check(trial: Trial, [wanted]: readonly string[]): Promise<void> {
  const values = await trial.readValues() ?? [];
  const found = [...new Set(values)];
  if (values.length > 0 && found.length === 1 && found[0] === wanted) return;
  throw new Fault("mixed", `${values.length} rows, ${found.join(" and ")}, expected ${wanted}`);
}
