/** Runs that are killed, and runs that overlap; each is repeated until it says that it is done. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
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

let names = 0;

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
      stdout: "null",
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

  /**
   * Kills a run `ms` milliseconds after its stage began, or after its load was about to commit.
   *
   * @returns its exit code: 0 when it was done before
   */
  async kill(place: string, after: "stage" | "commit", ms: number): Promise<number> {
    const child = this.start(place);
    const output = child.output();
    let ended = false;
    output.finally(() => ended = true);
    const stage = join(place, ".dxt", "stage", "p");
    const sign = after === "stage" ? "s" : ".s.pending.json";
    while (!ended && !await exists(join(stage, sign))) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await new Promise((resolve) => setTimeout(resolve, ms));
    try {
      child.kill("SIGKILL");
    } catch {
      // It was done before.
    }
    return (await output).code;
  }

  /** Fails unless the target holds what the source has, `times` over, and no stage is left. */
  async check(times: number, places: readonly string[]): Promise<void> {
    const { exists: existed, rows, mode } = this.settings;
    const source = (await this.#source()).sort();
    const tenth = Math.floor(rows / 10);
    const before = mode === "append" && existed
      ? source.filter((row) => Number(row.split(",")[0]) <= tenth)
      : [];
    const expected = [...before, ...Array.from({ length: times }, () => source).flat()].sort();
    const found = (await this.#target()).sort();
    assert.equal(found.length, expected.length, "lost or doubled");
    assert.equal(digest(found), digest(expected), "other rows");
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
    const csv = join(this.folder, `read-${names++}.csv`);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-prompt", "--no-check", "--v8-flags=--expose-gc", MAIN, "run", "-q"],
        ...["--from", target === "folder" ? `${out}/t/*` : join(out, this.#targetName())],
        ...["--to", csv],
      ],
      // The stage of a run without a file lies in the working directory.
      cwd: this.folder,
      stdout: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const lines = (await Deno.readTextFile(csv)).trimEnd().split("\n").slice(1);
    await Deno.remove(csv);
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { database } = this.settings;
    await database?.rows(`DROP TABLE IF EXISTS ${this.#table}_source, ${this.#table}_target`);
  }
}

function sqliteRows(path: string): string[] {
  using database = new DatabaseSync(path);
  return database.prepare("SELECT id, v FROM t").all().map(({ id, v }) => `${id},${v}`);
}

function digest(rows: readonly string[]): string {
  return createHash("sha256").update(rows.join("\n")).digest("hex");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
