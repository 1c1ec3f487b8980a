/** The contract of an encoder for the values of a page, without NULLs. */
import type { Data } from "../../../arrow/mod.ts";
import type { Extremes } from "./column_statistics.ts";

/** Most rows of a page; batches have about as many. */
export const PAGE_ROWS = 16_384;
/** Most bytes of the values of a page, unless a single value has more. */
export const PAGE_BYTES = 1 << 20;
/** Most bytes of all columns' pages for the same rows, unless a single row has more. */
export const PAGES_BYTES = 1 << 24;

/** Encodes the values of the current page. */
export interface PageValues {
  /** Encoding of the page taken last. */
  readonly encoding: number;
  /** Returns how many of `rows` rows from `from` still fit; at least one into an empty page. */
  room(data: Data, from: number, rows: number): number;
  /** Returns the bytes of a run of rows. */
  countBytes(data: Data, from: number, count: number): number;
  /** Adds a run of rows. */
  addRun(data: Data, from: number, count: number): void;
  /** Adds the rows with the given numbers. */
  addRows(data: Data, rows: Int32Array, count: number): void;
  /** Returns the page's bytes, valid until the next value is added, and empties the page. */
  take(): Uint8Array;
  /** Returns the lowest and highest value of the pages since the last call. */
  takeExtremes(): Extremes | undefined;
}
