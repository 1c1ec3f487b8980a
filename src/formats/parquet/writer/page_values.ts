/** Values of the page being filled, in their encoding: everything but NULLs. */
import type { Data } from "../../../arrow/mod.ts";
import type { Extremes } from "./column_statistics.ts";

/** Rows of the longest page: batches have about as many. */
export const PAGE_ROWS = 16_384;
/** Bytes of values in the largest page, unless one value has more. */
export const PAGE_BYTES = 1 << 20;
/** Bytes of all columns' pages of the same rows, unless one row has more. */
export const PAGES_BYTES = 1 << 24;

export interface PageValues {
  /** Of what was taken last. */
  readonly encoding: number;
  /** How many of `rows` rows from `from` on still fit; at least one in an empty page. */
  room(data: Data, from: number, rows: number): number;
  /** Bytes of a run of rows. */
  sizeOf(data: Data, from: number, count: number): number;
  /** Adds a run of rows. */
  addRun(data: Data, from: number, count: number): void;
  /** Adds the rows with these numbers. */
  addRows(data: Data, rows: Int32Array, count: number): void;
  /** The page's bytes, valid until the next value; the page is empty then. */
  take(): Uint8Array;
  /** Lowest and highest value of the pages since it was asked for last. */
  takeExtremes(): Extremes | undefined;
}
