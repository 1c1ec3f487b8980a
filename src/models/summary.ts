/** Summaries of rows: the proof that a stage and its target hold the same values. */
import { z } from "zod";

const digest = z.string().regex(/^[0-9a-f]{16}$/);
const integer = z.string().regex(/^-?\d+$/);
const number = z.union([integer, z.number(), z.enum(["Infinity", "-Infinity"])]);

/**
 * What is known of a column's values. `min`, `max` and `sum` are those of a number, date or time as Arrow stores
 * it: days, microseconds, unscaled decimals; of text and bytes `sum` is that of their lengths in bytes.
 */
export const ColumnSummary = z.strictObject({
  name: z.string(),
  nulls: z.int().min(0),
  /** Sum of the values' hashes, which does not depend on the order of the rows; unset in a large stage. */
  digest: digest.optional(),
  min: number.optional(),
  max: number.optional(),
  sum: integer.optional(),
});
export type ColumnSummary = z.infer<typeof ColumnSummary>;

export const RowsSummary = z.strictObject({
  rows: z.int().min(0),
  /** Sum of the hashes of whole rows: notices values that changed places between rows; unset as theirs is. */
  digest: digest.optional(),
  columns: z.array(ColumnSummary),
});
export type RowsSummary = z.infer<typeof RowsSummary>;
