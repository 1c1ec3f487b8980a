/**
 * Encodes values of fixed width: as PLAIN, or 64-bit numbers as differences where these are small.
 * Format: https://github.com/apache/parquet-format/blob/master/Encodings.md
 */
import type { Data } from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import { readCanonicalUUID, UUID_BYTES } from "../../../core/values/uuid.ts";
import type { Field } from "../../../models/field.ts";
import { encodeDelta64, maxDeltaSize } from "./delta.ts";
import { physicalLayout } from "../elements.ts";
import { Encoding, PhysicalType } from "../thrift/metadata.ts";
import {
  BytesRange,
  type Extremes,
  NumberRange,
  RANGE_SLACK,
  viewBytes,
  WordsRange,
} from "./column_statistics.ts";
import { PAGE_ROWS, type PageValues } from "./page_values.ts";

interface Range {
  take(): Extremes | undefined;
}

/** Copies values of a column to the page: those of a run of rows, or of given rows. */
interface Copy {
  run(data: Data, from: number, count: number, to: number): void;
  rows(data: Data, rows: Int32Array, count: number, to: number): void;
}

/** Encodes the first values of a page as differences; returns 0 where that would save little. */
type Pack = (count: number, out: Uint8Array) => number;

/** Scratch memory of all columns; holds nothing between calls. */
const packed = new Uint8Array(maxDeltaSize(PAGE_ROWS));

class FixedValues implements PageValues {
  encoding: number = Encoding.PLAIN;
  #count = 0;

  constructor(
    private readonly width: number,
    private readonly bytes: Uint8Array,
    private readonly copy: Copy,
    private readonly measure: (count: number) => void,
    private readonly range: Range,
    private readonly pack: Pack = () => 0,
  ) {}

  room(_data: Data, _from: number, rows: number): number {
    return rows;
  }

  countBytes(_data: Data, _from: number, count: number): number {
    return count * this.width;
  }

  addRun(data: Data, from: number, count: number): void {
    this.copy.run(data, from, count, this.#count);
    this.#count += count;
  }

  addRows(data: Data, rows: Int32Array, count: number): void {
    this.copy.rows(data, rows, count, this.#count);
    this.#count += count;
  }

  take(): Uint8Array {
    const count = this.#count;
    this.#count = 0;
    this.measure(count);
    const size = this.pack(count, packed);
    this.encoding = size === 0 ? Encoding.PLAIN : Encoding.DELTA_BINARY_PACKED;
    return size === 0 ? this.bytes.subarray(0, count * this.width) : packed.subarray(0, size);
  }

  takeExtremes(): Extremes | undefined {
    return this.range.take();
  }
}

/** Creates the encoder of any type but booleans, binary, and text other than UUIDs. */
export function createFixedValues(field: Field): PageValues {
  const { type, width } = physicalLayout(field);
  if (field.dtype === "string") return createUUIDs(field);
  if (type === PhysicalType.FIXED) return createWideDecimals(width!, (field.precision ?? 38) <= 38);
  if (type === PhysicalType.INT64 || type === PhysicalType.DOUBLE) return createValues64(field);
  return createValues32(field);
}

function createValues32({ dtype, precision = 38 }: Field): PageValues {
  const out = new Int32Array(PAGE_ROWS);
  const copy = dtype === "decimal"
    ? copyDecimals(out, 1, precision)
    : NARROW.has(dtype)
    ? widen(out)
    : copyWords32(out);
  const array = dtype === "float32"
    ? Float32Array
    : dtype.startsWith("uint")
    ? Uint32Array
    : Int32Array;
  const view = new array(out.buffer);
  const range = new NumberRange((value) => viewBytes(array.of(value)));
  return new FixedValues(4, viewBytes(out), copy, (count) => range.add(view, count), range);
}

const NARROW: ReadonlySet<string> = new Set(["int8", "int16", "uint8", "uint16"]);

function createValues64({ dtype, precision = 38 }: Field): PageValues {
  const out = new Int32Array(PAGE_ROWS * 2);
  const copy = dtype === "decimal" ? copyDecimals(out, 2, precision) : copyWords64(out);
  if (dtype === "float64") {
    const doubles = new Float64Array(out.buffer);
    const range = new NumberRange((value) => viewBytes(Float64Array.of(value)));
    return new FixedValues(8, viewBytes(out), copy, (count) => range.add(doubles, count), range);
  }
  const flip = dtype === "uint64" ? -0x80000000 : 0;
  const range = new WordsRange(2, flip, (words) => viewBytes(words.slice()));
  const pack: Pack = (count, packed) => encodeDelta64(out, count, packed);
  return new FixedValues(8, viewBytes(out), copy, (count) => range.add(out, count), range, pack);
}

/** Returns a column's values as 32-bit words. */
function viewWords({ values }: Data): Int32Array {
  const { buffer, byteOffset, byteLength } = values as ArrayBufferView;
  return new Int32Array(buffer, byteOffset, byteLength >> 2);
}

function widen(out: Int32Array): Copy {
  return {
    run(data, from, count, to) {
      out.set((data.values as Int16Array).subarray(from, from + count), to);
    },
    rows(data, rows, count, to) {
      const values = data.values as Int16Array;
      for (let i = 0; i < count; i++) out[to + i] = values[rows[i]!]!;
    },
  };
}

function copyWords32(out: Int32Array): Copy {
  return {
    run(data, from, count, to) {
      out.set(viewWords(data).subarray(from, from + count), to);
    },
    rows(data, rows, count, to) {
      const words = viewWords(data);
      for (let i = 0; i < count; i++) out[to + i] = words[rows[i]!]!;
    },
  };
}

function copyWords64(out: Int32Array): Copy {
  return {
    run(data, from, count, to) {
      out.set(viewWords(data).subarray(from * 2, (from + count) * 2), to * 2);
    },
    rows(data, rows, count, to) {
      const words = viewWords(data);
      for (let i = 0, at = to * 2; i < count; i++, at += 2) {
        const row = rows[i]! * 2;
        out[at] = words[row]!;
        out[at + 1] = words[row + 1]!;
      }
    },
  };
}

/** Copies the lowest `stored` words of decimals. */
function copyDecimals(out: Int32Array, stored: 1 | 2, precision: number): Copy {
  const width = precision <= 38 ? 4 : 8;
  return {
    run(data, from, count, to) {
      const words = viewWords(data);
      for (let i = 0, at = to * stored; i < count; i++, at += stored) {
        const row = (from + i) * width;
        out[at] = words[row]!;
        if (stored === 2) out[at + 1] = words[row + 1]!;
      }
    },
    rows(data, rows, count, to) {
      const words = viewWords(data);
      for (let i = 0, at = to * stored; i < count; i++, at += stored) {
        const row = rows[i]! * width;
        out[at] = words[row]!;
        if (stored === 2) out[at + 1] = words[row + 1]!;
      }
    },
  };
}

/** Encodes UUIDs, which Arrow has as text, as their bytes. */
function createUUIDs({ name }: Field): PageValues {
  const bytes = new Uint8Array(PAGE_ROWS * UUID_BYTES + RANGE_SLACK);
  const lengths = new Int32Array(PAGE_ROWS).fill(UUID_BYTES);
  const copyOne = ({ values, valueOffsets }: Data, row: number, to: number) => {
    const [start, end] = [valueOffsets[row]!, valueOffsets[row + 1]!];
    if (readCanonicalUUID(values, start, end - start, bytes, to * UUID_BYTES)) return;
    const text = new TextDecoder().decode(values.subarray(start, end));
    throw new ValueError("expected a UUID in lower case with dashes", name, row + 1, text);
  };
  const copy: Copy = {
    run(data, from, count, to) {
      for (let i = 0; i < count; i++) copyOne(data, from + i, to + i);
    },
    rows(data, rows, count, to) {
      for (let i = 0; i < count; i++) copyOne(data, rows[i]!, to + i);
    },
  };
  const range = new BytesRange(false);
  const view = new DataView(bytes.buffer);
  const measure = (count: number) => range.add(view, 0, lengths, count);
  return new FixedValues(UUID_BYTES, bytes, copy, measure, range);
}

/** Encodes decimals of more than 18 digits: two's complement, highest byte first. */
function createWideDecimals(size: number, isNarrow: boolean): PageValues {
  const width = isNarrow ? 4 : 8;
  const words = new Int32Array(PAGE_ROWS * width);
  const bytes = new DataView(new ArrayBuffer(PAGE_ROWS * size));
  const reverseOne = (one: Int32Array) => {
    const out = new DataView(new ArrayBuffer(size));
    reverse(one, 1, width, size, out);
    return viewBytes(out);
  };
  const copy: Copy = {
    run(data, from, count, to) {
      words.set(viewWords(data).subarray(from * width, (from + count) * width), to * width);
    },
    rows(data, rows, count, to) {
      const values = viewWords(data);
      for (let i = 0, at = to * width; i < count; i++, at += width) {
        const row = rows[i]! * width;
        for (let word = 0; word < width; word++) words[at + word] = values[row + word]!;
      }
    },
  };
  const range = new WordsRange(width, 0, reverseOne);
  const measure = (count: number) => {
    range.add(words, count);
    reverse(words, count, width, size, bytes);
  };
  return new FixedValues(size, viewBytes(bytes), copy, measure, range);
}

/** Writes the lowest `size` bytes of each number, highest byte first. */
function reverse(
  words: Int32Array,
  count: number,
  width: number,
  size: number,
  out: DataView,
): void {
  const fullWords = size >> 2;
  const extraBytes = size & 3;
  for (let i = 0, at = 0; i < count; i++) {
    const first = i * width;
    for (let byte = extraBytes - 1; byte >= 0; byte--) {
      out.setUint8(at++, words[first + fullWords]! >> (byte << 3));
    }
    for (let word = fullWords - 1; word >= 0; word--, at += 4) {
      out.setInt32(at, words[first + word]!);
    }
  }
}
