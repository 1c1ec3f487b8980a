/** Decodes the values of a page into buffers in Arrow's layout. */
import { isAscii, isUtf8 } from "node:buffer";
import { type Data, wrapBuffers } from "../../../arrow/mod.ts";
import { UUID_BYTES, UUID_CHARACTERS, writeUUID } from "../../../core/values/uuid.ts";
import type { Field } from "../../../models/field.ts";
import { copyBits, countBits, isSet } from "../bits.ts";
import { decodeDelta, decodeDelta64 } from "../writer/delta.ts";
import { physicalLayout } from "../elements.ts";
import { Encoding, PhysicalType } from "../thrift/metadata.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** A page as stored, decompressed. */
export interface RawPage {
  readonly rows: number;
  readonly nulls: number;
  /** Bitmap of the rows that are not NULL; unset when no row is NULL. */
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

/** Buffers of a column, for the rows of a page. */
export interface Page {
  readonly field: Field;
  readonly rows: number;
  readonly nulls: number;
  readonly bits: Uint8Array | undefined;
  readonly values: Elements;
  /** Elements of `values` per row; 0 for bits and bytes. */
  readonly stride: number;
  readonly offsets?: Int32Array;
}

/** @throws {ThriftError} (the function) when the values are malformed */
export type PageDecoder = (page: RawPage) => Page;

/** Returns the rows of a page from `from` up to `to` as a column. */
export function slicePage(page: Page, from: number, to: number): Data {
  const { field, values, stride, offsets } = page;
  const length = to - from;
  const isWhole = length === page.rows;
  const nullBitmap = page.bits === undefined ? null : sliceBits(page.bits, from, length);
  const nullCount = isWhole || nullBitmap === null
    ? page.nulls
    : length - countBits(nullBitmap, length);
  const common = { length, nullCount, nullBitmap: nullCount === 0 ? null : nullBitmap };
  if (field.dtype === "bool") {
    return wrapBuffers(field, { ...common, data: sliceBits(values as Uint8Array, from, length) });
  }
  if (offsets === undefined) {
    const data = isWhole ? values : values.subarray(from * stride, to * stride);
    return wrapBuffers(field, { ...common, data });
  }
  if (isWhole) return wrapBuffers(field, { ...common, valueOffsets: offsets, data: values });
  const start = offsets[from]!;
  const data = values.subarray(start, offsets[to]);
  const valueOffsets = offsets.slice(from, to + 1);
  if (start > 0) { for (let i = 0; i <= length; i++) valueOffsets[i]! -= start; }
  return wrapBuffers(field, { ...common, valueOffsets, data });
}

function sliceBits(bits: Uint8Array, from: number, length: number): Uint8Array {
  if ((from & 7) === 0) return bits.subarray(from >> 3, (from + length + 7) >> 3);
  const part = new Uint8Array((length + 7) >> 3);
  copyBits(bits, from, part, 0, length);
  return part;
}

/**
 * Returns a decoder for the pages of a column.
 *
 * @param recycle whether the decoder may reuse a page's memory for the next page
 */
export function createPageDecoder(field: Field, recycle: boolean): PageDecoder {
  const { type, width } = physicalLayout(field);
  if (type === PhysicalType.BYTE_ARRAY) return bytesDecoder(field, recycle);
  if (field.dtype === "string") return uuidDecoder(field, recycle);
  const decode = type === PhysicalType.BOOLEAN ? decodeBools : fixedDecoder(field, width, recycle);
  return (page) => {
    if (
      page.encoding !== Encoding.PLAIN &&
      (page.encoding !== Encoding.DELTA_BINARY_PACKED || type !== PhysicalType.INT64)
    ) throw new ThriftError("an unexpected encoding");
    const { rows, nulls, bits } = page;
    return { field, rows, nulls, bits, ...decode(page) };
  };
}

type Values = Pick<Page, "values" | "stride">;

function decodeBools({ rows, nulls, bits, bytes }: RawPage): Values {
  const count = rows - nulls;
  if (bytes.length !== (count + 7) >> 3) throw sizeError();
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
    const values = createSupply(Uint32Array, recycle);
    if (width !== undefined) {
      return (page) => decodeWideDecimals(page, width, words, values(page.rows * words));
    }
    const stored = precision <= 9 ? 1 : 2;
    const present = createSupply(Int32Array, true);
    return (page) => decodeDecimals(spreadWords(page, stored, present), stored, words, values);
  }
  const stored = physicalLayout(field).type === PhysicalType.INT64 || dtype === "float64" ? 2 : 1;
  const array = ARRAYS[dtype as keyof typeof ARRAYS];
  if (array.BYTES_PER_ELEMENT < 4) {
    const present = createSupply(Int32Array, true);
    const values = createSupply(array as Constructor<Int8Array>, recycle);
    return (page) => narrowWords(spreadWords(page, 1, present), values);
  }
  const present = createSupply(Int32Array, recycle);
  return (page) => {
    const words = spreadWords(page, stored, present);
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

/** Returns an array of `length` elements with undefined content. */
type Supply<A> = (length: number) => A;

/** Supplies an array for each page: from the same memory, or a new one. */
function createSupply<A extends Elements>(array: Constructor<A>, recycle: boolean): Supply<A> {
  if (!recycle) return (length) => new array(length);
  let memory = new array(0);
  return (length) => {
    if (memory.length < length) memory = new array(length);
    return memory.subarray(0, length) as A;
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

/** Returns the values as 32-bit words, zero for NULL; without NULLs a view if possible. */
function spreadWords(page: RawPage, width: 1 | 2, supply: Supply<Int32Array>): Int32Array {
  const { rows, bits } = page;
  const present = page.encoding === Encoding.PLAIN
    ? readPlainWords(page, width)
    : unpackWords(page, bits === undefined ? supply : supplyPresent);
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

/** Memory for values without NULLs, before they are spread. */
const supplyPresent = createSupply(Int32Array, true);

function readPlainWords({ rows, nulls, bytes }: RawPage, width: 1 | 2): Int32Array {
  const words = (rows - nulls) * width;
  if (bytes.length !== words * 4) throw sizeError();
  // The views of 64-bit elements need this alignment.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, words);
}

function unpackWords(
  { rows, nulls, bytes }: RawPage,
  supply: Supply<Int32Array>,
): Int32Array {
  const words = supply((rows - nulls) * 2);
  if (decodeDelta64(bytes, words) !== bytes.length) throw sizeError();
  return words;
}

function narrowWords(words: Int32Array, supply: Supply<Int8Array>): Values {
  const values = supply(words.length);
  values.set(words);
  for (let i = 0; i < words.length; i++) {
    if (values[i] !== words[i]) {
      throw new ThriftError(`the value ${words[i]}, which its type cannot hold`);
    }
  }
  return { values, stride: 1 };
}

/** Decodes decimals of one or two words; sign-extends them. */
function decodeDecimals(
  words: Int32Array,
  stored: 1 | 2,
  width: number,
  supply: Supply<Uint32Array>,
): Values {
  const values = supply(words.length / stored * width);
  extendWords(words, stored, width, values);
  return { values, stride: width };
}

function extendWords(words: Int32Array, stored: 1 | 2, width: number, values: Uint32Array): void {
  for (let from = 0, at = 0; from < words.length; from += stored, at += width) {
    const high = words[from + stored - 1]!;
    values[at] = words[from]!;
    if (stored === 2) values[at + 1] = high;
    const sign = high >> 31;
    for (let word = stored; word < width; word++) values[at + word] = sign;
  }
}

/** Decodes decimals that are stored with the highest byte first. */
function decodeWideDecimals(
  { rows, nulls, bits, bytes }: RawPage,
  size: number,
  width: number,
  values: Uint32Array,
): Values {
  if (bytes.length !== (rows - nulls) * size) throw sizeError();
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
  const supplyLengths = createSupply(Int32Array, true);
  const supplyOffsets = createSupply(Int32Array, recycle);
  return ({ rows, nulls, bits, bytes, encoding }) => {
    if (encoding !== Encoding.DELTA_LENGTH_BYTE_ARRAY) {
      throw new ThriftError("an unexpected encoding");
    }
    const lengths = supplyLengths(rows - nulls);
    const values = bytes.subarray(decodeDelta(bytes, lengths));
    const offsets = supplyOffsets(rows + 1);
    // The sum may exceed 32 bits, so compare it before it is stored.
    if (sumLengths(lengths, bits, offsets) !== values.length) throw sizeError();
    if (field.dtype !== "binary") checkText(values, offsets);
    return { field, rows, nulls, bits, stride: 0, values, offsets };
  };
}

/** Decodes the bytes of UUIDs as their text. */
function uuidDecoder(field: Field, recycle: boolean): PageDecoder {
  const supplyLengths = createSupply(Int32Array, true);
  const supplyOffsets = createSupply(Int32Array, recycle);
  const supplyValues = createSupply(Uint8Array, recycle);
  return ({ rows, nulls, bits, bytes, encoding }) => {
    if (encoding !== Encoding.PLAIN) throw new ThriftError("an unexpected encoding");
    const count = rows - nulls;
    if (bytes.length !== count * UUID_BYTES) throw sizeError();
    const values = supplyValues(count * UUID_CHARACTERS);
    writeUUIDs(bytes, values, count);
    const offsets = supplyOffsets(rows + 1);
    sumLengths(supplyLengths(count).fill(UUID_CHARACTERS), bits, offsets);
    return { field, rows, nulls, bits, stride: 0, values, offsets };
  };
}

function writeUUIDs(bytes: Uint8Array, values: Uint8Array, count: number): void {
  for (let i = 0; i < count; i++) writeUUID(bytes, i * UUID_BYTES, values, i * UUID_CHARACTERS);
}

/** Writes the start of each value and returns the end of the last one. A NULL has no bytes. */
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

/** Finds the first row that is not UTF-8; undefined when all are. A NULL has no bytes. */
export function findInvalidText(values: Uint8Array, offsets: Int32Array): number | undefined {
  if (isUtf8(values) && startAtCharacters(values, offsets)) return undefined;
  let row = 0;
  while (isUtf8(values.subarray(offsets[row], offsets[row + 1]))) row++;
  return row;
}

function startAtCharacters(values: Uint8Array, offsets: Int32Array): boolean {
  for (const offset of offsets) {
    // A continuation byte: the offset lies within a character.
    if (offset < values.length && (values[offset]! & 0xc0) === 0x80) return false;
  }
  return true;
}

const notUTF8 = () => new ThriftError("text that is not UTF-8");
const sizeError = () => new ThriftError("a page with a wrong size");
