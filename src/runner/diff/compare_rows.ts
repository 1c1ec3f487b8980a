/**
 * Compares the rows of two sides, in constant memory and without an order or an index: both are read once for sums
 * by buckets of keys, then for the rows of the buckets that differ, and once more for the values that are shown.
 */
import { compareValues, type Value } from "../../core/values/values.ts";
import { type BucketSet, groupDiffering } from "../../integrity/diff/bucket_sums.ts";
import {
  type DifferenceKind,
  DIFFERENCES,
  type Found,
  nothingFound,
  RowPairs,
} from "../../integrity/diff/row_pairs.ts";
import type { Field } from "../../models/field.ts";
import { relayBatch, type Transformer } from "../extract/transform_client.ts";
import { awaitAll } from "../worker/await_all.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import type { KeyedRow, SideInput, SideProgress } from "../worker/inside/protocol.ts";
import type { Sides } from "./sides.ts";
import type { ComparedRows, FieldDifference, RowDifference } from "./stream_diff.ts";

/** Rows of both sides whose hashes are held at once, each in about 64 bytes. */
const HELD_ROWS = 1 << 21;

/** The workers that read the two sides. */
export interface Readers {
  readonly source: ConnectionClient;
  readonly target: ConnectionClient;
  readonly transformer: Transformer | undefined;
  readonly signal: AbortSignal;
  warn(message: string): void;
  /** Called with the rows that were read of a side since the last call. */
  onRows(rows: number): void;
}

/** How many differences of each kind are looked at; all are counted. */
export interface Bounds {
  /** Those that are described. */
  readonly shown: number;
  /** Those whose keys are returned, for a repair. */
  readonly repaired: number;
}

export async function compareRows(
  sides: Sides,
  readers: Readers,
  { shown, repaired }: Bounds,
): Promise<ComparedRows> {
  const [source, target] = await readBoth(
    sides,
    readers,
    (client, input, onProgress, signal) => client.call("sumSide", input, onProgress, signal),
  );
  const isWhole = sides.keys.length === 0;
  const found = nothingFound();
  for (const buckets of groupDiffering(source, target, HELD_ROWS)) {
    const pairs = await pairRows(sides, readers, buckets);
    pairs.collect(found, isWhole, Math.max(shown, repaired));
  }
  const repairable = Uint32Array.from([...found.source.keys, ...found.changed.keys]);
  const differences = await describeFound(found, sides, readers, shown);
  return {
    rows: { source: source.rows, target: target.rows },
    later: source.later,
    keys: sides.keys,
    omitted: sides.omitted,
    counts: Object.fromEntries(
      DIFFERENCES.map((kind) => [kind, found[kind].count]),
    ) as ComparedRows["counts"],
    differences,
    repairable,
  };
}

/** Reads both sides at once; the first failure stops the other one. */
async function readBoth<T>(
  sides: Pick<Sides, "source" | "target">,
  readers: Readers,
  read: (
    client: ConnectionClient,
    input: SideInput,
    onProgress: (progress: SideProgress) => void,
    signal: AbortSignal,
    side: "source" | "target",
  ) => Promise<T>,
): Promise<[T, T]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([readers.signal, stop.signal]);
  const work = (["source", "target"] as const).map((side) => {
    const client = readers[side];
    const onProgress = (progress: SideProgress) => {
      if ("rows" in progress) readers.onRows(progress.rows);
      else void relayBatch(progress.transform, readers.transformer!, client);
    };
    return read(client, sides[side], onProgress, signal, side);
  });
  return await awaitAll(work, (error) => stop.abort(error)) as [T, T];
}

async function pairRows(sides: Sides, readers: Readers, buckets: BucketSet): Promise<RowPairs> {
  const pairs = new RowPairs();
  await readBoth(
    sides,
    readers,
    (client, input, onProgress, signal, side) =>
      client.call("sendHashes", { ...input, buckets }, (progress) => {
        if (!("hashes" in progress)) return onProgress(progress);
        pairs.add(progress.side === "later" ? "later" : side, progress.hashes);
      }, signal),
  );
  return pairs;
}

/**
 * Reads the rows of the keys that were kept, and describes their differences. A row that differs no more was being
 * written when it was read first: it is no longer counted.
 */
async function describeFound(
  found: Found,
  sides: Sides,
  readers: Readers,
  most: number,
): Promise<RowDifference[]> {
  const chosen = DIFFERENCES.map((kind) => ({ kind, keys: found[kind].keys.slice(0, 2 * most) }));
  const kinds = chosen.flatMap(({ kind, keys }) =>
    Array<DifferenceKind>(keys.length / 2).fill(kind)
  );
  if (kinds.length === 0) return [];
  const hashes = Uint32Array.from(chosen.flatMap(({ keys }) => keys));
  const [source, target] = await readBoth(
    sides,
    readers,
    async (client, input, onProgress, signal) =>
      groupByKey(await client.call("readByKeys", { ...input, hashes }, onProgress, signal)),
  );
  let settled = 0;
  const described = kinds.flatMap((kind, i) => {
    const difference = describeRow(kind, sides, source.get(i) ?? [], target.get(i) ?? []);
    if (difference !== undefined) return [difference];
    found[kind].count--;
    settled++;
    return [];
  });
  if (settled > 0) {
    readers.warn(
      `${settled} of the differences were gone when they were read again: rows were written meanwhile`,
    );
  }
  return described.sort((one, other) =>
    DIFFERENCES.indexOf(one.kind) - DIFFERENCES.indexOf(other.kind) ||
    compareKeys(one.key, other.key, sides.keys)
  );
}

type Row = KeyedRow["values"];

function groupByKey(rows: readonly KeyedRow[]): Map<number, Row[]> {
  const found = new Map<number, Row[]>();
  for (const { key, values } of rows) found.set(key, [...found.get(key) ?? [], values]);
  return found;
}

/** Undefined where the rows differ no more. */
function describeRow(
  kind: DifferenceKind,
  { fields, keys }: Sides,
  source: readonly Row[],
  target: readonly Row[],
): RowDifference | undefined {
  const row = source[0] ?? target[0];
  if (row === undefined) return undefined;
  const isKey = (field: Field) => keys.includes(field);
  const key = keys.map((field) => row[fields.indexOf(field)]!);
  if (kind === "several") return { kind, key, fields: [] };
  if (kind === "changed") {
    const [before, after] = [source[0], target[0]];
    if (before === undefined || after === undefined) return undefined;
    const changed = fields.flatMap((field, i): FieldDifference[] =>
      isSame(before[i]!, after[i]!, field) ? [] : [{ field, source: before[i]!, target: after[i]! }]
    );
    return changed.length === 0 ? undefined : { kind, key, fields: changed };
  }
  // Rows without a key may be on both sides, in different numbers.
  if (keys.length > 0 && source.length > 0 && target.length > 0) return undefined;
  const values = fields.flatMap((field, i): FieldDifference[] =>
    isKey(field) ? [] : [{ field, [kind]: row[i]! }]
  );
  return { kind, key, fields: values };
}

function isSame(one: Value, other: Value, { dtype }: Field): boolean {
  if (one === null || other === null) return one === other;
  return compareValues(one, other, dtype) === 0;
}

/** NULL is after all values. */
function compareKeys(
  one: readonly Value[],
  other: readonly Value[],
  keys: readonly Field[],
): number {
  for (const [i, { dtype }] of keys.entries()) {
    const [a, b] = [one[i]!, other[i]!];
    const order = a === null || b === null
      ? Number(a === null) - Number(b === null)
      : compareValues(a, b, dtype);
    if (order !== 0) return order;
  }
  return 0;
}
