/** Runs that are killed, and runs that overlap; each is repeated until it says that it is done. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import parquet from "../../src/formats/parquet/parquet.ts";
import { inputOf, readAll } from "../formats/json/support.ts";
import { Fault, type Scope } from "./outcome.ts";
import { type Database, NO_SYSTEMS, type Systems } from "./systems.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

export const MODES = ["append", "replace", "upsert", "incremental"] as const;
export const FILES = ["csv", "jsonl", "parquet", "folder"] as const;
export const SOURCES = ["postgres", "sqlite", "csv"] as const;
export const TARGETS = ["postgres", "mysql", "sqlite", ...FILES] as const;
export type Mode = (typeof MODES)[number];
export type SourceKind = (typeof SOURCES)[number];
export type TargetKind = (typeof TARGETS)[number];

export interface Case {
  readonly mode: Mode;
  readonly source: SourceKind;
  readonly target: TargetKind;
  /** Whether the target has rows before. */
  readonly exists: boolean;
  /** Rows of the source. */
  readonly rows: number;
  /** More keys of the stream. */
  readonly stream?: Readonly<Record<string, unknown>>;
}

/** Whether the systems are there and support the mode: files have no keys to upsert by. */
export function isPossible(
  { mode, source, target }: Pick<Case, "mode" | "source" | "target">,
  systems: Systems,
): boolean {
  const isFile = FILES.some((kind) => kind === target);
  const needed = [source, target].filter((kind) => kind === "postgres" || kind === "mysql");
  return (mode !== "upsert" || !isFile) && needed.every((kind) => systems[kind] !== undefined);
}

/** Every mode and target that is possible, each with a source. */
export function listCases(systems: Systems): Pick<Case, "mode" | "source" | "target">[] {
  const cases = MODES.flatMap((mode) => TARGETS.map((target) => ({ mode, target })));
  return cases.map((one, i) => ({ ...one, source: SOURCES[i % SOURCES.length]! }))
    .filter((one) => isPossible(one, systems));
}

/** A case in a few words. */
export function describeCase({ mode, source, target, exists }: Case): string {
  return `${source} → ${exists ? "existing" : "new"} ${target}, ${mode}`;
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

/** A proxy, and keys of the connection that leads to it. */
export interface Through {
  readonly port: number;
  readonly keys: Readonly<Record<string, unknown>>;
}

/** Prepares a trial in a folder of its own, which is removed unless `work` throws. */
export async function withTrial<T>(
  settings: Case,
  { folder, systems }: Scope,
  work: (trial: Trial) => Promise<T>,
): Promise<T> {
  const own = await Deno.makeTempDir({ dir: folder });
  await using trial = new Trial(own, settings, systems);
  await trial.prepare();
  const result = await work(trial);
  await Deno.remove(own, { recursive: true });
  return result;
}

/** A source, a target, and folders that the pipeline is run from. */
export class Trial {
  readonly #table = `t_${Deno.pid}_${names++}`;

  constructor(
    readonly folder: string,
    readonly settings: Case,
    private readonly systems: Systems = NO_SYSTEMS,
  ) {}

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
    const recursive =
      `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to})`;
    switch (this.settings.source) {
      case "postgres": {
        const { rows } = this.#database("postgres");
        const table = `${this.#table}_source`;
        await rows(`CREATE TABLE IF NOT EXISTS ${table} (id bigint PRIMARY KEY, v text)`);
        await rows(
          `INSERT INTO ${table} SELECT n, md5(n::text) FROM generate_series(${from}, ${to}) AS n`,
        );
        return;
      }
      case "sqlite": {
        using source = new DatabaseSync(join(this.folder, "source.db"));
        source.exec("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v TEXT)");
        source.exec(`${recursive} INSERT INTO t SELECT i, printf('%032x', i * 7919) FROM n`);
        return;
      }
      case "csv": {
        const lines = Array.from({ length: to - from + 1 }, (_, i) => {
          const id = from + i;
          return `${id},v${(id * 7919).toString(16).padStart(31, "0")}\n`;
        });
        const header = from === 1 ? "id,v\n" : "";
        await Deno.writeTextFile(join(this.folder, "source.csv"), header + lines.join(""), {
          append: true,
        });
      }
    }
  }

  /** Replaces the CSV source by as many rows that all have this value. */
  async replaceSource(value: string): Promise<void> {
    const lines = Array.from({ length: this.settings.rows }, (_, i) => `${i + 1},${value}\n`);
    await Deno.writeTextFile(join(this.folder, "source.csv"), `id,v\n${lines.join("")}`);
  }

  /** Values of the target's rows; undefined in the moment in which a folder has no name. */
  async readValues(): Promise<string[] | undefined> {
    try {
      const rows = await this.#target();
      const isGone = this.settings.target === "folder" && rows.length === 0;
      return isGone ? undefined : rows.map((row) => row.slice(row.indexOf(",") + 1));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  #database(kind: "postgres" | "mysql"): Database {
    const database = this.systems[kind];
    assert.ok(database, `${kind} is not there`);
    return database;
  }

  /** A folder with the pipeline; runs in different ones share nothing but the target. */
  async place(name: string): Promise<string> {
    const place = join(this.folder, name);
    await Deno.mkdir(place, { recursive: true });
    await Deno.writeTextFile(join(place, "p.yaml"), JSON.stringify(this.#pipeline()));
    return place;
  }

  #pipeline() {
    const { mode } = this.settings;
    return {
      version: 1,
      name: "p",
      source: this.#endpoint(this.settings.source, "source.db", this.folder),
      target: this.#endpoint(this.settings.target, "target.db", join(this.folder, "out")),
      streams: [{
        id: "s",
        source: this.#sourceName(),
        target: this.#targetName(),
        ...(mode === "incremental"
          ? { extract: { mode, watermark_field: "id" } }
          : { load: { mode, ...(mode === "upsert" ? { upsert_keys: ["id"] } : {}) } }),
        ...this.settings.stream,
      }],
    };
  }

  /** The connection of a kind of system. */
  #endpoint(kind: SourceKind | TargetKind, database: string, folder: string) {
    if (kind === "postgres" || kind === "mysql") {
      const url = new URL(this.#database(kind).url);
      const { port, keys } = this.through[kind] ?? {};
      if (port !== undefined) url.port = String(port);
      return { url: url.href, ...keys };
    }
    return kind === "sqlite"
      ? { provider: "sqlite", path: join(this.folder, database) }
      : { provider: "local", path: folder };
  }

  /** Proxies that the pipeline connects to in place of the servers, and keys of the connection. */
  readonly through: { postgres?: Through; mysql?: Through } = {};

  #sourceName(): string {
    const { source } = this.settings;
    return source === "postgres" ? `${this.#table}_source` : source === "csv" ? "source.csv" : "t";
  }

  #targetName(): string {
    switch (this.settings.target) {
      case "postgres":
      case "mysql":
        return `${this.#table}_target`;
      case "sqlite":
        return "t";
      case "folder":
        return "t/";
      default:
        return `t.${this.settings.target}`;
    }
  }

  /**
   * @param env variables besides the process's own
   * @param words command and options of dxt
   */
  start(
    place: string,
    env: Readonly<Record<string, string>> = {},
    [command = "run", ...options]: readonly string[] = [],
  ): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-prompt", "--no-check", "--v8-flags=--expose-gc", MAIN],
        ...[command, join(place, "p.yaml"), ...options, "-q"],
      ],
      env,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** As {@linkcode start}; returns the exit code. */
  async run(
    place: string,
    env?: Readonly<Record<string, string>>,
    words?: readonly string[],
  ): Promise<number> {
    const { code, stderr } = await this.start(place, env, words).output();
    if (code !== 0 && !AGAIN.includes(code)) this.errors.push(new TextDecoder().decode(stderr));
    return code;
  }

  /** What runs said that failed otherwise than by another run. */
  readonly errors: string[] = [];

  /** Runs until it is done; returns the exit codes. */
  async repeat(place: string): Promise<number[]> {
    const codes: number[] = [];
    while (codes.at(-1) !== 0) {
      if (codes.length > 0) await delay(200);
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
    const sign = join(stagesOf(place), after === "stage" ? "s" : PENDING);
    while (!ended && !await exists(sign)) await delay(1);
    const seen = performance.now();
    await Promise.race([output, delay(ms)]);
    try {
      child.kill("SIGKILL");
    } catch {
      // It was done before.
    }
    return { ...await readEnd(place, await output), ms: performance.now() - seen };
  }

  /** Runs once, whatever becomes of it. */
  async runToEnd(place: string, env: Readonly<Record<string, string>>): Promise<Ended> {
    const start = performance.now();
    const output = await this.start(place, env).output();
    return { ...await readEnd(place, output), ms: performance.now() - start };
  }

  /**
   * Repeats a run as its caller would, who has heard of it or not; returns the exit codes. One that
   * was killed between its result and the removal of its record is repeated, too: nothing may be
   * loaded twice then.
   */
  async resume(
    place: string,
    { isTold, isPending }: Pick<Ended, "isTold" | "isPending">,
  ): Promise<number[]> {
    return isTold && !isPending ? [] : await this.repeat(place);
  }

  /**
   * Fails unless the target holds what the source has, `times` over, and nothing is left in places
   * whose last run ended by itself.
   *
   * @throws {Fault} when rows are missing, or there more often
   */
  async check(times: number, places: readonly string[]): Promise<void> {
    const { missing, surplus } = await this.#compare(await this.#target(), times);
    if (missing > 0) throw new Fault("lost", `${missing} rows are missing, ${surplus} too many`);
    if (surplus > 0) throw new Fault("doubled", `${surplus} rows are too many`);
    for (const place of places) {
      assert.ok(!await exists(join(place, ".dxt")), "a stage or a lock was left");
    }
  }

  /**
   * Fails unless the target is as before the run or as after it.
   *
   * @throws {Fault} when a reader sees neither
   */
  async checkView(): Promise<"old" | "new"> {
    const rows = await this.#target();
    const [before, after] = [await this.#compare(rows, 0), await this.#compare(rows, 1)];
    if (after.missing + after.surplus === 0) return "new";
    if (before.missing + before.surplus === 0) return "old";
    throw new Fault("mixed", `${rows.length} rows are neither the old nor the new ones`);
  }

  /** @param times how often the rows of the source were loaded; 0: the target is as before */
  async #compare(target: readonly string[], times: number) {
    const source = await this.#source();
    const { exists: existed, rows, mode } = this.settings;
    const tenth = Math.floor(rows / 10);
    const wanted = (row: string) => {
      const isOld = existed && Number(row.split(",")[0]) <= tenth;
      if (times === 0) return isOld ? 1 : 0;
      return mode === "append" && isOld ? times + 1 : times;
    };
    const surplus = new Map<string, number>();
    const count = (row: string, more: number) => surplus.set(row, (surplus.get(row) ?? 0) + more);
    for (const row of source) count(row, -wanted(row));
    for (const row of target) count(row, 1);
    const numbers = [...surplus.values()];
    return {
      missing: numbers.reduce((sum, number) => sum + Math.max(0, -number), 0),
      surplus: numbers.reduce((sum, number) => sum + Math.max(0, number), 0),
    };
  }

  async #source(): Promise<string[]> {
    switch (this.settings.source) {
      case "postgres":
        return await this.#readTable("postgres", `${this.#table}_source`);
      case "sqlite":
        return sqliteRows(join(this.folder, "source.db"));
      case "csv":
        return linesOf(await Deno.readTextFile(join(this.folder, "source.csv"))).slice(1);
    }
  }

  /** Rows of a table; none if it does not exist. */
  async #readTable(kind: "postgres" | "mysql", table: string): Promise<string[]> {
    const { rows } = this.#database(kind);
    const found = await rows(
      `SELECT 1 FROM information_schema.tables WHERE table_name = '${table}'`,
    );
    return found.length === 0 ? [] : (await rows(`SELECT id, v FROM ${table}`)).map(String);
  }

  /** Rows of the target; none if it does not exist. */
  async #target(): Promise<string[]> {
    const { target } = this.settings;
    const name = this.#targetName();
    if (target === "postgres" || target === "mysql") return await this.#readTable(target, name);
    if (target === "sqlite") return sqliteRows(join(this.folder, "target.db"));
    const path = join(this.folder, "out", name);
    if (!await exists(path)) return [];
    if (target === "csv") return linesOf(await Deno.readTextFile(path)).slice(1);
    if (target === "jsonl") {
      return linesOf(await Deno.readTextFile(path))
        .map((line) => Object.values(JSON.parse(line)).join(","));
    }
    const files = target === "folder"
      ? (await namesIn(path)).filter((file) => !file.startsWith(".")).map((file) =>
        join(path, file)
      )
      : [path];
    return (await Promise.all(files.map(readParquet))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { postgres, mysql } = this.systems;
    await postgres?.rows(`DROP TABLE IF EXISTS ${this.#table}_source, ${this.#table}_target`);
    await mysql?.rows(`DROP TABLE IF EXISTS ${this.#table}_target`);
  }
}

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n");
}

async function readParquet(path: string): Promise<string[]> {
  const fields = [
    { name: "id", dtype: "int64", nullable: true },
    { name: "v", dtype: "string", nullable: true },
  ] as const;
  const records = await readAll(parquet, inputOf(await Deno.readFile(path)), fields);
  return records.map(({ id, v }) => `${id},${v}`);
}

/** Rows of table "t"; none if it, or the file, does not exist. */
function sqliteRows(path: string): string[] {
  if (!existsSync(path)) return [];
  using database = new DatabaseSync(path, { timeout: 10_000 });
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 't'").get() === undefined) {
    return [];
  }
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

const stagesOf = (place: string) => join(place, ".dxt", "stage", "p");

/** What a run that ended has told and left. */
async function readEnd(
  place: string,
  { code, stdout }: Deno.CommandOutput,
): Promise<Omit<Ended, "ms">> {
  const left = await namesIn(stagesOf(place));
  return {
    code,
    isTold: isSuccess(new TextDecoder().decode(stdout)),
    isPending: left.includes(PENDING),
    left,
  };
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
