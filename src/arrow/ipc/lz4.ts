/**
 * Decompresses LZ4: frames, as in Arrow's buffers, and bare blocks, as in Parquet's pages.
 * Formats: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md
 * beside it
 */

const MAGIC = 0x184d2204;
/** Magic number of skippable frames; its lowest four bits are free for the user. */
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Flags in a frame's descriptor. */
const DICTIONARY_ID = 1;
const CONTENT_CHECKSUM = 4;
const CONTENT_SIZE = 8;
const BLOCK_CHECKSUM = 16;
const VERSION = 0xc0;
const VERSION_1 = 0x40;
/** Bit in a block's size that marks an uncompressed block. */
const STORED = 0x8000_0000;
/** Shortest match; encoded match lengths count from here. */
const MIN_MATCH = 4;

export class LZ4Error extends Error {}

/**
 * Decompresses frames to `size` bytes.
 *
 * @throws {LZ4Error} when they are malformed, fail a checksum, or hold another number of bytes
 */
export function lz4DecompressFrames(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let to = 0;
  let at = 0;
  while (at < bytes.length) {
    requireBytes(bytes, at, 8);
    const magic = view.getUint32(at, true);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    if (magic !== MAGIC) throw new LZ4Error("an LZ4 frame is missing");
    [at, to] = decompressFrame(bytes, view, at + 4, out, to);
  }
  if (at !== bytes.length || to !== size) throw malformed();
  return out;
}

/** Decompresses one frame; returns the ends of the frame and of its content. */
function decompressFrame(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  out: Uint8Array,
  from: number,
): [at: number, to: number] {
  const flags = bytes[start]!;
  if ((flags & VERSION) !== VERSION_1) throw new LZ4Error("an LZ4 frame has an unknown version");
  if ((flags & DICTIONARY_ID) !== 0) throw new LZ4Error("an LZ4 frame needs a dictionary");
  let at = start + 2 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8);
  requireBytes(bytes, at, 1);
  verifyChecksum((xxh32(bytes.subarray(start, at)) >>> 8) & 255, bytes[at]!);
  at++;
  let to = from;
  for (;;) {
    requireBytes(bytes, at, 4);
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) break;
    const length = head % STORED;
    requireBytes(bytes, at, length);
    const block = bytes.subarray(at, at + length);
    at += length;
    if ((flags & BLOCK_CHECKSUM) !== 0) {
      requireBytes(bytes, at, 4);
      verifyChecksum(xxh32(block), view.getUint32(at, true));
      at += 4;
    }
    if (head < STORED) {
      to = decompressBlock(block, out, to);
    } else {
      if (length > out.length - to) throw malformed();
      out.set(block, to);
      to += length;
    }
  }
  if ((flags & CONTENT_SIZE) !== 0) {
    if (view.getBigUint64(start + 2, true) !== BigInt(to - from)) throw malformed();
  }
  if ((flags & CONTENT_CHECKSUM) !== 0) {
    requireBytes(bytes, at, 4);
    verifyChecksum(xxh32(out.subarray(from, to)), view.getUint32(at, true));
    at += 4;
  }
  return [at, to];
}

/**
 * Decompresses a block to `size` bytes.
 *
 * @throws {LZ4Error} when it is malformed or holds another number of bytes
 */
export function lz4DecompressBlock(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  if (decompressBlock(bytes, out, 0) !== size) throw malformed();
  return out;
}

/** Decompresses a block into `out` from `start`. Matches may refer to the bytes before `start`. */
function decompressBlock(bytes: Uint8Array, out: Uint8Array, start: number): number {
  const end = bytes.length;
  let to = start;
  for (let at = 0; at < end;) {
    const token = bytes[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      for (let more = 255; more === 255;) {
        if (at >= end) throw malformed();
        literals += more = bytes[at++]!;
      }
    }
    if (literals > end - at || literals > out.length - to) throw malformed();
    if (literals > 32) {
      out.set(bytes.subarray(at, at + literals), to);
      at += literals;
      to += literals;
    } else {
      for (const last = at + literals; at < last;) out[to++] = bytes[at++]!;
    }
    // The last literals are not followed by a match.
    if (at === end) return to;
    if (end - at < 2) throw malformed();
    const distance = bytes[at]! | bytes[at + 1]! << 8;
    at += 2;
    let length = token & 15;
    if (length === 15) {
      for (let more = 255; more === 255;) {
        if (at >= end) throw malformed();
        length += more = bytes[at++]!;
      }
    }
    length += MIN_MATCH;
    if (distance === 0 || distance > to || length > out.length - to) throw malformed();
    if (length > 32 && distance >= length) {
      out.copyWithin(to, to - distance, to - distance + length);
      to += length;
    } else {
      // Byte by byte, since a match may overlap what it writes.
      for (const last = to + length; to < last; to++) out[to] = out[to - distance]!;
    }
  }
  // An empty block still has a token, so zero bytes are malformed.
  throw malformed();
}

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

/** XXH32 with seed 0. Format: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md */
export function xxh32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = bytes;
  let at = 0;
  let hash = PRIME_5;
  if (length >= 16) {
    let a = (PRIME_1 + PRIME_2) | 0;
    let b = PRIME_2 | 0;
    let c = 0;
    let d = -PRIME_1 | 0;
    for (; at <= length - 16; at += 16) {
      a = round(a, view.getInt32(at, true));
      b = round(b, view.getInt32(at + 4, true));
      c = round(c, view.getInt32(at + 8, true));
      d = round(d, view.getInt32(at + 12, true));
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  hash = (hash + length) | 0;
  for (; at <= length - 4; at += 4) {
    hash = Math.imul(rotate(hash + Math.imul(view.getInt32(at, true), PRIME_3), 17), PRIME_4);
  }
  for (; at < length; at++) {
    hash = Math.imul(rotate(hash + Math.imul(bytes[at]!, PRIME_5), 11), PRIME_1);
  }
  hash = Math.imul(hash ^ hash >>> 15, PRIME_2);
  hash = Math.imul(hash ^ hash >>> 13, PRIME_3);
  return (hash ^ hash >>> 16) >>> 0;
}

function round(lane: number, word: number): number {
  return Math.imul(rotate(lane + Math.imul(word, PRIME_2), 13), PRIME_1);
}

function rotate(word: number, bits: number): number {
  return word << bits | word >>> (32 - bits);
}

function requireBytes(bytes: Uint8Array, at: number, size: number): void {
  if (size > bytes.length - at) throw malformed();
}

function verifyChecksum(actual: number, expected: number): void {
  if (actual !== expected) throw new LZ4Error("an LZ4 frame has a wrong checksum");
}

function malformed(): LZ4Error {
  return new LZ4Error("LZ4 bytes are malformed");
}
