/**
 * DELTA_BINARY_PACKED for lengths, with blocks of 128 values in four miniblocks of 32.
 * https://github.com/apache/parquet-format/blob/master/Encodings.md#delta-encoding-delta_binary_packed--5
 */
import { ThriftError } from "./thrift.ts";

const BLOCK = 128;
const MINIBLOCKS = 4;
const VALUES = BLOCK / MINIBLOCKS;

/** Most bytes that so many lengths take: four varints, then in each block a varint and widths. */
export function maxDeltaSize(count: number): number {
  return 20 + Math.ceil(count / BLOCK) * (5 + MINIBLOCKS + BLOCK * 4);
}

/** Writes the first `count` lengths; gives where they end. */
export function encodeDelta(lengths: Int32Array, count: number, out: Uint8Array): number {
  let at = writeVarint(out, 0, BLOCK);
  at = writeVarint(out, at, MINIBLOCKS);
  at = writeVarint(out, at, count);
  at = writeVarint(out, at, zigzag(count === 0 ? 0 : lengths[0]!));
  for (let start = 1; start < count; start += BLOCK) {
    at = encodeBlock(lengths, start, Math.min(count, start + BLOCK), out, at);
  }
  return at;
}

function encodeBlock(
  lengths: Int32Array,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
): number {
  let least = 0x7fffffff;
  for (let i = start; i < end; i++) {
    const delta = lengths[i]! - lengths[i - 1]!;
    if (delta < least) least = delta;
  }
  const widths = writeVarint(out, to, zigzag(least));
  let at = widths + MINIBLOCKS;
  for (let mini = 0; mini < MINIBLOCKS; mini++) {
    const from = start + mini * VALUES;
    const until = Math.min(end, from + VALUES);
    let most = 0;
    for (let i = from; i < until; i++) most |= lengths[i]! - lengths[i - 1]! - least;
    const width = 32 - Math.clz32(most);
    out[widths + mini] = width;
    if (width > 0) at = pack(lengths, from, until, least, width, out, at);
  }
  return at;
}

/** Writes 32 values of `width` bits, least significant first; those beyond `end` are 0. */
function pack(
  lengths: Int32Array,
  start: number,
  end: number,
  least: number,
  width: number,
  out: Uint8Array,
  to: number,
): number {
  let [word, used, at] = [0, 0, to];
  for (let i = start; i < start + VALUES; i++) {
    const value = i < end ? lengths[i]! - lengths[i - 1]! - least : 0;
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
 * Reads lengths, one for each of `lengths`.
 *
 * @returns where they end
 * @throws {ThriftError} when they are malformed, negative, or another number
 */
export function decodeDelta(bytes: Uint8Array, lengths: Int32Array): number {
  reader.open(bytes);
  const shape = [reader.next(), reader.next(), reader.next()];
  if (shape[0] !== BLOCK || shape[1] !== MINIBLOCKS || shape[2] !== lengths.length) {
    throw malformed();
  }
  let length = unzigzag(reader.next());
  if (lengths.length > 0) lengths[0] = checked(length);
  for (let start = 1; start < lengths.length; start += BLOCK) {
    const least = unzigzag(reader.next());
    const widths = reader.at;
    let at = widths + MINIBLOCKS;
    if (at > bytes.length) throw malformed();
    for (let mini = 0; mini < MINIBLOCKS; mini++) {
      const from = start + mini * VALUES;
      if (from >= lengths.length) break;
      const width = bytes[widths + mini]!;
      if (width > 32 || at + width * 4 > bytes.length) throw malformed();
      const until = Math.min(lengths.length, from + VALUES);
      unpack(bytes, at, width, least, lengths, from, until);
      at += width * 4;
    }
    reader.at = at;
    for (let i = start; i < Math.min(lengths.length, start + BLOCK); i++) {
      // In 32 bits, as the deltas were made.
      length = (length + lengths[i]!) | 0;
      if (length < 0) throw malformed();
      lengths[i] = length;
    }
  }
  return reader.at;
}

function unpack(
  bytes: Uint8Array,
  start: number,
  width: number,
  least: number,
  deltas: Int32Array,
  from: number,
  until: number,
): void {
  if (width === 0) return void deltas.fill(least, from, until);
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let [word, left, at] = [0, 0, start];
  for (let i = from; i < until; i++) {
    let value = word;
    if (left < width) {
      const next = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
      at += 4;
      value |= left === 0 ? next : next << left;
      const taken = width - left;
      word = taken === 32 ? 0 : next >>> taken;
      left = 32 - taken;
    } else {
      word = word >>> width;
      left -= width;
    }
    deltas[i] = (value & mask) + least;
  }
}

class VarintReader {
  at = 0;
  #bytes: Uint8Array = new Uint8Array();

  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.at = 0;
  }

  /** An unsigned number below 2^32. */
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
}

/** One for all: V8 drops code that knows a class when no instance is left, and compiles it again. */
const reader = new VarintReader();

/** Writes an unsigned number below 2^32; gives where it ends. */
export function writeVarint(out: Uint8Array, to: number, value: number): number {
  let at = to;
  let rest = value >>> 0;
  for (; rest >= 128; rest >>>= 7) out[at++] = rest & 127 | 128;
  out[at++] = rest;
  return at;
}

const zigzag = (value: number) => (value << 1 ^ value >> 31) >>> 0;
const unzigzag = (value: number) => value >>> 1 ^ -(value & 1);

function checked(length: number): number {
  if (length < 0) throw malformed();
  return length;
}

function malformed(): ThriftError {
  return new ThriftError("the lengths of a page are malformed");
}
