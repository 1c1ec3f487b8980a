/**
 * Columns filled from text, one column at a time for many records: the usual spelling of a value
 * in a loop of its type without an object for it, every other spelling by a general parser.
 */
import {
  type BigColumn,
  type BoolColumn,
  type BytesColumn,
  columnFor,
  type NumberColumn,
} from "../../arrow/mod.ts";
import { ValueError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import type { ColumnParser } from "./column_parsers.ts";

/** Where the values of some records are. */
export interface Slice {
  /** UTF-8, with at least 8 bytes more than are used. */
  readonly bytes: Uint8Array;
  /**
   * For each value where it begins and where it ends, as ~end when it does not stand as it is
   * meant; those of a record together.
   */
  readonly spans: Int32Array;
  /** From a record's values to those of the next. */
  readonly stride: number;
}

/** A column whose arrays are filled from outside. */
export type OpenColumn = NumberColumn | BigColumn | BoolColumn | BytesColumn;

/** What a format says of a field's values. */
export interface Spelling {
  /** Puts the values of the usual spelling. */
  readonly loop: ColumnParser;
  /** Bytes of a NULL that stands as it is; negative when there is none. */
  readonly nullSize: number;
  /** Whether the value whose span is at `at` is NULL. */
  isNull(slice: Slice, at: number): boolean;
  /**
   * Pushes any other value.
   *
   * @throws {ValueError} when it is not of the field's type
   */
  push(slice: Slice, at: number): void;
  /**
   * Writes a text that does not stand as it is meant from `end` on; there is room for all between
   * its ends.
   *
   * @returns where it ends
   * @throws {ValueError} when it is no text
   */
  write(slice: Slice, at: number, out: Uint8Array, end: number): number;
}

/** Fills one column. */
export class ColumnFiller {
  /** Rows that the column had before the slice. */
  base = 0;
  readonly nullSize: number;
  #nulls = 0;
  /** Rows that there is room for. */
  #room = 0;
  #valid: Uint8Array = new Uint8Array();

  /** @param at of the field's value in the spans of a record */
  constructor(
    readonly field: Field,
    readonly column: OpenColumn,
    readonly at: number,
    private readonly spelling: Spelling,
  ) {
    this.nullSize = spelling.nullSize;
  }

  /** @throws {ValueError} when a value is not of the field's type, with its number in the slice */
  fill(slice: Slice, rows: number): void {
    const { column } = this;
    this.base = column.length;
    if (this.base === 0) this.#nulls = 0;
    const wanted = this.base + rows;
    // A batch is mostly as long as the one before, and its arrays should grow but a few times.
    if (wanted > this.#room) this.#room = Math.max(wanted, this.#room * 2);
    this.#valid = column.open(this.#room);
    this.spelling.loop(this, slice, rows);
    column.close(this.base + rows, this.#nulls);
  }

  isNull(slice: Slice, row: number): boolean {
    return this.spelling.isNull(slice, this.at + row * slice.stride);
  }

  /** Puts NULL, or a value that the loop does not know. */
  other(slice: Slice, row: number): void {
    if (this.isNull(slice, row)) return this.putNull(row);
    this.column.close(this.base + row, this.#nulls);
    try {
      this.spelling.push(slice, this.at + row * slice.stride);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(row + 1) : error;
    }
  }

  /** Writes a text that does not stand as it is meant. */
  write(slice: Slice, row: number, out: Uint8Array, end: number): number {
    try {
      return this.spelling.write(slice, this.at + row * slice.stride, out, end);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(row + 1) : error;
    }
  }

  /** Puts NULL; texts say where they end themselves. */
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

/** Records and bytes of text that are looked at together: they stay in the processor's cache. */
export const SLICE_RECORDS = 2048;
const SLICE_BYTES = 131_072;

/** Bytes of text for the next slice where the batch has room for so many bytes of values. */
export function sliceBytes(room: number): number {
  return Math.max(1, Math.min(SLICE_BYTES, Math.floor(room / 4)));
}

/** Bytes that the values of columns take. */
export function sizeOf(columns: readonly OpenColumn[]): number {
  return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** An empty column that can be filled. */
export function openColumn(field: Field): OpenColumn {
  return columnFor(field) as OpenColumn;
}

/**
 * Fills all columns from a slice.
 *
 * @throws {ValueError} for the first record with a wrong value, with its number in the slice, and
 * of its values the first
 */
export function fillColumns(fillers: readonly ColumnFiller[], slice: Slice, rows: number): void {
  let most = rows;
  let wrong: ValueError | undefined;
  for (const filler of fillers) {
    try {
      filler.fill(slice, most);
    } catch (error) {
      if (!(error instanceof ValueError) || error.row === undefined) throw error;
      most = error.row - 1;
      wrong = error;
    }
  }
  if (wrong !== undefined) throw wrong;
}
