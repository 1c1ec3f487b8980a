/**
 * Encodes values one after another, without compression.
 * Format: https://parquet.apache.org/docs/file-format/data-pages/encodings/#PLAIN
 */
import type { Data } from "../../../arrow/mod.ts";
import { readCanonicalUUID, UUID_BYTES } from "../../../core/values/uuid.ts";
import type { Field } from "../../../models/field.ts";
import { physicalLayout } from "../elements.ts";
import { PhysicalType } from "../thrift/metadata.ts";

/** Encodes a column of canonical values without NULLs. */
export function encodePlain(data: Data, field: Field): Uint8Array {
  const { type, width } = physicalLayout(field);
  if (type === PhysicalType.BYTE_ARRAY) return encodeBytes(data);
  if (field.uuid === true) return encodeUUIDs(data);
  if (field.dtype === "decimal") {
    const size = type === PhysicalType.INT32 ? 4 : type === PhysicalType.INT64 ? 8 : width!;
    return encodeDecimals(data, size, type === PhysicalType.FIXED);
  }
  const { values } = data;
  const isNarrow = type === PhysicalType.INT32 && values.BYTES_PER_ELEMENT < 4;
  const words = isNarrow ? Int32Array.from(values) : values;
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Each value follows its length. */
function encodeBytes({ values, valueOffsets, length }: Data): Uint8Array {
  const out = new Uint8Array(valueOffsets[length]! + length * 4);
  const view = new DataView(out.buffer);
  for (let row = 0; row < length; row++) {
    const [start, end] = [valueOffsets[row]!, valueOffsets[row + 1]!];
    const at = start + row * 4;
    view.setUint32(at, end - start, true);
    out.set(values.subarray(start, end), at + 4);
  }
  return out;
}

function encodeUUIDs({ values, valueOffsets, length }: Data): Uint8Array {
  const out = new Uint8Array(length * UUID_BYTES);
  for (let row = 0; row < length; row++) {
    const [start, end] = [valueOffsets[row]!, valueOffsets[row + 1]!];
    readCanonicalUUID(values, start, end - start, out, row * UUID_BYTES);
  }
  return out;
}

/** The lowest `size` bytes of each decimal, as an integer or with the highest byte first. */
function encodeDecimals({ values, length }: Data, size: number, isReversed: boolean): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const stride = bytes.length / length;
  const out = new Uint8Array(length * size);
  for (let row = 0; row < length; row++) {
    const value = bytes.subarray(row * stride, row * stride + size);
    out.set(isReversed ? value.toReversed() : value, row * size);
  }
  return out;
}
