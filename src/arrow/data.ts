/** Buffers in Arrow's layout → columns. */
import { type Data, makeData } from "apache-arrow";
import type { Field } from "../models/field.ts";
import { arrowType } from "./schema.ts";

/** What a column is made of; its first value is the buffers' first. */
export interface Buffers {
  readonly length: number;
  readonly nullCount: number;
  /** Bits of the rows that are not NULL, least significant first; null when all are. */
  readonly nullBitmap: Uint8Array | null;
  /** Of text and binary, `length` + 1 places in `data`. */
  readonly valueOffsets?: Int32Array;
  /** Values, bits of booleans, bytes of text and binary, 32-bit words of decimals. */
  readonly data: ArrayBufferView;
}

/** Wraps buffers in the layout of `columnFor` as the column of a field. */
export function dataOf(field: Field, buffers: Buffers): Data {
  return makeData({ type: arrowType(field), ...buffers } as never);
}
