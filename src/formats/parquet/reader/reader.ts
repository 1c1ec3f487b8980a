/** What reading a file of anyone comes down to. */
import type { Schema } from "../../../arrow/mod.ts";
import type { MadeName } from "../../../core/column_names.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { FileInput, FileRange, ReadRequest } from "../../format.ts";
import { type Footer, readFooter } from "./footer.ts";
import { isNative, openNative } from "./native_reader.ts";

export interface ParquetReader {
  /** Schema of the columns that were asked for, in the file's order. */
  readonly schema: Schema;
  /** Whether its schema is that of the fields that dxt wrote. */
  readonly isOwn: boolean;
  /** Names of its columns that are not what the file has. */
  readonly made: readonly MadeName[];
  /** Columns annotated as JSON, by name. */
  readonly json: ReadonlySet<string>;
  /** Batches that are hardly larger: `splitBatch` makes the rest of them so. */
  batches(
    bounds: Pick<ReadRequest, "batchRows" | "batchBytes" | "recycle">,
  ): AsyncGenerator<Batch, void, void>;
}

/**
 * Opens some columns of a file, or all; its row groups, or a range of them.
 *
 * @throws {ValidationError} when the footer is malformed
 * @throws {SchemaError} when a column is missing
 */
export async function openParquet(
  input: FileInput,
  names?: readonly string[],
  range?: FileRange,
): Promise<ParquetReader> {
  const whole = await readFooter(input);
  const footer = range === undefined
    ? whole
    : { ...whole, rowGroups: whole.rowGroups.slice(range.start, range.end) };
  if (isNative(footer)) return openNative(input, footer, names);
  // The library is large, and a stage never needs it.
  const { openAnyWriter } = await import("./read.ts");
  return openAnyWriter(input, footer, names);
}

/** Ranges of row groups, of about as many rows each. */
export function splitRowGroups({ rowGroups }: Footer, most: number): FileRange[] {
  const total = rowGroups.reduce((sum, { rows }) => sum + rows, 0);
  const ranges: FileRange[] = [];
  let [start, rows] = [0, 0];
  rowGroups.forEach((group, i) => {
    rows += group.rows;
    const isLast = i === rowGroups.length - 1;
    if (!isLast && rows < (total * (ranges.length + 1)) / most) return;
    ranges.push({ start, end: i + 1 });
    start = i + 1;
  });
  return ranges;
}
