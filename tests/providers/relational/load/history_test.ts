/** Versions of random records, compared with a model that takes the rows of a load one by one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import type { Field } from "../../../../src/models/field.ts";
import sqlite from "../../../../src/providers/relational/sqlite/mod.ts";
import type { Provider } from "../../../../src/core/contracts/provider.ts";
import { HISTORY, Trial } from "../../../conformance/provider/trial.ts";

const FIELDS: readonly Field[] = [
  { name: "k", dtype: "int32", nullable: false },
  { name: "v", dtype: "string", nullable: true },
  { name: "w", dtype: "float64", nullable: true },
  { name: "at", dtype: "timestamp", nullable: true },
];
const START = new Temporal.PlainDateTime(2026, 1, 1);

/** A row; `at` are hours. */
interface Row {
  readonly k: number;
  readonly v: string | null;
  readonly w: number | null;
  readonly at: number;
}

interface Version extends Row {
  readonly from: number;
  /** Unset: it is current. */
  readonly to: number | undefined;
}

/** The versions that a table should have. */
class Model {
  #versions: Version[] = [];

  constructor(private readonly isTimed: boolean) {}

  /** @param now the time of the load, later than all others */
  load(rows: readonly Row[], now: number, closes: boolean): void {
    for (const k of new Set(rows.map((row) => row.k))) {
      this.#loadKey(rows.filter((row) => row.k === k), now);
    }
    if (!closes) return;
    const keys = new Set(rows.map(({ k }) => k));
    this.#versions = this.#versions.map((one) =>
      one.to === undefined && !keys.has(one.k) ? { ...one, to: now } : one
    );
  }

  #loadKey(rows: readonly Row[], now: number): void {
    const k = rows[0]!.k;
    let chain = this.#versions.filter((one) => one.k === k);
    const last = rows.at(-1)!;
    if (this.isTimed) {
      const byTime = rows.toSorted((one, other) => one.at - other.at);
      for (const row of byTime) chain = place({ ...row, from: row.at, to: undefined }, chain);
      const newest = byTime.at(-1)!.at;
      chain = chain.map((one, i) =>
        i === chain.length - 1 && one.from === newest ? { ...one, to: undefined } : one
      );
    } else {
      const current = chain.find(({ to }) => to === undefined);
      const isSame = current !== undefined && current.v === last.v && current.w === last.w &&
        current.at === last.at;
      if (!isSame) {
        chain = [
          ...chain.map((one) => one === current ? { ...one, to: now } : one),
          { ...last, from: now, to: undefined },
        ];
      }
    }
    this.#versions = [...this.#versions.filter((one) => one.k !== k), ...chain];
  }

  describe(): string[] {
    return describe(this.#versions.map(({ from, to, ...row }) => ({ ...row, from, to })));
  }

  get size(): number {
    return this.#versions.length;
  }
}

/** Puts a version into the chain of its key. */
function place(version: Version, chain: readonly Version[]): Version[] {
  const { from } = version;
  const same = chain.find((one) => one.from === from);
  if (same !== undefined) {
    return chain.map((one) => one === same ? { ...version, to: same.to } : one);
  }
  const divided = chain.find((one) => one.from < from && (one.to === undefined || from < one.to));
  const next = chain.find((one) => one.from > from);
  return [
    ...chain.map((one) => one === divided ? { ...one, to: from } : one),
    { ...version, to: divided === undefined ? next?.from : divided.to },
  ].sort((one, other) => one.from - other.from);
}

/** Versions as text, with the order of their times in place of the times. */
function describe(versions: readonly { [K in keyof Version]: unknown }[]): string[] {
  return versions.toSorted((one, other) =>
    Number(one.k) - Number(other.k) || (one.from as number < (other.from as number) ? -1 : 1)
  ).map((one, i, all) => {
    const next = all[i + 1];
    const end = one.to === undefined
      ? "current"
      : next?.k === one.k && next!.from === one.to
      ? "until the next"
      : "closed";
    return `${one.k}: ${one.v} ${one.w} ${one.at} ${end}`;
  });
}

/** Numbers below 1, always the same ones of a seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function readTable(path: string, name: string): string[] {
  using database = new DatabaseSync(path);
  const rows = database.prepare(
    `SELECT k, v, w, CAST((julianday(at) - julianday('2026-01-01')) * 24 + 0.5 AS INTEGER) AS at,
      valid_from AS "from", "valid to" AS "to", is_current FROM ${name}`,
  ).all();
  for (const row of rows) assert.equal(Boolean(row["is_current"]), row["to"] === null);
  return describe(
    rows.map((row) => ({ ...row, to: row["to"] ?? undefined })) as unknown as Version[],
  );
}

Deno.test("versions of random loads are those of a model", async () => {
  const path = join(await Deno.makeTempDir(), "test.db");
  await using trial = new Trial({
    provider: sqlite as unknown as Provider,
    config: { path },
    target: (name) => ({ type: "relation", name }),
    widens: () => ({}),
    timestampType: "TIMESTAMP",
    holds: () => true,
  });
  let versions = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomOf(seed);
    const pick = (most: number) => Math.floor(random() * most);
    const isTimed = seed % 2 === 0;
    const model = new Model(isTimed);
    const name = `random_${seed}`;
    for (let load = 0; load < 6; load++) {
      const rows = Array.from({ length: pick(8) }, (): Row => ({
        ...{ k: pick(4), v: [null, "a", "A"][pick(3)]!, w: [null, 0, 1.5][pick(3)]! },
        at: isTimed ? pick(20) : 0,
      }));
      const records = rows.map((row): DXTRecord => ({ ...row, at: START.add({ hours: row.at }) }));
      const closes = random() < 0.5;
      for (let time = 0; time < 2; time++) {
        await trial.load(name, FIELDS, records, {
          ...{ mode: "scd2", upsertKeys: ["k"], batchRows: 3 },
          history: { ...HISTORY, ...(isTimed ? { fromField: "at" } : {}) },
          ...(closes ? { deletes: { maxPercent: 100 } } : {}),
        });
        // Times of loads are later than all times of rows.
        model.load(rows, 1000 + load, closes);
        assert.deepEqual(readTable(path, name), model.describe(), `seed ${seed}, load ${load}`);
      }
    }
    versions += model.size;
  }
  assert.ok(versions > 200, `only ${versions} versions were compared`);
  await Deno.remove(join(path, ".."), { recursive: true });
});
