import assert from "node:assert/strict";
import { BatchBuilder } from "../../src/arrow/mod.ts";
import { JSONText, type Value } from "../../src/core/values/values.ts";
import type { DXTType } from "../../src/models/dtype.ts";
import { BucketSums, groupDiffering } from "../../src/integrity/diff/bucket_sums.ts";
import { KeyTable } from "../../src/integrity/diff/key_table.ts";
import { RowHasher } from "../../src/integrity/diff/row_hashes.ts";
import {
  DIFFERENCES,
  type Found,
  nothingFound,
  RowPairs,
  takeRows,
} from "../../src/integrity/diff/row_pairs.ts";
import type { Field } from "../../src/models/field.ts";

const FIELDS: Field[] = [
  { name: "a", dtype: "int32", nullable: true },
  { name: "b", dtype: "string", nullable: true },
  { name: "v", dtype: "string", nullable: true },
];

type Row = readonly Value[];

/** Numbers from 0 to 1, always the same ones. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

function hash(rows: readonly Row[], keys: readonly string[], fields = FIELDS) {
  const builder = new BatchBuilder(fields, { rows: Infinity, bytes: Infinity });
  for (const row of rows) {
    builder.push(Object.fromEntries(fields.map(({ name }, i) => [name, row[i]!])));
  }
  return new RowHasher(fields, fields.map(({ name }) => name), keys).hash(builder.take());
}

type Side = "source" | "target" | "later";

/** Compares as the runner does: sums of buckets, then the rows of the buckets that differ. */
function compare(
  rows: Readonly<Record<Side, readonly Row[]>>,
  keys: readonly string[],
  most = Infinity,
): Found {
  const hashes = {
    source: hash(rows.source, keys),
    target: hash(rows.target, keys),
    later: hash(rows.later, keys),
  };
  const [source, target] = [new BucketSums(), new BucketSums()];
  source.add(hashes.source);
  target.add(hashes.target);
  const found = nothingFound();
  for (const group of groupDiffering(source, target, most)) {
    const pairs = new RowPairs();
    for (const side of ["target", "source", "later"] as const) {
      pairs.add(side, takeRows(hashes[side], group));
    }
    pairs.collect(found, keys.length === FIELDS.length, 20);
  }
  return found;
}

function count(found: Found): number[] {
  return DIFFERENCES.map((kind) => found[kind].count);
}

/** What differs, found by looking at all rows at once. */
function expected(
  { source, target, later }: Readonly<Record<Side, readonly Row[]>>,
  keys: readonly string[],
): number[] {
  const keyOf = (row: Row) =>
    JSON.stringify(FIELDS.map(({ name }, i) => keys.includes(name) ? row[i] : 0));
  const byKey = new Map<string, Record<Side, string[]>>();
  for (const [side, rows] of Object.entries({ source, target, later })) {
    for (const row of rows) {
      const key = keyOf(row);
      const sides = byKey.get(key) ?? { source: [], target: [], later: [] };
      sides[side as Side].push(JSON.stringify(row));
      byKey.set(key, sides);
    }
  }
  const counts = { source: 0, target: 0, changed: 0, several: 0 };
  for (const { source, target, later } of byKey.values()) {
    if (later.length > 0) continue;
    if (source.toSorted().join() === target.toSorted().join()) continue;
    const isWhole = keys.length === FIELDS.length;
    const more = source.length - target.length;
    if (target.length === 0 || isWhole && more > 0) counts.source += more;
    else if (source.length === 0 || isWhole) counts.target -= more;
    else if (source.length === 1 && target.length === 1) counts.changed++;
    else counts.several++;
  }
  return DIFFERENCES.map((kind) => counts[kind]);
}

Deno.test("random rows differ as a comparison of all rows says, with any key", () => {
  const random = randomNumbers(1);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  for (let round = 0; round < 60; round++) {
    const range = pick([3, 30, 3000]);
    const makeRow = (): Row => [
      random() < 0.1 ? null : Math.floor(random() * range),
      pick(["", "x", "X", null, "longer text"]),
      pick(["", null, "1", "value"]),
    ];
    const source = Array.from({ length: Math.floor(random() * 300) }, makeRow);
    const target = source.flatMap((row) => {
      const what = random();
      if (what < 0.02) return [];
      if (what < 0.04) return [[row[0]!, row[1]!, pick(["", null, "2"])]];
      return what < 0.05 ? [row, makeRow()] : [row];
    }).toSorted(() => random() - 0.5);
    const later = Array.from({ length: pick([0, 0, 5]) }, makeRow);
    for (const keys of [["a"], ["a", "b"], ["b", "a"], ["a", "b", "v"]]) {
      const rows = { source, target, later };
      const found = compare(rows, keys, pick([Infinity, 10, 1]));
      assert.deepEqual(count(found), expected(rows, keys), JSON.stringify({ keys, rows }));
    }
  }
});

Deno.test("NULL, an empty text and values in the other field differ", () => {
  const differ = (one: Row, other: Row) =>
    count(compare({ source: [one], target: [other], later: [] }, ["a"]));
  assert.deepEqual(differ([1, null, ""], [1, "", null]), [0, 0, 1, 0]);
  assert.deepEqual(differ([1, "x", null], [1, null, "x"]), [0, 0, 1, 0]);
  assert.deepEqual(differ([1, "", null], [1, "", null]), [0, 0, 0, 0]);
});

Deno.test("all differences are counted, and so many keys are kept as are asked for", () => {
  const source = Array.from({ length: 5000 }, (_, i): Row => [i, "", "same"]);
  const target = source.map(([a, b, v]): Row => [a!, b!, Number(a) % 2 === 0 ? v! : "other"]);
  const { changed } = compare({ source, target, later: [] }, ["a"], 100);
  assert.equal(changed.count, 2500);
  assert.equal(changed.keys.length, 2 * 20);
});

Deno.test("a table of keys finds each of many keys, and no other", () => {
  const table = new KeyTable(1);
  for (let key = 0; key < 10_000; key++) {
    const place = table.add(key % 7, key);
    table.words[place] = key;
  }
  for (let key = 0; key < 10_000; key++) {
    assert.equal(table.words[table.find(key % 7, key)], key);
    assert.equal(table.find(key % 7 + 7, key), -1);
  }
  assert.equal([...table.places()].length, 10_000);
});

const dateTime = (text: string) => Temporal.PlainDateTime.from(text);

/** Values of each type that are close to each other, all different. */
const VALUES: Readonly<Record<DXTType, readonly Value[]>> = {
  int8: [0, 1, -1, -128],
  int16: [0, 1, -1, 256],
  int32: [0, 1, -1, 65536],
  int64: [0n, 1n, -1n, 1n << 32n],
  uint8: [0, 1, 128, 255],
  uint16: [0, 1, 256, 65535],
  uint32: [0, 1, 2 ** 31, 2 ** 32 - 1],
  uint64: [0n, 1n, 1n << 63n, (1n << 64n) - 1n],
  float32: [0, 1, NaN, Infinity],
  float64: [0, 5e-324, NaN, -Infinity],
  decimal: ["0.00", "0.01", "-0.01", "1.00"],
  string: ["", "a", "A", "a\u0301", "\u00e1", "a "],
  bool: [false, true],
  date: ["1970-01-01", "1970-01-02", "0000-01-01"].map((text) => Temporal.PlainDate.from(text)),
  time: ["00:00", "00:00:00.000001", "23:59"].map((text) => Temporal.PlainTime.from(text)),
  timestamp: ["1970-01-01T00:00", "1969-12-31T23:59:59.999999"].map(dateTime),
  timestamp_tz: ["1970-01-01T00:00Z", "1970-01-01T01:00Z"].map((text) =>
    Temporal.Instant.from(text)
  ),
  binary: [new Uint8Array(), new Uint8Array([0]), new Uint8Array([0, 0])],
  json: ["1", "1.0", "null", "[]"].map((text) => new JSONText(text)),
  array: ["[]", "[ ]"].map((text) => new JSONText(text)),
  object: ["{}", "{ }"].map((text) => new JSONText(text)),
};

Deno.test("keys of each type tell rows apart, and NULL from every value", () => {
  for (const [dtype, values] of Object.entries(VALUES)) {
    const decimal = dtype === "decimal" ? { precision: 12, scale: 2 } : {};
    const field: Field = { name: "k", dtype: dtype as DXTType, nullable: true, ...decimal };
    const rows = [...values, null].map((value): Row => [value]);
    const { keys } = hash(rows, ["k"], [field]);
    const words = rows.map((_, row) => keys.slice(2 * row, 2 * row + 2).join());
    assert.equal(new Set(words).size, rows.length, dtype);
    const again = hash(rows.toReversed(), ["k"], [field]);
    const turned = rows.map((_, row) => again.keys.slice(2 * row, 2 * row + 2).join());
    assert.deepEqual(turned.toReversed(), words, dtype);
  }
});

Deno.test("-0 is 0, and every NaN the same", () => {
  const field: Field = { name: "k", dtype: "float64", nullable: true };
  const { keys } = hash([[0], [-0], [NaN], [-NaN]], ["k"], [field]);
  assert.deepEqual(keys.slice(0, 2), keys.slice(2, 4));
  assert.deepEqual(keys.slice(4, 6), keys.slice(6, 8));
});
