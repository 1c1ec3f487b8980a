/** Finds a row that differs between a stage and its target, in memory that does not grow with the rows. */
import { valueReader } from "../arrow/mod.ts";
import type { Batch } from "../core/contracts/batch.ts";
import type { StagedData } from "../core/contracts/buffer.ts";
import type { LoadedRows } from "../core/contracts/loader.ts";
import { formatValue } from "../core/values/values.ts";
import type { Field } from "../models/field.ts";
import { type BucketSet, BucketSums, groupDiffering, type RowHashes } from "./diff/bucket_sums.ts";
import { RowHasher } from "./diff/row_hashes.ts";
import {
  type DifferenceKind,
  DIFFERENCES,
  nothingFound,
  RowPairs,
  type RowSide,
  takeRows,
} from "./diff/row_pairs.ts";

/** Rows of both sides whose hashes are held in memory. */
const HELD_ROWS = 1 << 16;

/** What is wrong with the row of a stage, or of its target. */
const PROBLEMS: Readonly<Record<DifferenceKind, string>> = {
  source: "is missing",
  target: "is not in the stage",
  changed: "differs",
  several: "differs",
};

/**
 * Describes the first difference that is found, by the key of its row: which side lacks the row, or that its
 * values differ. Undefined without keys.
 *
 * @param fields those that are compared
 */
export async function findDifference(
  staged: Pick<StagedData, "fields" | "scanBatches">,
  rows: Pick<LoadedRows, "read">,
  fields: readonly Field[],
  keys: readonly string[],
): Promise<string | undefined> {
  const names = keys.length > 0
    ? keys
    : staged.fields.filter(({ key }) => key === true).map(({ name }) => name);
  const isCompared = (name: string) => fields.some((field) => field.name === name);
  if (names.length === 0 || !names.every(isCompared)) return undefined;
  const compared = fields.map(({ name }) => name);
  const before = new Side(() => staged.scanBatches(), staged.fields, compared, names);
  const after = new Side(() => rows.read(fields), fields, compared, names);
  const groups = groupDiffering(await before.sum(), await after.sum(), HELD_ROWS);
  for (const buckets of groups) {
    const pairs = new RowPairs();
    await before.addTo(pairs, "source", buckets);
    await after.addTo(pairs, "target", buckets);
    const found = nothingFound();
    pairs.collect(found, false, 1);
    const kind = DIFFERENCES.find((kind) => found[kind].count > 0);
    if (kind === undefined) continue;
    const key = await (kind === "target" ? after : before).describeKey(found[kind].keys);
    return `the row with ${key} ${PROBLEMS[kind]}`;
  }
  return undefined;
}

/** The stage or the target. */
class Side {
  readonly #hasher: RowHasher;

  /** @param own fields of the batches */
  constructor(
    private readonly batches: () => AsyncGenerator<Batch, unknown, void>,
    private readonly own: readonly Field[],
    compared: readonly string[],
    private readonly keys: readonly string[],
  ) {
    this.#hasher = new RowHasher(own, compared, keys);
  }

  async sum(): Promise<BucketSums> {
    const sums = new BucketSums();
    for await (const [, hashes] of this.#read()) sums.add(hashes);
    return sums;
  }

  async addTo(pairs: RowPairs, side: RowSide, buckets: BucketSet): Promise<void> {
    for await (const [, hashes] of this.#read()) pairs.add(side, takeRows(hashes, buckets));
  }

  /** The key in words of the first row whose key has this hash. */
  async describeKey([lower, upper]: readonly number[]): Promise<string> {
    for await (const [{ data: { children }, numRows }, { keys }] of this.#read()) {
      for (let row = 0; row < numRows; row++) {
        if (keys[2 * row] !== lower || keys[2 * row + 1] !== upper) continue;
        return this.keys.map((name) => {
          const i = this.own.findIndex((field) => field.name === name);
          const value = valueReader(this.own[i]!, children[i]!)(row);
          return `${name} ${value === null ? "NULL" : `"${formatValue(value)}"`}`;
        }).join(", ");
      }
    }
    return "a key that it had before";
  }

  async *#read(): AsyncGenerator<readonly [Batch, RowHashes], void, void> {
    for await (const batch of this.batches()) yield [batch, this.#hasher.hash(batch)];
  }
}
