/** Values of a page → buffers in Arrow's layout. */
import { isAscii, isUtf8 } from "node:buffer";
import { type Data, dataOf } from "../../../arrow/mod.ts";
import type { Field } from "../../../models/field.ts";
import { copyBits, countBits, isSet } from "../bits.ts";
import { decodeDelta, decodeDelta64 } from "../writer/delta.ts";
import { layoutOf } from "../elements.ts";
import { Encoding, PhysicalType } from "../thrift/metadata.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** A page as it is in the file, decompressed. */
export interface RawPage {
  readonly rows: number;
  readonly nulls: number;
  /** Bits of the rows that are not NULL; unset when all are. */
  readonly bits: Uint8Array | undefined;
  readonly bytes: Uint8Array;
  readonly encoding: number;
}

type Elements =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Buffers of a column for the rows of a page. */
export interface Page {
  readonly field: Field;
  readonly rows: number;
  readonly nulls: number;
  readonly bits: Uint8Array | undefined;
  readonly values: Elements;
  /** Elements of `values` for a row; 0 for bits and bytes. */
  readonly stride: number;
  readonly offsets?: Int32Array;
}

/** @throws {ThriftError} (the function) when the values are malformed */
export type PageDecoder = (page: RawPage) => Page;

/** The rows of a page from `from` up to `to`. */
export function slicePage(page: Page, from: number, to: number): Data {
  const { field, values, stride, offsets } = page;
  const length = to - from;
  const isWhole = length === page.rows;
  const nullBitmap = page.bits === undefined ? null : bitsOf(page.bits, from, length);
  const nullCount = isWhole || nullBitmap === null
    ? page.nulls
    : length - countBits(nullBitmap, length);
  const common = { length, nullCount, nullBitmap: nullCount === 0 ? null : nullBitmap };
  if (field.dtype === "bool") {
    return dataOf(field, { ...common, data: bitsOf(values as Uint8Array, from, length) });
  }
  if (offsets === undefined) {
    const data = isWhole ? values : values.subarray(from * stride, to * stride);
    return dataOf(field, { ...common, data });
  }
  if (isWhole) return dataOf(field, { ...common, valueOffsets: offsets, data: values });
  const start = offsets[from]!;
  const data = values.subarray(start, offsets[to]);
  const valueOffsets = offsets.slice(from, to + 1);
  if (start > 0) { for (let i = 0; i <= length; i++) valueOffsets[i]! -= start; }
  return dataOf(field, { ...common, valueOffsets, data });
}

function bitsOf(bits: Uint8Array, from: number, length: number): Uint8Array {
  if ((from & 7) === 0) return bits.subarray(from >> 3, (from + length + 7) >> 3);
  const part = new Uint8Array((length + 7) >> 3);
  copyBits(bits, from, part, 0, length);
  return part;
}

/**
 * Reads the pages of a column.
 *
 * @param recycle whether a page is done with when the next is read: then that may take its memory
 */
export function pageDecoder(field: Field, recycle: boolean): PageDecoder {
  const { type, width } = layoutOf(field);
  if (type === PhysicalType.BYTE_ARRAY) return bytesDecoder(field, recycle);
  const decode = type === PhysicalType.BOOLEAN ? boolPage : fixedDecoder(field, width, recycle);
  return (page) => {
    if (
      page.encoding !== Encoding.PLAIN &&
      (page.encoding !== Encoding.DELTA_BINARY_PACKED || type !== PhysicalType.INT64)
    ) throw new ThriftError("another encoding");
    const { rows, nulls, bits } = page;
    return { field, rows, nulls, bits, ...decode(page) };
  };
}

type Values = Pick<Page, "values" | "stride">;

function boolPage({ rows, nulls, bits, bytes }: RawPage): Values {
  const count = rows - nulls;
  if (bytes.length !== (count + 7) >> 3) throw otherSize();
  if (bits === undefined) return { values: bytes, stride: 0 };
  const values = new Uint8Array((rows + 7) >> 3);
  for (let row = 0, i = 0; row < rows; row++) {
    if (isSet(bits, row) && isSet(bytes, i++)) values[row >> 3]! |= 1 << (row & 7);
  }
  return { values, stride: 0 };
}

function fixedDecoder(
  field: Field,
  width: number | undefined,
  recycle: boolean,
): (page: RawPage) => Values {
  const { dtype, precision = 38 } = field;
  if (dtype === "decimal") {
    const words = precision <= 38 ? 4 : 8;
    const values = supply(Uint32Array, recycle);
    if (width !== undefined) {
      return (page) => wideDecimals(page, width, words, values(page.rows * words));
    }
    const stored = precision <= 9 ? 1 : 2;
    const present = supply(Int32Array, true);
    return (page) => decimals(spread(page, stored, present), stored, words, values);
  }
  const stored = layoutOf(field).type === PhysicalType.INT64 || dtype === "float64" ? 2 : 1;
  const array = ARRAYS[dtype as keyof typeof ARRAYS];
  if (array.BYTES_PER_ELEMENT < 4) {
    const present = supply(Int32Array, true);
    const values = supply(array as Constructor<Int8Array>, recycle);
    return (page) => narrow(spread(page, 1, present), values);
  }
  const present = supply(Int32Array, recycle);
  return (page) => {
    const words = spread(page, stored, present);
    return {
      values: new array(words.buffer as ArrayBuffer, words.byteOffset, page.rows),
      stride: 1,
    };
  };
}

interface Constructor<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): A;
}

/** Gives an array of so many elements, whatever they hold. */
type Supply<A> = (length: number) => A;

/** Arrays for one page after the other: always of the same memory, or new ones. */
function supply<A extends Elements>(array: Constructor<A>, recycle: boolean): Supply<A> {
  if (!recycle) return (length) => new array(length);
  let kept = new array(0);
  return (length) => {
    if (kept.length < length) kept = new array(length);
    return kept.subarray(0, length) as A;
  };
}

const ARRAYS = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
  date: Int32Array,
  time: BigInt64Array,
  timestamp: BigInt64Array,
  timestamp_tz: BigInt64Array,
} as const;

/** The values as words of 32 bits, zeros where NULL is; the very bytes where that can be. */
function spread(page: RawPage, width: 1 | 2, supply: Supply<Int32Array>): Int32Array {
  const { rows, bits } = page;
  const present = page.encoding === Encoding.PLAIN
    ? plainWords(page, width)
    : unpackedWords(page, bits === undefined ? supply : supplyPresent);
  if (bits === undefined) return present;
  const all = supply(rows * width).fill(0);
  for (let row = 0, i = 0; row < rows; row++) {
    if (!isSet(bits, row)) continue;
    all[row * width] = present[i]!;
    if (width === 2) all[row * 2 + 1] = present[i + 1]!;
    i += width;
  }
  return all;
}

/** For values that others are put between. */
const supplyPresent = supply(Int32Array, true);

function plainWords({ rows, nulls, bytes }: RawPage, width: 1 | 2): Int32Array {
  const words = (rows - nulls) * width;
  if (bytes.length !== words * 4) throw otherSize();
  // The longest elements have eight bytes.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, words);
}

function unpackedWords(
  { rows, nulls, bytes }: RawPage,
  supply: Supply<Int32Array>,
): Int32Array {
  const words = supply((rows - nulls) * 2);
  if (decodeDelta64(bytes, words) !== bytes.length) throw otherSize();
  return words;
}

function narrow(words: Int32Array, supply: Supply<Int8Array>): Values {
  const values = supply(words.length);
  values.set(words);
  for (let i = 0; i < words.length; i++) {
    if (values[i] !== words[i]) throw new ThriftError(`the value ${words[i]} beyond its type`);
  }
  return { values, stride: 1 };
}

/** Decimals of one or two words, extended by their sign. */
function decimals(
  words: Int32Array,
  stored: 1 | 2,
  width: number,
  supply: Supply<Uint32Array>,
): Values {
  const values = supply(words.length / stored * width);
  extend(words, stored, width, values);
  return { values, stride: width };
}

function extend(words: Int32Array, stored: 1 | 2, width: number, values: Uint32Array): void {
  for (let from = 0, at = 0; from < words.length; from += stored, at += width) {
    const high = words[from + stored - 1]!;
    values[at] = words[from]!;
    if (stored === 2) values[at + 1] = high;
    const sign = high >> 31;
    for (let word = stored; word < width; word++) values[at + word] = sign;
  }
}

/** Decimals whose bytes are in the file from the highest to the lowest. */
function wideDecimals(
  { rows, nulls, bits, bytes }: RawPage,
  size: number,
  width: number,
  values: Uint32Array,
): Values {
  if (bytes.length !== (rows - nulls) * size) throw otherSize();
  if (bits !== undefined) values.fill(0);
  for (let row = 0, at = 0; row < rows; row++) {
    if (bits !== undefined && !isSet(bits, row)) continue;
    const sign = bytes[at]! >> 7 === 0 ? 0 : -1;
    for (let word = 0, end = at + size; word < width; word++, end -= 4) {
      const left = end - at;
      let value = left > 0 ? 0 : sign;
      if (left >= 4) {
        value = bytes[end - 1]! | bytes[end - 2]! << 8 | bytes[end - 3]! << 16 |
          bytes[end - 4]! << 24;
      } else if (left > 0) {
        value = sign << (left * 8);
        for (let i = 0; i < left; i++) value |= bytes[end - 1 - i]! << (i * 8);
      }
      values[row * width + word] = value;
    }
    at += size;
  }
  return { values, stride: width };
}

function bytesDecoder(field: Field, recycle: boolean): PageDecoder {
  const supplyLengths = supply(Int32Array, true);
  const supplyOffsets = supply(Int32Array, recycle);
  return ({ rows, nulls, bits, bytes, encoding }) => {
    if (encoding !== Encoding.DELTA_LENGTH_BYTE_ARRAY) throw new ThriftError("another encoding");
    const lengths = supplyLengths(rows - nulls);
    const values = bytes.subarray(decodeDelta(bytes, lengths));
    const offsets = supplyOffsets(rows + 1);
    // The sum is compared, not its last 32 bits.
    if (sumLengths(lengths, bits, offsets) !== values.length) throw otherSize();
    if (field.dtype !== "binary") checkText(values, offsets);
    return { field, rows, nulls, bits, stride: 0, values, offsets };
  };
}

/** Where each value begins, and the last ends, which is returned. A NULL has no bytes. */
function sumLengths(
  lengths: Int32Array,
  bits: Uint8Array | undefined,
  offsets: Int32Array,
): number {
  let end = 0;
  offsets[0] = 0;
  for (let row = 1, i = 0; row < offsets.length; row++) {
    if (bits === undefined || isSet(bits, row - 1)) end += lengths[i++]!;
    offsets[row] = end;
  }
  return end;
}

function checkText(values: Uint8Array, offsets: Int32Array): void {
  if (!isAscii(values) && findInvalidText(values, offsets) !== undefined) throw notUTF8();
}

/** The first row whose bytes are not UTF-8; undefined when all are. A NULL has no bytes. */
export function findInvalidText(values: Uint8Array, offsets: Int32Array): number | undefined {
  if (isUtf8(values) && beginWithCharacters(values, offsets)) return undefined;
  let row = 0;
  while (isUtf8(values.subarray(offsets[row], offsets[row + 1]))) row++;
  return row;
}

function beginWithCharacters(values: Uint8Array, offsets: Int32Array): boolean {
  for (const offset of offsets) {
    // A byte within a character.
    if (offset < values.length && (values[offset]! & 0xc0) === 0x80) return false;
  }
  return true;
}

const notUTF8 = () => new ThriftError("text that is not UTF-8");
const otherSize = () => new ThriftError("a page of another size");
