/** Pairs the rows of two sides by the hashes of their keys, and finds those that differ. */
import { type BucketSet, hasBucket, type RowHashes } from "./bucket_sums.ts";
import { KeyTable } from "./key_table.ts";

/** Words of a row in a message: the hash of its key, then that of its values. */
export const ROW_WORDS = 4;

/**
 * The rows of a batch whose keys are in some buckets, {@linkcode ROW_WORDS} for each.
 *
 * @param isWanted whether a row is wanted; all when unset
 */
export function takeRows(
  { keys, values }: RowHashes,
  buckets: BucketSet,
  isWanted?: (row: number) => boolean,
): Uint32Array {
  const rows = new Uint32Array(2 * keys.length);
  let length = 0;
  for (let at = 0; at < keys.length; at += 2) {
    if (!hasBucket(buckets, keys[at + 1]!) || isWanted?.(at >> 1) === false) continue;
    rows[length++] = keys[at]!;
    rows[length++] = keys[at + 1]!;
    rows[length++] = values[at]!;
    rows[length++] = values[at + 1]!;
  }
  return rows.slice(0, length);
}

/** - later: a row of the source above the target's watermark, which the next run loads. */
export type RowSide = "source" | "target" | "later";

/**
 * - source, target: the other side has no such row.
 * - changed: both sides have it, with other values.
 * - several: one key has several rows, which cannot be paired.
 */
export const DIFFERENCES = ["source", "target", "changed", "several"] as const;
export type DifferenceKind = typeof DIFFERENCES[number];

/** The keys of one kind of difference. */
export interface FoundKeys {
  /** Rows of that kind; keys of the kind `several`. */
  count: number;
  /** Hashes of keys, two words each. */
  readonly keys: number[];
}

export type Found = Readonly<Record<DifferenceKind, FoundKeys>>;

export function nothingFound(): Found {
  const none = (): FoundKeys => ({ count: 0, keys: [] });
  return { source: none(), target: none(), changed: none(), several: none() };
}

/** Words of a key: the sum of hashes, two words, and how many rows each side has. */
const COUNTS: Readonly<Record<RowSide, number>> = { source: 2, target: 3, later: 4 };
const WIDTH = 5;

/** The rows of some keys: for each key the hashes of the source's rows minus those of the target's. */
export class RowPairs {
  readonly #table = new KeyTable(WIDTH);

  /** @param rows {@linkcode ROW_WORDS} for each row */
  add(side: RowSide, rows: Uint32Array): void {
    const sign = side === "source" ? 1 : side === "target" ? -1 : 0;
    for (let at = 0; at < rows.length; at += ROW_WORDS) {
      const place = this.#table.add(rows[at]!, rows[at + 1]!);
      const { words } = this.#table;
      words[place]! += sign * rows[at + 2]!;
      words[place + 1]! += sign * rows[at + 3]!;
      words[place + COUNTS[side]]!++;
    }
  }

  /**
   * Adds what differs.
   *
   * @param isWhole whether the key is the whole row, so that rows that share it are equal
   * @param most keys to keep of each kind
   */
  collect(found: Found, isWhole: boolean, most: number): void {
    const { words } = this.#table;
    for (const place of this.#table.places()) {
      // What a later load replaces is no difference.
      if (words[place + COUNTS.later]! > 0) continue;
      const [source, target] = [words[place + COUNTS.source]!, words[place + COUNTS.target]!];
      if (source === target && words[place] === 0 && words[place + 1] === 0) continue;
      const kind = classify(source, target, isWhole);
      const { keys } = found[kind];
      found[kind].count += kind === "several" ? 1 : Math.max(1, Math.abs(source - target));
      if (keys.length < 2 * most) keys.push(words[place - 3]!, words[place - 2]!);
    }
  }
}

/** The difference of a key, by its rows of source and target. */
function classify(source: number, target: number, isWhole: boolean): DifferenceKind {
  if (target === 0 || isWhole && source > target) return "source";
  if (source === 0 || isWhole) return "target";
  return source === 1 && target === 1 ? "changed" : "several";
}
