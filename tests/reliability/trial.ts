/** Runs that are killed, and runs that overlap; each is repeated until it says that it is done. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

export const MODES = ["append", "replace", "upsert", "incremental"] as const;
export const FILES = ["csv", "jsonl", "parquet", "folder"] as const;
export const TARGETS = ["postgres", "sqlite", ...FILES] as const;
export type Mode = (typeof MODES)[number];
export type TargetKind = (typeof TARGETS)[number];

/** A PostgreSQL database, and a way to ask it. */
export interface Database {
  readonly url: string;
  /** Rows as arrays of text, NULLs as empty text. */
  rows(sql: string): Promise<string[][]>;
}

export interface Case {
  readonly mode: Mode;
  readonly target: TargetKind;
  /** Whether the target has rows before. */
  readonly exists: boolean;
  /** Rows of the source. */
  readonly rows: number;
  /** Where source and target are, for a target in PostgreSQL. */
  readonly database: Database | undefined;
}

/** Files have no keys to upsert by. */
export function isPossible({ mode, target }: Pick<Case, "mode" | "target">): boolean {
  return mode !== "upsert" || !FILES.some((kind) => kind === target);
}

/** Exit codes that may be answered by running again. */
const AGAIN: readonly number[] = [6, 7, 137];
const MOST_RUNS = 40;

/** Where a run keeps what it was about to commit, beside its stage. */
const PENDING = ".s.pending.json";

let names = 0;

/** What a run that was killed, or that ended before, has told and left. */
export interface Ended {
  /** 0 when the run was done before the kill. */
  readonly code: number;
  /** Whether its result was written as succeeded: a caller knows, and does not repeat it. */
  readonly isTold: boolean;
  /** Whether the record of a load whose end is not known was left. */
  readonly isPending: boolean;
  /** Names in the folder of the pipeline's stages. */
  readonly left: readonly string[];
  /** Milliseconds from the sign to the end. */
  readonly ms: number;
}

/** How a target differs from what was expected. */
export class WrongTarget extends Error {
  constructor(readonly missing: number, readonly surplus: number) {
    super(`${missing} rows are missing, ${surplus} are too many`);
  }
}

/** A source, a target, and folders that the pipeline is run from. */
export class Trial {
  readonly #table = `t_${Deno.pid}_${names++}`;

  constructor(readonly folder: string, readonly settings: Case) {}

  /** Writes the source with its first tenth, loads it where the target is to exist, and adds the rest. */
  async prepare(): Promise<void> {
    const { exists, rows } = this.settings;
    const tenth = Math.floor(rows / 10);
    await this.#write(1, exists ? tenth : rows);
    if (!exists) return;
    const place = await this.place("before");
    assert.equal(await this.run(place), 0);
    await this.#write(tenth + 1, rows);
  }

  async #write(from: number, to: number): Promise<void> {
    const { database } = this.settings;
    const numbers = `generate_series(${from}, ${to})`;
    if (database !== undefined) {
      await database.rows(
        `CREATE TABLE IF NOT EXISTS ${this.#table}_source (id bigint PRIMARY KEY, v text)`,
      );
      await database.rows(
        `INSERT INTO ${this.#table}_source SELECT n, md5(n::text) FROM ${numbers} AS n`,
      );
      return;
    }
    using source = new DatabaseSync(join(this.folder, "source.db"));
    source.exec("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v TEXT)");
    source.exec(
      `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to})
       INSERT INTO t SELECT i, printf('%032x', i * 7919) FROM n`,
    );
  }

  /** A folder with the pipeline; runs in different ones share nothing but the target. */
  async place(name: string): Promise<string> {
    const place = join(this.folder, name);
    await Deno.mkdir(place, { recursive: true });
    await Deno.writeTextFile(join(place, "p.yaml"), JSON.stringify(this.#pipeline()));
    return place;
  }

  #pipeline() {
    const { mode, target, database } = this.settings;
    const source = database?.url ?? { provider: "sqlite", path: join(this.folder, "source.db") };
    const to = target === "postgres"
      ? database!.url
      : target === "sqlite"
      ? { provider: "sqlite", path: join(this.folder, "target.db") }
      : { provider: "local", path: join(this.folder, "out") };
    return {
      version: 1,
      name: "p",
      source,
      target: to,
      streams: [{
        id: "s",
        source: database === undefined ? "t" : `${this.#table}_source`,
        target: this.#targetName(),
        ...(mode === "incremental"
          ? { extract: { mode, watermark_field: "id" } }
          : { load: { mode, ...(mode === "upsert" ? { upsert_keys: ["id"] } : {}) } }),
      }],
    };
  }

  #targetName(): string {
    switch (this.settings.target) {
      case "postgres":
        return `${this.#table}_target`;
      case "sqlite":
        return "t";
      case "folder":
        return "t/";
      default:
        return `t.${this.settings.target}`;
    }
  }

  start(place: string, command = "run", ...more: string[]): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-prompt", "--no-check", "--v8-flags=--expose-gc", MAIN],
        ...[command, join(place, "p.yaml"), "-q", ...more],
      ],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async run(place: string, command?: string, ...more: string[]): Promise<number> {
    const { code, stderr } = await this.start(place, command, ...more).output();
    if (code !== 0 && !AGAIN.includes(code)) this.errors.push(new TextDecoder().decode(stderr));
    return code;
  }

  /** What runs said that failed otherwise than by another run. */
  readonly errors: string[] = [];

  /** Runs until it is done; returns the exit codes. */
  async repeat(place: string): Promise<number[]> {
    const codes: number[] = [];
    while (codes.at(-1) !== 0) {
      if (codes.length > 0) await new Promise((resolve) => setTimeout(resolve, 200));
      assert.ok(codes.length < MOST_RUNS, `never done: ${codes.join(" ")}`);
      codes.push(await this.run(place));
    }
    return codes;
  }

  /** Kills a run `ms` milliseconds after its stage began, or after its load was about to commit. */
  async kill(place: string, after: "stage" | "commit", ms: number): Promise<Ended> {
    const child = this.start(place);
    const output = child.output();
    let ended = false;
    output.finally(() => ended = true);
    const stages = join(place, ".dxt", "stage", "p");
    const sign = after === "stage" ? "s" : PENDING;
    while (!ended && !await exists(join(stages, sign))) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const seen = performance.now();
    await Promise.race([output, new Promise((resolve) => setTimeout(resolve, ms))]);
    try {
      child.kill("SIGKILL");
    } catch {
      // It was done before.
    }
    const { code, stdout } = await output;
    const left = await namesIn(stages);
    return {
      code,
      isTold: isSuccess(new TextDecoder().decode(stdout)),
      isPending: left.includes(PENDING),
      left,
      ms: performance.now() - seen,
    };
  }

  /**
   * Repeats a run as its caller would, who has heard of it or not; returns the exit codes. One that
   * was killed between its result and the removal of its record is repeated, too: nothing may be
   * loaded twice then.
   */
  async resume(place: string, { isTold, isPending }: Ended): Promise<number[]> {
    return isTold && !isPending ? [] : await this.repeat(place);
  }

  /**
   * Fails unless the target holds what the source has, `times` over, and nothing is left in places
   * whose last run ended by itself.
   *
   * @throws {WrongTarget} when rows are missing, or there more often
   */
  async check(times: number, places: readonly string[]): Promise<void> {
    const { exists: existed, rows, mode } = this.settings;
    const source = await this.#source();
    const tenth = Math.floor(rows / 10);
    const isRepeated = (row: string) =>
      mode === "append" && existed && Number(row.split(",")[0]) <= tenth;
    const surplus = new Map<string, number>();
    const count = (row: string, more: number) => surplus.set(row, (surplus.get(row) ?? 0) + more);
    for (const row of source) count(row, isRepeated(row) ? -times - 1 : -times);
    for (const row of await this.#target()) count(row, 1);
    const [missing, more] = [...surplus.values()].reduce(
      ([less, more], number) => number < 0 ? [less - number, more] : [less, more + number],
      [0, 0] as [number, number],
    );
    if (missing > 0 || more > 0) throw new WrongTarget(missing, more);
    for (const place of places) {
      assert.ok(!await exists(join(place, ".dxt")), "a stage or a lock was left");
    }
  }

  async #source(): Promise<string[]> {
    const { database } = this.settings;
    if (database === undefined) return sqliteRows(join(this.folder, "source.db"));
    return (await database.rows(`SELECT id, v FROM ${this.#table}_source`)).map(String);
  }

  async #target(): Promise<string[]> {
    const { target, database } = this.settings;
    if (target === "postgres") {
      return (await database!.rows(`SELECT id, v FROM ${this.#table}_target`)).map(String);
    }
    if (target === "sqlite") return sqliteRows(join(this.folder, "target.db"));
    const out = join(this.folder, "out");
    const name = this.#targetName();
    if (target === "csv") return linesOf(await Deno.readTextFile(join(out, name))).slice(1);
    if (target === "jsonl") {
      return linesOf(await Deno.readTextFile(join(out, name)))
        .map((line) => Object.values(JSON.parse(line)).join(","));
    }
    const csv = join(this.folder, `read-${names++}.csv`);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-prompt", "--no-check", "--v8-flags=--expose-gc", MAIN, "run", "-q"],
        ...["--from", target === "folder" ? `${out}/t/*` : join(out, name)],
        ...["--to", csv],
      ],
      // The stage of a run without a file lies in the working directory.
      cwd: this.folder,
      stdout: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const lines = linesOf(await Deno.readTextFile(csv)).slice(1);
    await Deno.remove(csv);
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { database } = this.settings;
    await database?.rows(`DROP TABLE IF EXISTS ${this.#table}_source, ${this.#table}_target`);
  }
}

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n");
}

function sqliteRows(path: string): string[] {
  using database = new DatabaseSync(path);
  return database.prepare("SELECT id, v FROM t").all().map(({ id, v }) => `${id},${v}`);
}

/** Whether a run has written its whole result, and says in it that all was moved. */
function isSuccess(stdout: string): boolean {
  try {
    return JSON.parse(stdout).status === "succeeded";
  } catch {
    return false;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
