/**
 * Values change between the stage and the proof of a load, and bytes of a stage are flipped: each must be noticed
 * by `verify: full`, and nothing may be loaded.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { VerificationError } from "../../../src/core/errors.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import type { Format } from "../../../src/models/format.ts";
import type { VerifyLevel } from "../../../src/models/stream.ts";
import { run as runPipeline, runWell } from "../../support/run.ts";
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";
import { openPlace, type Place, type PlaceName } from "../places.ts";
import { type Change, withTampering } from "../tampering.ts";

const COUNT = 100;
const SHORT_COUNT = 2;
/** Rows of a load. */
const ROWS = 40;

export const VALUES: Family = {
  name: "values",
  title: "a byte of a stage flipped, or a value or row of the target changed, before the proof",
  run,
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  yield* tamperWithTargets(scope);
  yield* flipStages(scope);
}

const TARGETS: readonly PlaceName[] = ["postgres", "mysql", "sqlite", "parquet", "csv"];
/** The highest level comes first: a load that it stops leaves the target as it was. */
const LEVELS: readonly VerifyLevel[] = ["full", "aggregates", "counts"];
/** MySQL compares only the counts of an append to a table with rows. */
const APPENDS: ReadonlySet<PlaceName> = new Set(["postgres", "sqlite", "parquet", "csv"]);

const FIELDS: readonly Field[] = [
  { name: "id", dtype: "int64", nullable: true },
  { name: "n", dtype: "int32", nullable: true },
  { name: "amount", dtype: "decimal", precision: 12, scale: 2, nullable: true },
  { name: "word", dtype: "string", nullable: true },
  { name: "day", dtype: "date", nullable: true },
];

function makeRecord(id: number): DXTRecord {
  return {
    id: BigInt(id),
    n: id * 7919 % 1000,
    amount: `${id * 31 % 500}.${String(id % 100).padStart(2, "0")}`,
    word: `w${"x".repeat(id % 5)}${id}`,
    day: new Temporal.PlainDate(2026, 1, 1).add({ days: id }),
  };
}

type Named = readonly DXTRecord[];
const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;

/** Fields whose values a fault changes. */
const CHANGED = ["n", "amount", "word", "day"] as const;

/** Changes some of the rows that a load wrote. */
const FAULTS: Readonly<Record<string, (rows: Named) => Change[]>> = {
  "a value changed": (rows) => {
    const row = pick(rows);
    const name = pick(CHANGED);
    return [{ kind: "set", id: row["id"] as bigint, values: { [name]: changeValue(row, name) } }];
  },
  "a row deleted": (rows) => [{ kind: "delete", id: pick(rows)["id"] as bigint }],
  "a row doubled": (rows) => [{ kind: "double", id: pick(rows)["id"] as bigint }],
  "two values exchanged": (rows) => {
    const name = pick(CHANGED);
    const one = pick(rows);
    const other = pick(rows.filter((row) => String(row[name]) !== String(one[name])));
    return [[one, other], [other, one]].map(([to, from]) => ({
      kind: "set",
      id: to!["id"] as bigint,
      values: { [name]: from![name]! },
    }));
  },
};

/** Returns NULL or another value; half of the other texts have the same length. */
function changeValue(row: DXTRecord, name: (typeof CHANGED)[number]): DXTRecord[string] {
  const value = row[name]!;
  if (Math.random() < 0.2) return null;
  if (value instanceof Temporal.PlainDate) return value.add({ days: 1 });
  if (typeof value === "number") return value + 1;
  if (name === "amount") return (Number(value) + 0.01).toFixed(2);
  return Math.random() < 0.5 ? `${value}!` : `v${String(value).slice(1)}`;
}

async function* tamperWithTargets(scope: Scope): AsyncIterable<Outcome> {
  for (const target of TARGETS) {
    await using place = await openPlace(target, scope);
    if (place === undefined) continue;
    for (const [fault, makeChanges] of Object.entries(FAULTS)) {
      for (let number = 0; number < (scope.isShort ? SHORT_COUNT : COUNT); number++) {
        const mode = number % 2 === 1 && APPENDS.has(target) ? "append" : "replace";
        const noticed: VerifyLevel[] = [];
        const outcome = await observe(
          VALUES.name,
          `${target}, ${mode}: ${fault}, ${number}`,
          () => tamper(place, mode, makeChanges, noticed),
        );
        yield { ...outcome, proof: { target, fault, noticed } };
      }
    }
  }
}

/** Breaks a load of each level; adds those that noticed it to `noticed`. */
async function tamper(
  { trial, ...place }: Place,
  mode: "append" | "replace",
  makeChanges: (rows: Named) => Change[],
  noticed: VerifyLevel[],
): Promise<string> {
  const table = "values_case";
  const records = (from: number) => Array.from({ length: ROWS }, (_, i) => makeRecord(from + i));
  const rows = records(1000);
  const changes = makeChanges(rows);
  await trial.load(table, FIELDS, records(1), { mode: "replace" });
  for (const level of LEVELS) {
    const before = await trial.rows(table);
    const load = () =>
      withTampering(
        { ...place, trial },
        table,
        FIELDS,
        (change) =>
          trial.load(table, FIELDS, rows, {
            ...{ mode, verify: level },
            beforeProof: () => change(changes),
          }),
      );
    if (!await isNoticed(load)) {
      if (level === "full") throw new Fault("changed", `${describe(changes)} was not noticed`);
      continue;
    }
    noticed.push(level);
    assert.deepEqual(await trial.rows(table), before, "the target is not as it was");
  }
  return `noticed by ${noticed.join(", ")}`;
}

const describe = (changes: readonly Change[]) => Deno.inspect(changes, { breakLength: Infinity });

async function isNoticed(load: () => Promise<unknown>): Promise<boolean> {
  try {
    await load();
    return false;
  } catch (error) {
    if (error instanceof VerificationError) return true;
    throw error;
  }
}

const STAGES: readonly (Format | "passthrough")[] = [
  ...["parquet", "arrow", "csv", "tsv", "json", "jsonl", "passthrough"] as const,
];
/** Where a bit is flipped: in the first half of a staged file, in its last bytes, in the manifest. */
const PARTS = ["data", "end", "manifest"] as const;
/** Bytes of the longest footer: that of a Parquet file with five columns is some hundred bytes. */
const END = 200;
const OLD = "id,v\n0,old\n";

async function* flipStages(scope: Scope): AsyncIterable<Outcome> {
  for (const format of STAGES) {
    const folder = await Deno.makeTempDir({ dir: scope.folder });
    const pipeline = {
      version: 1,
      name: "p",
      source: { provider: "local", path: folder },
      target: { provider: "local", path: join(folder, "out") },
      buffer: { format },
      streams: [{ id: "s", source: "source.csv", target: "t.csv", load: { mode: "replace" } }],
    };
    const lines = Array.from({ length: 500 }, (_, i) => `${i},${"v".repeat(i % 7)}${i * 31}\n`);
    await Deno.writeTextFile(join(folder, "source.csv"), `id,v\n${lines.join("")}`);
    await Deno.mkdir(join(folder, "out"));
    await Deno.writeTextFile(join(folder, "out", "t.csv"), OLD);
    await runWell(folder, pipeline, { phase: "extract" });
    for (const part of PARTS) {
      for (let number = 0; number < (scope.isShort ? 1 : COUNT); number++) {
        yield await observe(
          VALUES.name,
          `stage of ${format}: ${part}, ${number}`,
          () => flip(folder, pipeline, part),
        );
      }
    }
    await runWell(folder, pipeline, { phase: "load" });
    await Deno.remove(folder, { recursive: true });
  }
}

/** Flips a bit of a stage, loads it, and flips the bit back. */
async function flip(
  folder: string,
  pipeline: Record<string, unknown>,
  part: (typeof PARTS)[number],
): Promise<string> {
  const path = await findStaged(join(folder, ".dxt", "stage", "p", "s"), part);
  const bytes = await Deno.readFile(path);
  const length = part === "data" ? bytes.length >> 1 : part === "end" ? END : bytes.length;
  const from = part === "end" ? Math.max(0, bytes.length - END) : 0;
  const at = Math.min(from + Math.floor(Math.random() * length), bytes.length - 1);
  const bit = Math.floor(Math.random() * 8);
  const broken = bytes.slice();
  broken[at]! ^= 1 << bit;
  await Deno.writeFile(path, broken);
  const where = `bit ${bit} of byte ${at}`;
  try {
    const { status, streams: [stream] } = await runPipeline(folder, pipeline, { phase: "load" });
    if (status !== "failed") throw new Fault("changed", `${where} was not noticed`);
    const { type, message } = stream!.error!;
    assert.equal(type, "BufferError", message);
    assert.equal(await Deno.readTextFile(join(folder, "out", "t.csv")), OLD);
    return where;
  } finally {
    await Deno.writeFile(path, bytes);
  }
}

/** The first staged file, or the manifest. */
async function findStaged(stage: string, part: (typeof PARTS)[number]): Promise<string> {
  if (part === "manifest") return join(stage, "manifest.json");
  const { folder, files: [file] } = JSON.parse(
    await Deno.readTextFile(join(stage, "manifest.json")),
  );
  return join(stage, folder, file.name);
}
