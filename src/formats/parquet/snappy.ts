/** Snappy's block format: https://github.com/google/snappy/blob/main/format_description.txt */

/** Block size within which matches are searched, so that two bytes hold a distance. */
const BLOCK = 1 << 16;
const HASH_BITS = 14;
const MIN_MATCH = 4;

export class SnappyError extends Error {}

/** Compresses bytes to one block. */
export function snappyCompress(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(16 + bytes.length + Math.ceil(bytes.length / 6));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = writeSize(out, bytes.length);
  for (let start = 0; start < bytes.length; start += BLOCK) {
    at = compressBlock(bytes, view, start, Math.min(bytes.length, start + BLOCK), out, at);
  }
  return out.subarray(0, at);
}

function writeSize(out: Uint8Array, size: number): number {
  let at = 0;
  let rest = size;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = rest % 128 | 128;
  out[at++] = rest;
  return at;
}

function compressBlock(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
): number {
  const places = new Uint16Array(1 << HASH_BITS);
  let at = to;
  let literal = start;
  const last = end - MIN_MATCH;
  // After many misses the bytes count as random and are skipped in longer steps.
  for (let i = start + 1, misses = 32; i <= last;) {
    const word = view.getInt32(i, true);
    const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
    const place = start + places[hash]!;
    places[hash] = i - start;
    if (place >= i || view.getInt32(place, true) !== word) {
      i += misses++ >> 5;
      continue;
    }
    let length = MIN_MATCH;
    while (
      i + length <= last && view.getInt32(place + length) === view.getInt32(i + length)
    ) length += 4;
    while (i + length < end && bytes[place + length] === bytes[i + length]) length++;
    at = writeLiteral(bytes, literal, i, out, at);
    at = writeCopy(i - place, length, out, at);
    i += length;
    literal = i;
    misses = 32;
  }
  return writeLiteral(bytes, literal, end, out, at);
}

function writeLiteral(bytes: Uint8Array, from: number, end: number, out: Uint8Array, to: number) {
  const size = end - from;
  if (size === 0) return to;
  let at = to;
  if (size <= 60) {
    out[at++] = (size - 1) << 2;
  } else {
    // Two bytes suffice for the size: no literal is longer than a block.
    out[at++] = 61 << 2;
    out[at++] = (size - 1) & 255;
    out[at++] = (size - 1) >> 8;
  }
  copyBytes(bytes, from, size, out, at);
  return at + size;
}

/** Copies bytes; for a few a loop is faster than a call of `set`. */
function copyBytes(
  bytes: Uint8Array,
  from: number,
  size: number,
  out: Uint8Array,
  to: number,
): void {
  if (size > 64) out.set(bytes.subarray(from, from + size), to);
  else for (let i = 0; i < size; i++) out[to + i] = bytes[from + i]!;
}

function writeCopy(distance: number, length: number, out: Uint8Array, to: number): number {
  let at = to;
  for (let rest = length; rest > 0;) {
    const size = Math.min(rest, 64);
    out[at++] = (size - 1) << 2 | 2;
    out[at++] = distance & 255;
    out[at++] = distance >> 8;
    rest -= size;
  }
  return at;
}

/**
 * Decompresses a block to `size` bytes.
 *
 * @throws {SnappyError} when it is malformed or holds another number of bytes
 */
export function snappyDecompress(bytes: Uint8Array, size: number): Uint8Array {
  const [declaredSize, start] = readSize(bytes);
  if (declaredSize !== size) {
    throw new SnappyError(`a block declares ${declaredSize} bytes, expected ${size}`);
  }
  const out = new Uint8Array(size);
  let to = 0;
  for (let at = start; at < bytes.length;) {
    const tag = bytes[at++]!;
    if ((tag & 3) === 0) {
      let length = tag >> 2;
      if (length >= 60) {
        const count = length - 59;
        if (at + count > bytes.length) throw malformed();
        length = 0;
        for (let i = 0; i < count; i++) length += bytes[at++]! * 256 ** i;
      }
      length++;
      if (at + length > bytes.length || to + length > size) throw malformed();
      copyBytes(bytes, at, length, out, to);
      at += length;
      to += length;
      continue;
    }
    const kind = tag & 3;
    const operands = kind === 3 ? 4 : kind;
    if (at + operands > bytes.length) throw malformed();
    const length = kind === 1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1;
    let distance = bytes[at]!;
    if (kind === 1) distance += (tag >> 5) * 256;
    else distance += bytes[at + 1]! * 256;
    if (kind === 3) distance += bytes[at + 2]! * 65_536 + bytes[at + 3]! * 2 ** 24;
    at += operands;
    if (distance === 0 || distance > to || to + length > size) throw malformed();
    // Byte by byte, since a copy may overlap what it writes.
    for (const end = to + length; to < end; to++) out[to] = out[to - distance]!;
  }
  if (to !== size) throw malformed();
  return out;
}

function readSize(bytes: Uint8Array): readonly [size: number, at: number] {
  let size = 0;
  for (let at = 0; at < 5 && at < bytes.length; at++) {
    size += (bytes[at]! & 127) * 128 ** at;
    if (bytes[at]! < 128) return [size, at + 1];
  }
  throw malformed();
}

function malformed(): SnappyError {
  return new SnappyError("a compressed block is malformed");
}
