/**
 * Columns that a generated function fills from a wire format without an object per value, and the parts
 * of its source that all formats share. In the source, column 1 has its values in `v1`, its NULL bits in
 * `m1`, and its text bytes in `b1`; `d1` writes them, and `e1` is their end. `bytes` and `view` are the
 * input, `at` the place in it, and `row` the place in the columns.
 */
import {
  BigColumn,
  type BoolColumn,
  BytesColumn,
  type Column,
  type NumberColumn,
} from "../../../arrow/mod.ts";
import { SLACK } from "../../transport/receive_buffer.ts";

/** Most columns of one generated function: V8 does not optimise very long functions. */
export const MAX_GENERATED = 64;
/** Size from which one call of `set` is faster than copying eight bytes at a time. */
export const LONG_VALUE = 192;

type DirectColumn = NumberColumn | BigColumn | BoolColumn | BytesColumn;

/** Arrays of a column, which change when it is opened or its bytes grow. */
export interface DirectBuffers {
  readonly bits: Uint8Array;
  readonly values: ArrayLike<number>;
  bytes: Uint8Array | undefined;
}

export class DirectColumns {
  /** By column; unset where the generated function does not fill it. */
  readonly buffers: (DirectBuffers | undefined)[];
  /** Number of NULLs since the columns were opened. */
  readonly nulls: Int32Array;

  /** @param isDirect whether the generated function fills a column; a decoder pushes to the others */
  constructor(readonly columns: readonly Column[], private readonly isDirect: readonly boolean[]) {
    this.buffers = columns.map(() => undefined);
    this.nulls = new Int32Array(columns.length);
  }

  /** Makes room for `rows` rows. */
  open(rows: number): void {
    this.columns.forEach((column, i) => {
      if (this.isDirect[i]) this.buffers[i] = openColumn(column as DirectColumn, rows);
    });
  }

  /** Takes back what the columns have of a row that could not be read as a whole. */
  undo(row: number): void {
    this.columns.forEach((column, i) => this.nulls[i] = column.discard(row));
  }

  /** Ends the columns after `rows` rows. */
  close(rows: number): void {
    this.columns.forEach((column, i) => {
      if (this.isDirect[i]) (column as DirectColumn).close(rows, this.nulls[i]!);
    });
    this.nulls.fill(0);
  }
}

function openColumn(column: DirectColumn, rows: number): DirectBuffers {
  const bits = column.open(rows);
  if (column instanceof BytesColumn) return { bits, values: column.offsets, bytes: column.bytes };
  const values = column instanceof BigColumn ? column.words : column.values;
  return { bits, values, bytes: undefined };
}

/** Source that declares the variables of a column. */
export function declareColumn(i: number, isText: boolean): string {
  const text = `const m${i} = buffers[${i}].bits, v${i} = buffers[${i}].values;`;
  if (!isText) return text;
  return `${text}
  let b${i} = buffers[${i}].bytes, d${i} = new DataView(b${i}.buffer), e${i} = v${i}[row];`;
}

/** Source that writes NULL. */
export function putNull(i: number): string {
  return `m${i}[row >> 3] &= ~(1 << (row & 7));
      nulls[${i}]++;`;
}

/** Source that copies the next `size` bytes of the input, eight at a time. */
export function putBytes(i: number): string {
  return `${growBytes(i, `size + ${SLACK}`)}
      if (size <= ${LONG_VALUE}) {
        for (let k = 0; k < size; k += 8) {
          d${i}.setBigInt64(e${i} + k, view.getBigInt64(at + k, true), true);
        }
      } else b${i}.set(bytes.subarray(at, at + size), e${i});
      at += size;
      e${i} += size;`;
}

/** Source that makes room for `size` more bytes of text. */
export function growBytes(i: number, size: string): string {
  return `if (e${i} + ${size} > b${i}.length) {
        b${i} = buffers[${i}].bytes = columns[${i}].extend(e${i}, ${size});
        d${i} = new DataView(b${i}.buffer);
      }`;
}

/** Source that follows each text value, also NULL. */
export function endText(i: number): string {
  return `v${i}[row + 1] = e${i};`;
}

/** Source that returns the column whose value does not fit its row. */
export function returnColumn(i: number | string): string {
  return `{ reach.at = at; reach.to = to; return ${i}; }`;
}
