/**
 * Fills columns from text, one column at a time for many records: the common form of a value in a
 * loop without objects, every other form with a general parser.
 */
import {
  type BigColumn,
  type BoolColumn,
  type BytesColumn,
  createColumn,
  type NumberColumn,
} from "../../arrow/mod.ts";
import { ValueError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import type { ColumnParser } from "./column_parsers.ts";

/** The positions of the values of some records. */
export interface Slice {
  /** UTF-8 with at least 8 readable bytes behind the last value. */
  readonly bytes: Uint8Array;
  /** Start and end of each value, record by record; ~end marks text that must be unescaped. */
  readonly spans: Int32Array;
  /** Numbers in `spans` per record. */
  readonly stride: number;
}

/** A column whose arrays a parser fills. */
export type OpenColumn = NumberColumn | BigColumn | BoolColumn | BytesColumn;

/** How a format represents a field's values. */
export interface Literals {
  /** Parses values in their common form. */
  readonly parser: ColumnParser;
  /** Bytes of an unquoted NULL; negative when the format has none. */
  readonly nullSize: number;
  /** Whether the value whose span is at `at` is NULL. */
  isNull(slice: Slice, at: number): boolean;
  /**
   * Parses any other form of a value and appends it.
   *
   * @throws {ValueError} when it is not of the field's type
   */
  push(slice: Slice, at: number): void;
  /**
   * Writes an unescaped text from `end`; `out` has room for the whole span.
   *
   * @returns where it ends
   * @throws {ValueError} when it is not text
   */
  write(slice: Slice, at: number, out: Uint8Array, end: number): number;
}

/** Fills one column; parsers call back for NULL and for values that they do not recognise. */
export class ColumnFiller {
  /** Rows of the column before the slice. */
  base = 0;
  readonly nullSize: number;
  #nulls = 0;
  /** Capacity in rows. */
  #room = 0;
  #valid: Uint8Array = new Uint8Array();

  /** @param at index of the field's span within a record's spans */
  constructor(
    readonly field: Field,
    readonly column: OpenColumn,
    readonly at: number,
    private readonly literals: Literals,
  ) {
    this.nullSize = literals.nullSize;
  }

  /** @throws {ValueError} with its number in the slice for a value not of the field's type */
  fill(slice: Slice, rows: number): void {
    const { column } = this;
    this.base = column.length;
    if (this.base === 0) this.#nulls = 0;
    const needed = this.base + rows;
    // Batches are about equally long, so the arrays grow only a few times.
    if (needed > this.#room) this.#room = Math.max(needed, this.#room * 2);
    this.#valid = column.open(this.#room);
    this.literals.parser(this, slice, rows);
    column.close(this.base + rows, this.#nulls);
  }

  /** Takes back what the last call of `fill` has filled. */
  undo(): void {
    this.#nulls = this.column.discard(this.base);
  }

  isNull(slice: Slice, row: number): boolean {
    return this.literals.isNull(slice, this.at + row * slice.stride);
  }

  /** Appends NULL, or a value that the parser does not recognise. */
  putOther(slice: Slice, row: number): void {
    if (this.isNull(slice, row)) return this.putNull(row);
    this.column.close(this.base + row, this.#nulls);
    try {
      this.literals.push(slice, this.at + row * slice.stride);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(row + 1) : error;
    }
  }

  /** Writes an unescaped text. */
  write(slice: Slice, row: number, out: Uint8Array, end: number): number {
    try {
      return this.literals.write(slice, this.at + row * slice.stride, out, end);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(row + 1) : error;
    }
  }

  /** Writes NULL; text columns also need an offset. */
  putNull(row: number): void {
    const { name, nullable } = this.field;
    if (!nullable) {
      throw new ValueError("expected a value, the field is not nullable", name, row + 1, null);
    }
    const at = this.base + row;
    this.#valid[at >> 3]! &= ~(1 << (at & 7));
    this.#nulls++;
    if ("offsets" in this.column) this.column.offsets[at + 1] = this.column.offsets[at]!;
  }
}

/** Records and bytes of text to process at once: they fit the processor's cache. */
export const SLICE_RECORDS = 2048;
const SLICE_BYTES = 131_072;

/** Bytes of text for the next slice, given the bytes of values that the batch has room for. */
export function sliceBytes(room: number): number {
  return Math.max(1, Math.min(SLICE_BYTES, Math.floor(room / 4)));
}

/** Sums the bytes of the columns' values. */
export function sumBytes(columns: readonly OpenColumn[]): number {
  return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Creates an empty column that parsers can fill. */
export function openColumn(field: Field): OpenColumn {
  return createColumn(field) as OpenColumn;
}

/**
 * Fills all columns from a slice.
 *
 * @throws {ValueError} for the first wrong value, in the order of records, with its record's number
 * in the slice
 */
export function fillColumns(fillers: readonly ColumnFiller[], slice: Slice, rows: number): void {
  let validRows = rows;
  let failure: ValueError | undefined;
  for (const filler of fillers) {
    try {
      filler.fill(slice, validRows);
    } catch (error) {
      if (!(error instanceof ValueError) || error.row === undefined) throw error;
      validRows = error.row - 1;
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
}

/**
 * As {@linkcode fillColumns}, without the records that `reject` takes; it throws for an error that is not to be
 * rejected, and gets the record's number in the slice.
 *
 * @returns the number of records that the columns have
 */
export function fillAccepted(
  fillers: readonly ColumnFiller[],
  slice: Slice,
  rows: number,
  reject: (error: ValueError, row: number) => void,
): number {
  let filled = 0;
  for (let from = 0; from < rows;) {
    const rest = { ...slice, spans: slice.spans.subarray(from * slice.stride) };
    try {
      fillColumns(fillers, rest, rows - from);
      return filled + rows - from;
    } catch (error) {
      if (!(error instanceof ValueError) || error.row === undefined) throw error;
      for (const filler of fillers) filler.undo();
      reject(error, from + error.row);
      // The records before it have no wrong value.
      fillColumns(fillers, rest, error.row - 1);
      filled += error.row - 1;
      from += error.row;
    }
  }
  return filled;
}
