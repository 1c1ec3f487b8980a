/** Validates that an untrusted column's buffers match its type. */
import { isUtf8 } from "node:buffer";
import { type Data, DataType, util, type Vector } from "apache-arrow";
import { MAX_EMPTY } from "./ipc/message.ts";
import { isNull } from "./reader.ts";

/**
 * Checks that all buffers are long enough, offsets and indices stay in bounds, and text is UTF-8.
 *
 * @throws {RangeError} when they do not
 */
export function validateColumn(data: Data): void {
  const { type, length } = data;
  checkNulls(data);
  if (DataType.isDictionary(type)) return checkDictionary(data);
  if (DataType.isNull(type)) return;
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) return checkViews(data);
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    return checkText(data, checkOffsets(data, data.values.length));
  }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) {
    return void checkOffsets(data, data.values.length);
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    const child = validateChild(data, 0, 0);
    return void checkOffsets(data, child.length);
  }
  if (DataType.isFixedSizeList(type)) {
    if (type.listSize < 0) throw new RangeError("a list has a negative size");
    return void validateChild(data, 0, length * type.listSize);
  }
  if (DataType.isStruct(type)) {
    data.children.forEach((_, i) => validateChild(data, i, length));
    return;
  }
  requireLength(data.values?.byteLength ?? 0, Math.ceil(length * valueBits(type) / 8));
}

/** Bits of one value; 0 for a type that no reader supports. */
function valueBits(type: DataType): number {
  if (DataType.isBool(type)) return 1;
  if (DataType.isFixedSizeBinary(type)) {
    if (type.byteWidth < 0) throw new RangeError("a column has a negative width");
    return type.byteWidth * 8;
  }
  if (DataType.isDecimal(type)) {
    if (![32, 64, 128, 256].includes(type.bitWidth)) {
      throw new RangeError(`a decimal has ${type.bitWidth} bits`);
    }
    return type.bitWidth;
  }
  if (DataType.isUnion(type) || DataType.isInterval(type)) return 0;
  return (type as unknown as { ArrayType: { BYTES_PER_ELEMENT: number } }).ArrayType
    .BYTES_PER_ELEMENT * 8;
}

function requireLength(has: number, wanted: number): void {
  if (has < wanted) throw new RangeError("a column is shorter than its batch");
}

function checkNulls({ type, nullCount, nullBitmap, length }: Data): void {
  if (DataType.isNull(type) || DataType.isUnion(type) || nullCount === 0) return;
  requireLength(nullBitmap.length, Math.ceil(length / 8));
  if (length - util.popcnt_bit_range(nullBitmap, 0, length) !== nullCount) {
    throw new RangeError("a column's NULL count does not match its bitmap");
  }
}

function validateChild(data: Data, i: number, length: number): Data {
  const child = data.children[i];
  if (child === undefined) throw new RangeError("a column has no values");
  if (child.byteLength === 0 && child.length > MAX_EMPTY) {
    throw new RangeError(`a list has ${child.length} values without a byte`);
  }
  requireLength(child.length, length);
  validateColumn(child);
  return child;
}

/** Checks the offsets; returns the first and the last. */
function checkOffsets(data: Data, end: number): readonly [number, number] {
  if (data.length === 0) return [0, 0];
  const offsets = data.valueOffsets as ArrayLike<number | bigint>;
  requireLength(offsets.length, data.length + 1);
  let before = offsets[0]!;
  for (let i = 1; i <= data.length; i++) {
    const offset = offsets[i]!;
    if (offset < before) throw new RangeError("a column's offsets go back");
    before = offset;
  }
  if (offsets[0]! < 0 || before > end) throw new RangeError("a column's offsets leave its values");
  return [Number(offsets[0]), Number(before)];
}

function checkText(data: Data, [start, end]: readonly [number, number]): void {
  const { values } = data;
  if (!isUtf8(values.subarray(start, end))) throw notUTF8();
  const offsets = data.valueOffsets as ArrayLike<number | bigint>;
  for (let i = 0; i < data.length; i++) {
    const at = Number(offsets[i]);
    // A continuation byte: the offset lies within a character.
    if (at < end && (values[at] & 0xc0) === 0x80) throw notUTF8();
  }
}

function notUTF8(): RangeError {
  return new RangeError("its text is not UTF-8");
}

/**
 * Checks string views. Format:
 * https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-view-layout
 */
function checkViews(data: Data): void {
  const bytes = data.values as Uint8Array;
  requireLength(bytes.byteLength, data.length * 16);
  const views = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isText = DataType.isUtf8View(data.type);
  for (let row = 0; row < data.length; row++) {
    if (isNull(data, row)) continue;
    const at = row * 16;
    const length = views.getInt32(at, true);
    let value: Uint8Array | undefined = bytes.subarray(at + 4, at + 4 + length);
    if (length > 12) {
      const start = views.getInt32(at + 12, true);
      const buffer = data.variadicBuffers[views.getInt32(at + 8, true)];
      value = start < 0 ? undefined : buffer?.subarray(start, start + length);
    }
    if (length < 0 || value?.length !== length) {
      throw new RangeError("a column's views leave its values");
    }
    if (isText && !isUtf8(value)) throw notUTF8();
  }
}

/** Dictionaries that have been validated: most batches share theirs. */
const validated = new WeakSet<Data>();

function checkDictionary(data: Data): void {
  const words = data.dictionary as Vector | undefined;
  if (words === undefined) throw new RangeError("a dictionary is missing");
  for (const part of words.data) {
    if (validated.has(part)) continue;
    validateColumn(part);
    validated.add(part);
  }
  requireLength(data.values.length, data.length);
  for (let row = 0; row < data.length; row++) {
    const index = data.values[row] as number | bigint;
    if ((index < 0 || index >= words.length) && !isNull(data, row)) {
      throw new RangeError("a column has an index beyond its dictionary");
    }
  }
}
