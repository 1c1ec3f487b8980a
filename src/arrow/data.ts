/** Wraps buffers in Arrow's layout as columns. */
import { type Data, makeData } from "apache-arrow";
import type { Field } from "../models/field.ts";
import { arrowType } from "./schema.ts";

/** The buffers of a column; they begin with its first value. */
export interface Buffers {
  readonly length: number;
  readonly nullCount: number;
  /** Bitmap of the rows that are not NULL, lowest bit first; null without NULLs. */
  readonly nullBitmap: Uint8Array | null;
  /** For text and binary: `length` + 1 offsets into `data`. */
  readonly valueOffsets?: Int32Array;
  /** Values; for booleans bits, for text and binary bytes, for decimals 32-bit words. */
  readonly data: ArrayBufferView;
}

/** Wraps buffers in the layout of `createColumn` as a column of the field. */
export function wrapBuffers(field: Field, buffers: Buffers): Data {
  return makeData({ type: arrowType(field), ...buffers } as never);
}
