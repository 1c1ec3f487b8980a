/** Converts columns of other writers without a look at their values. */
import { type Data, makeData, Utf8 } from "apache-arrow";

/** Whether a column is not a slice of a longer one, so that row n is bit n. */
export function isDense(data: Data): boolean {
  return data.offset === 0 && data.dictionary === undefined;
}

/** Returns the text with 32-bit offsets; undefined for a slice, or for text too long for them. */
export function largeUtf8ToUtf8(data: Data): Data | undefined {
  const large = data.valueOffsets as unknown as BigInt64Array;
  const { length, nullCount, nullBitmap, values } = data;
  if (!isDense(data) || large.length < length + 1 || values.length > 0x7fffffff) return undefined;
  const valueOffsets = new Int32Array(length + 1);
  // On little-endian machines the low word of each pair is the 32-bit offset.
  const words = new Int32Array(large.buffer, large.byteOffset, (length + 1) * 2);
  for (let i = 0; i <= length; i++) valueOffsets[i] = words[i * 2]!;
  return makeData({
    type: new Utf8(),
    length,
    nullCount,
    nullBitmap: nullCount === 0 ? null : nullBitmap,
    valueOffsets,
    data: values,
  });
}
