/** Opens Parquet files of any writer for reading. */
import type { MadeName } from "../../../core/column_names.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { Field } from "../../../models/field.ts";
import type { FileInput, FileRange, ReadRequest } from "../../format.ts";
import { type Footer, readFooter } from "./footer.ts";
import { isNative, openNative } from "./native_reader.ts";

export type BatchRequest =
  & Pick<ReadRequest, "batchRows" | "batchBytes" | "recycle" | "proven">
  & Partial<Pick<ReadRequest, "projections">>;

/** The open columns of a file. */
export interface ParquetReader {
  /** The requested columns, in the file's order. */
  readonly fields: readonly Field[];
  /** Column names that dxt made up, because the file lacks or repeats them. */
  readonly made: readonly MadeName[];
  /** Reads batches within the bounds, with the fields of the projections, or all fields of the file. */
  batches(request: BatchRequest): AsyncGenerator<Batch, void, void>;
}

/**
 * Opens some columns of a file or all, and a range of its row groups or all.
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
  // Loaded on demand: the library is large, and stages do not need it.
  const { openAnyWriter } = await import("./read.ts");
  return openAnyWriter(input, footer, names);
}

/** Splits a file into at most `maxRanges` ranges of row groups with about equally many rows. */
export function splitRowGroups({ rowGroups }: Footer, maxRanges: number): FileRange[] {
  const total = rowGroups.reduce((sum, { rows }) => sum + rows, 0);
  const ranges: FileRange[] = [];
  let [start, rows] = [0, 0];
  rowGroups.forEach((group, i) => {
    rows += group.rows;
    const isLast = i === rowGroups.length - 1;
    if (!isLast && rows < (total * (ranges.length + 1)) / maxRanges) return;
    ranges.push({ start, end: i + 1 });
    start = i + 1;
  });
  return ranges;
}
