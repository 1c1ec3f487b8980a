/**
 * Sums of the hashes of rows, by buckets of their keys. They do not depend on the order of the rows: equal sums
 * mean equal rows, whatever index or order the two systems have. Two sides are compared in constant memory.
 */

/** The hash of each row's key, and of its values: two words of 32 bits each. */
export interface RowHashes {
  readonly keys: Uint32Array;
  readonly values: Uint32Array;
}

const BUCKET_BITS = 20;
export const BUCKETS = 1 << BUCKET_BITS;

/** The bucket of a row, by the upper word of its key's hash: a table of rows is indexed by the lower one. */
function findBucket(upper: number): number {
  return upper >>> (32 - BUCKET_BITS);
}

/** The sums of one side. Plain data, once it is filled. */
export interface Sums {
  /** Rows of each bucket. */
  readonly counts: Uint32Array;
  /** Two words of each bucket. */
  readonly sums: Uint32Array;
}

export class BucketSums implements Sums {
  readonly counts = new Uint32Array(BUCKETS);
  readonly sums = new Uint32Array(2 * BUCKETS);

  /** @param isOmitted whether a row does not count */
  add({ keys, values }: RowHashes, isOmitted?: (row: number) => boolean): void {
    const { counts, sums } = this;
    for (let at = 0; at < keys.length; at += 2) {
      if (isOmitted?.(at >> 1) === true) continue;
      const bucket = findBucket(keys[at + 1]!);
      counts[bucket]!++;
      sums[2 * bucket]! += values[at]!;
      sums[2 * bucket + 1]! += values[at + 1]!;
    }
  }
}

/** A set of buckets, a bit each. Plain data. */
export type BucketSet = Uint8Array;

/** A test of whether the bucket of a row is in the set. */
export function hasBucket(set: BucketSet, upper: number): boolean {
  const bucket = findBucket(upper);
  return (set[bucket >> 3]! & (1 << (bucket & 7))) !== 0;
}

/**
 * Yields the buckets that differ in groups, none with more than `most` rows of both sides together, except for a
 * single bucket that has more.
 */
export function* groupDiffering(
  one: Sums,
  other: Sums,
  most: number,
): Generator<BucketSet, void, void> {
  let group: BucketSet | undefined;
  let rows = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const isEqual = one.counts[bucket] === other.counts[bucket] &&
      one.sums[2 * bucket] === other.sums[2 * bucket] &&
      one.sums[2 * bucket + 1] === other.sums[2 * bucket + 1];
    if (isEqual) continue;
    const added = one.counts[bucket]! + other.counts[bucket]!;
    if (group !== undefined && rows + added > most) {
      yield group;
      group = undefined;
    }
    if (group === undefined) [group, rows] = [new Uint8Array(BUCKETS / 8), 0];
    group[bucket >> 3]! |= 1 << (bucket & 7);
    rows += added;
  }
  if (group !== undefined) yield group;
}
