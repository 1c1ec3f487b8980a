/**
 * Encodes text and bytes as DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes as they are in
 * Arrow, so that neither writer nor reader handles single values. It is also smaller than PLAIN.
 * Format:
 * https://github.com/apache/parquet-format/blob/master/Encodings.md#delta-length-byte-array-delta_length_byte_array--6
 */
import type { Data } from "../../../arrow/mod.ts";
import { encodeDelta, maxDeltaSize } from "./delta.ts";
import { Encoding } from "../thrift/metadata.ts";
import { BytesRange, type Extremes, RANGE_SLACK } from "./column_statistics.ts";
import { PAGE_BYTES, PAGE_ROWS, type PageValues } from "./page_values.ts";

/** Room for the encoded lengths, which are written before the bytes once all are known. */
const ROOM = maxDeltaSize(PAGE_ROWS);
const START = 1 << 16;
/** Scratch memory of all columns; holds nothing between calls. */
const header = new Uint8Array(ROOM);

export class BytesValues implements PageValues {
  readonly encoding = Encoding.DELTA_LENGTH_BYTE_ARRAY;
  readonly #lengths = new Int32Array(PAGE_ROWS);
  readonly #range: BytesRange;
  #bytes = new Uint8Array(ROOM + START + RANGE_SLACK);
  #count = 0;
  #end = ROOM;

  constructor(isText: boolean) {
    this.#range = new BytesRange(isText);
  }

  room(data: Data, from: number, rows: number): number {
    const offsets = data.valueOffsets as Int32Array;
    const left = PAGE_BYTES - (this.#end - ROOM);
    const fits = (count: number) => offsets[from + count]! - offsets[from]! <= left;
    if (fits(rows)) return rows;
    let [low, high] = [0, rows];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (fits(middle)) low = middle;
      else high = middle;
    }
    return Math.max(low, this.#count === 0 && this.#end === ROOM ? 1 : 0);
  }

  countBytes(data: Data, from: number, count: number): number {
    const offsets = data.valueOffsets as Int32Array;
    return offsets[from + count]! - offsets[from]! + count * 4;
  }

  addRun(data: Data, from: number, count: number): void {
    const offsets = data.valueOffsets as Int32Array;
    putLengths(offsets, from, count, this.#lengths, this.#count);
    this.#count += count;
    this.#append(data, offsets[from]!, offsets[from + count]!);
  }

  addRows(data: Data, rows: Int32Array, count: number): void {
    if (count === 0) return;
    const offsets = data.valueOffsets as Int32Array;
    const sum = putRowLengths(offsets, rows, count, this.#lengths, this.#count);
    this.#count += count;
    const start = offsets[rows[0]!]!;
    const end = offsets[rows[count - 1]! + 1]!;
    if (end - start === sum) return this.#append(data, start, end);
    // Bytes of NULL rows lie between the values.
    for (let i = 0; i < count; i++) this.#append(data, offsets[rows[i]!]!, offsets[rows[i]! + 1]!);
  }

  #append(data: Data, start: number, end: number): void {
    const size = end - start;
    this.#reserve(size);
    this.#bytes.set((data.values as Uint8Array).subarray(start, end), this.#end);
    this.#end += size;
  }

  #reserve(size: number): void {
    const needed = this.#end + size + RANGE_SLACK;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.#bytes.length * 2, needed * 2)));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }

  take(): Uint8Array {
    const size = encodeDelta(this.#lengths, this.#count, header);
    const view = new DataView(this.#bytes.buffer);
    this.#range.add(view, ROOM, this.#lengths, this.#count);
    this.#bytes.set(header.subarray(0, size), ROOM - size);
    const page = this.#bytes.subarray(ROOM - size, this.#end);
    // Give up the memory after an unusually large value.
    if (page.length > PAGE_BYTES * 2) this.#bytes = new Uint8Array(ROOM + START + RANGE_SLACK);
    this.#count = 0;
    this.#end = ROOM;
    return page;
  }

  takeExtremes(): Extremes | undefined {
    return this.#range.take();
  }
}

// V8 optimises a long loop while it runs and, at the loop's end, deoptimises into code that it has
// not seen yet. So these loops are functions of their own.

function putLengths(
  offsets: Int32Array,
  from: number,
  count: number,
  lengths: Int32Array,
  to: number,
): void {
  for (let i = 0; i < count; i++) lengths[to + i] = offsets[from + i + 1]! - offsets[from + i]!;
}

/** Writes the lengths of the given rows; returns their sum. */
function putRowLengths(
  offsets: Int32Array,
  rows: Int32Array,
  count: number,
  lengths: Int32Array,
  to: number,
): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    const length = offsets[row + 1]! - offsets[row]!;
    lengths[to + i] = length;
    sum += length;
  }
  return sum;
}
