/** Parts of a source by the ranges of a field, which `extract.partition` names. */
import type { ExtractRequest } from "../../core/contracts/extractor.ts";
import type { Dialect, SqlSession } from "./contract.ts";
import {
  type FieldRange,
  type Range,
  selectStatement,
  wholeNumber,
  wholeNumberProjection,
} from "./select.ts";

/**
 * Returns ranges of equal width between the lowest and the highest value of a field; the first one includes
 * NULL. Called in the transaction whose snapshot the parts share. Reads an index, or all rows of the table.
 *
 * @param most highest number of ranges
 * @returns none for a source without values
 * @throws {ConfigurationError} when the field does not exist, or is not of whole numbers
 */
export async function fieldRanges(
  session: SqlSession,
  task: ExtractRequest,
  name: string,
  most: number,
  dialect: Dialect,
): Promise<FieldRange[]> {
  const { range: _range, limit: _limit, ...all } = task;
  const projection = wholeNumberProjection(task, name, dialect);
  const values = selectStatement({ ...all, projections: [projection] }, dialect);
  const number = wholeNumber(dialect.quote(name), projection.field, dialect);
  const { rows: [row] } = await session.query(
    `SELECT min(${number}), max(${number}) FROM (${values}) AS dxt_values`,
  );
  const [low, high] = row!;
  if (low === null || high === null) return [];
  const [first, last] = [BigInt(String(low)), BigInt(String(high)) + 1n];
  const count = last - first < BigInt(most) ? Number(last - first) : most;
  return cutRanges(first, last, count).map((range) => ({ ...range, field: name }));
}

/** Ranges of equal width of the numbers from `low` up to `high`; the outer ones have no outer bound. */
export function cutRanges(low: bigint, high: bigint, count: number): Range[] {
  const cut = (i: number) => String(low + ((high - low) * BigInt(i)) / BigInt(count));
  return Array.from({ length: count }, (_, i) => ({
    from: i === 0 ? null : cut(i),
    to: i === count - 1 ? null : cut(i + 1),
  }));
}
