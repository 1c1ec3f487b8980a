/**
 * DELTA_BINARY_PACKED in blocks of 128 differences, each of four miniblocks of 32: for lengths, and
 * for 64-bit numbers with small differences, such as counters.
 * Format:
 * https://github.com/apache/parquet-format/blob/master/Encodings.md#delta-encoding-delta_binary_packed--5
 */
import { ThriftError } from "../thrift/thrift.ts";
import { PAGE_ROWS } from "./page_values.ts";

const BLOCK = 128;
const MINIBLOCKS = 4;
const VALUES = BLOCK / MINIBLOCKS;

/** Scratch memory for the differences between neighbours; holds nothing between calls. */
const deltas = new Int32Array(PAGE_ROWS);

/** Most bytes of `count` values: four varints, and per block a varint and widths. */
export function maxDeltaSize(count: number): number {
  return 25 + Math.ceil(count / BLOCK) * (5 + MINIBLOCKS + BLOCK * 4);
}

/** Encodes the first `count` lengths; returns where they end. */
export function encodeDelta(lengths: Int32Array, count: number, out: Uint8Array): number {
  let at = writeVarint(out, writeHead(out, count), zigzag(count === 0 ? 0 : lengths[0]!));
  putDeltas(lengths, count);
  for (let start = 1; start < count; start += BLOCK) {
    at = encodeBlock(start, Math.min(count, start + BLOCK), out, at);
  }
  return at;
}

function putDeltas(lengths: Int32Array, count: number): void {
  for (let i = 1; i < count; i++) deltas[i] = lengths[i]! - lengths[i - 1]!;
}

function writeHead(out: Uint8Array, count: number): number {
  return writeVarint(out, writeVarint(out, writeVarint(out, 0, BLOCK), MINIBLOCKS), count);
}

/** Bytes per value above which blocks of differences are not worth it. */
const MAX_VALUE_BYTES = 2;
const WORD = 2 ** 32;

/**
 * Encodes the first `count` 64-bit numbers, each as two words, lowest first.
 *
 * @returns where they end; 0 when the encoding would save little
 */
export function encodeDelta64(words: Int32Array, count: number, out: Uint8Array): number {
  if (count < 2 || !computeDeltas(words, count)) return 0;
  const first = BigInt.asIntN(64, BigInt(words[1]!) << 32n | BigInt(words[0]! >>> 0));
  let at = writeBigVarint(
    out,
    writeHead(out, count),
    BigInt.asUintN(64, first << 1n ^ first >> 63n),
  );
  for (let start = 1; start < count; start += BLOCK) {
    const end = Math.min(count, start + BLOCK);
    at = encodeBlock(start, end, out, at);
    if (at > (end + BLOCK) * MAX_VALUE_BYTES) return 0;
  }
  return at;
}

/** Computes the differences; returns whether all of them fit 32 bits. */
function computeDeltas(words: Int32Array, count: number): boolean {
  for (let i = 1, at = 2; i < count; i++, at += 2) {
    const low = (words[at]! >>> 0) - (words[at - 2]! >>> 0);
    const delta = (words[at + 1]! - words[at - 1]!) * WORD + low;
    deltas[i] = delta;
    if (deltas[i] !== delta) return false;
  }
  return true;
}

/** Encodes a block: the differences from `start` up to `end`. */
function encodeBlock(start: number, end: number, out: Uint8Array, to: number): number {
  let lowest = 0x7fffffff;
  for (let i = start; i < end; i++) {
    if (deltas[i]! < lowest) lowest = deltas[i]!;
  }
  const widths = writeVarint(out, to, zigzag(lowest));
  let at = widths + MINIBLOCKS;
  for (let mini = 0; mini < MINIBLOCKS; mini++) {
    const from = start + mini * VALUES;
    const until = Math.min(end, from + VALUES);
    let bits = 0;
    for (let i = from; i < until; i++) bits |= deltas[i]! - lowest;
    const width = 32 - Math.clz32(bits);
    out[widths + mini] = width;
    if (width > 0) at = pack(from, until, lowest, width, out, at);
  }
  return at;
}

/** Packs 32 values of `width` bits, lowest bit first; values beyond `end` are 0. */
function pack(
  start: number,
  end: number,
  lowest: number,
  width: number,
  out: Uint8Array,
  to: number,
): number {
  let [word, used, at] = [0, 0, to];
  for (let i = start; i < start + VALUES; i++) {
    const value = i < end ? deltas[i]! - lowest : 0;
    word |= value << used;
    used += width;
    if (used < 32) continue;
    out[at] = word;
    out[at + 1] = word >> 8;
    out[at + 2] = word >> 16;
    out[at + 3] = word >> 24;
    at += 4;
    used -= 32;
    word = used === 0 ? 0 : value >>> (width - used);
  }
  return at;
}

/**
 * Decodes as many lengths as `lengths` has elements.
 *
 * @returns where they end
 * @throws {ThriftError} when they are malformed, negative, or of another number
 */
export function decodeDelta(bytes: Uint8Array, lengths: Int32Array): number {
  reader.open(bytes);
  readHead(lengths.length);
  const first = unzigzag(reader.next());
  if (lengths.length > 0) lengths[0] = requirePositive(first);
  decodeBlocks(bytes, lengths, lengths.length);
  if (!sumLengths(lengths)) throw malformed();
  return reader.at;
}

/** Sums differences to lengths in 32 bits, as the writer did; false when one is negative. */
function sumLengths(lengths: Int32Array): boolean {
  let length = lengths.length > 0 ? lengths[0]! : 0;
  for (let i = 1; i < lengths.length; i++) {
    length = (length + lengths[i]!) | 0;
    if (length < 0) return false;
    lengths[i] = length;
  }
  return true;
}

/**
 * Decodes 64-bit numbers of two words each, lowest first, as many as fit `words`.
 *
 * @returns where they end
 * @throws {ThriftError} when they are malformed, or of another number
 */
export function decodeDelta64(bytes: Uint8Array, words: Int32Array): number {
  const count = words.length / 2;
  if (count > PAGE_ROWS) throw malformed();
  reader.open(bytes);
  readHead(count);
  const zigzagged = reader.nextBig();
  const first = zigzagged >> 1n ^ -(zigzagged & 1n);
  decodeBlocks(bytes, deltas, count);
  if (count > 0) {
    words[0] = Number(BigInt.asIntN(32, first));
    words[1] = Number(BigInt.asIntN(32, first >> 32n));
  }
  sumWords(words);
  return reader.at;
}

function sumWords(words: Int32Array): void {
  for (let i = 1, at = 2; at < words.length; i++, at += 2) {
    const low = (words[at - 2]! >>> 0) + deltas[i]!;
    words[at] = low;
    words[at + 1] = words[at - 1]! + (low < 0 ? -1 : low >= WORD ? 1 : 0);
  }
}

function readHead(count: number): void {
  const shape = [reader.next(), reader.next(), reader.next()];
  if (shape[0] !== BLOCK || shape[1] !== MINIBLOCKS || shape[2] !== count) throw malformed();
}

/** Decodes the differences of `count` values into `out`, whose first element is unchanged. */
function decodeBlocks(bytes: Uint8Array, out: Int32Array, count: number): void {
  for (let start = 1; start < count; start += BLOCK) {
    const lowest = unzigzag(reader.next());
    const widths = reader.at;
    let at = widths + MINIBLOCKS;
    if (at > bytes.length) throw malformed();
    for (let mini = 0; mini < MINIBLOCKS; mini++) {
      const from = start + mini * VALUES;
      if (from >= count) break;
      const width = bytes[widths + mini]!;
      if (width > 32 || at + width * 4 > bytes.length) throw malformed();
      unpack(bytes, at, width, lowest, out, from, Math.min(count, from + VALUES));
      at += width * 4;
    }
    reader.at = at;
  }
}

function unpack(
  bytes: Uint8Array,
  start: number,
  width: number,
  lowest: number,
  out: Int32Array,
  from: number,
  until: number,
): void {
  if (width === 0) return void out.fill(lowest, from, until);
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let [word, left, at] = [0, 0, start];
  for (let i = from; i < until; i++) {
    let value = word;
    if (left < width) {
      const next = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
      at += 4;
      value |= left === 0 ? next : next << left;
      const used = width - left;
      word = used === 32 ? 0 : next >>> used;
      left = 32 - used;
    } else {
      word = word >>> width;
      left -= width;
    }
    out[i] = (value & mask) + lowest;
  }
}

class VarintReader {
  at = 0;
  #bytes: Uint8Array = new Uint8Array();

  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.at = 0;
  }

  /** Reads an unsigned number below 2^32. */
  next(): number {
    let value = 0;
    for (let power = 1; power <= 2 ** 28; power *= 128) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw malformed();
      value += (byte & 127) * power;
      if (byte < 128) {
        if (value > 0xffffffff) throw malformed();
        return value;
      }
    }
    throw malformed();
  }

  /** Reads an unsigned 64-bit number. */
  nextBig(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw malformed();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw malformed();
  }
}

/** The only instance: V8 would drop and recompile code of a class without instances. */
const reader = new VarintReader();

/** Writes an unsigned number below 2^32; returns where it ends. */
export function writeVarint(out: Uint8Array, to: number, value: number): number {
  let at = to;
  let rest = value >>> 0;
  for (; rest >= 128; rest >>>= 7) out[at++] = rest & 127 | 128;
  out[at++] = rest;
  return at;
}

function writeBigVarint(out: Uint8Array, to: number, value: bigint): number {
  let at = to;
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) out[at++] = Number(rest & 127n) | 128;
  out[at++] = Number(rest);
  return at;
}

const zigzag = (value: number) => (value << 1 ^ value >> 31) >>> 0;
const unzigzag = (value: number) => value >>> 1 ^ -(value & 1);

function requirePositive(length: number): number {
  if (length < 0) throw malformed();
  return length;
}

function malformed(): ThriftError {
  return new ThriftError("the packed values of a page are malformed");
}
