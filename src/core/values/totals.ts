/** Totals of columns: summaries of the parts of a stage make that of the whole. */
import type { ColumnSummary, RowsSummary } from "../../models/summary.ts";

/** Totals of a column so far. */
export interface Totals {
  nulls: number;
  /** Sum of the values' hashes, modulo 2^64; unset where they were not hashed. */
  digest?: bigint;
  min?: bigint | number;
  max?: bigint | number;
  sum?: bigint;
}

/** What only some types have. */
type Extent = Pick<Totals, "min" | "max" | "sum">;

/** Extends totals by those of further values. */
export function extendTotals(totals: Totals, { min, max, sum }: Extent): void {
  if (min !== undefined && (totals.min === undefined || min < totals.min)) totals.min = min;
  if (max !== undefined && (totals.max === undefined || max > totals.max)) totals.max = max;
  if (sum !== undefined) totals.sum = (totals.sum ?? 0n) + sum;
}

/** Returns the summary of all rows of some summaries of the same fields; undefined if one is missing. */
export function mergeSummaries(
  parts: readonly (RowsSummary | undefined)[],
): RowsSummary | undefined {
  const [first, ...others] = parts;
  if (first === undefined || others.includes(undefined)) return undefined;
  return (others as RowsSummary[]).reduce((one, other) => ({
    rows: one.rows + other.rows,
    ...mergeDigests(one, other, formatDigest),
    columns: one.columns.map((column, i) => mergeColumns(column, other.columns[i]!)),
  }), first);
}

function mergeColumns(one: ColumnSummary, other: ColumnSummary): ColumnSummary {
  const totals: Totals = {
    nulls: one.nulls + other.nulls,
    ...mergeDigests(one, other, (digest) => digest),
    ...readExtent(one),
  };
  extendTotals(totals, readExtent(other));
  return toSummary(one.name, totals);
}

function mergeDigests<T>(
  one: { readonly digest?: string | undefined },
  other: { readonly digest?: string | undefined },
  show: (digest: bigint) => T,
): { digest?: T } {
  if (one.digest === undefined || other.digest === undefined) return {};
  return { digest: show(readDigest(one.digest) + readDigest(other.digest)) };
}

/** Reads what `toSummary` wrote. */
function readExtent({ min, max, sum }: ColumnSummary): Extent {
  const read = (value: string | number) =>
    typeof value === "string" && !value.endsWith("y") ? BigInt(value) : Number(value);
  return {
    ...(min === undefined ? {} : { min: read(min) }),
    ...(max === undefined ? {} : { max: read(max) }),
    ...(sum === undefined ? {} : { sum: BigInt(sum) }),
  };
}

/** Returns totals as plain data, as a manifest has them. */
export function toSummary(name: string, { nulls, digest, min, max, sum }: Totals): ColumnSummary {
  // JSON has no infinity.
  const write = (value: bigint | number) =>
    typeof value === "bigint" || !Number.isFinite(value) ? String(value) : value;
  return {
    name,
    nulls,
    ...(digest === undefined ? {} : { digest: formatDigest(digest) }),
    ...(min === undefined ? {} : { min: write(min) }),
    ...(max === undefined ? {} : { max: write(max) }),
    ...(sum === undefined ? {} : { sum: String(sum) }),
  };
}

/** Returns a digest as 16 hexadecimal digits. */
export function formatDigest(digest: bigint): string {
  return BigInt.asUintN(64, digest).toString(16).padStart(16, "0");
}

function readDigest(digest: string): bigint {
  return BigInt(`0x${digest}`);
}
