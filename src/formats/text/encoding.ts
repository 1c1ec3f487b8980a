/** Converts text between encodings and UTF-8 in chunks; malformed text is always an error. */
import { isUtf8 } from "node:buffer";
import { ValidationError } from "../../core/errors.ts";
import type { FormatOptions } from "../../models/format.ts";
import { concat } from "../../core/values/bytes.ts";

export type Encoding = NonNullable<FormatOptions["encoding"]>;
type Bytes = AsyncIterable<Uint8Array>;

const utf8 = new TextEncoder();

/**
 * Decodes text to validated UTF-8 without its byte order mark. In utf-16 the mark gives the byte
 * order; without one it is little-endian.
 *
 * @throws {ValidationError} with the offset where the bytes are not text of the encoding
 */
export async function* toUTF8(bytes: Bytes, encoding: Encoding): AsyncGenerator<Uint8Array> {
  if (encoding === "latin-1") {
    for await (const chunk of bytes) yield latin1ToUTF8(chunk);
  } else if (encoding === "utf-8") {
    yield* skipMark(checkUTF8(bytes));
  } else {
    for await (const text of decodeUTF16(bytes, encoding)) yield utf8.encode(text);
  }
}

/** Maps each byte to the code point of its value (ISO 8859-1, not windows-1252). */
function latin1ToUTF8(chunk: Uint8Array): Uint8Array {
  const out = new Uint8Array(chunk.length * 2);
  let end = 0;
  for (const byte of chunk) {
    if (byte < 0x80) {
      out[end++] = byte;
    } else {
      out[end++] = 0xc0 | byte >> 6;
      out[end++] = 0x80 | byte & 0x3f;
    }
  }
  return out.subarray(0, end);
}

/**
 * Validates UTF-8 and yields the same chunks. A character may span two chunks.
 *
 * @param start offset of the first byte, for messages
 * @throws {ValidationError} with the offset where the bytes are not UTF-8
 */
export async function* checkUTF8(bytes: Bytes, start = 0): AsyncGenerator<Uint8Array> {
  // Checks characters that span two chunks; its output is discarded.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let offset = start;
  const check = (chunk: Uint8Array | undefined) => {
    try {
      if (chunk === undefined) return void decoder.decode();
      const from = countContinuation(chunk);
      const to = chunk.length - countIncomplete(chunk);
      if (from >= to) return void decoder.decode(chunk, { stream: true });
      decoder.decode(chunk.subarray(0, from));
      if (!isUtf8(chunk.subarray(from, to))) throw new TypeError();
      decoder.decode(chunk.subarray(to), { stream: true });
    } catch {
      throw new ValidationError(
        `Cannot read text as utf-8: malformed ${
          chunk === undefined
            ? `at its end, byte ${offset}`
            : `near byte ${offset + findInvalidByte(chunk)}`
        }`,
      );
    }
  };
  for await (const chunk of bytes) {
    check(chunk);
    offset += chunk.length;
    yield chunk;
  }
  check(undefined);
}

/** Counts the bytes at the start of a chunk that continue a character. */
function countContinuation(chunk: Uint8Array): number {
  let at = 0;
  while (at < 3 && at < chunk.length && (chunk[at]! & 0xc0) === 0x80) at++;
  return at;
}

/** Counts the bytes at the end of a chunk that begin an incomplete character. */
function countIncomplete(chunk: Uint8Array): number {
  for (let count = 1; count <= 3 && count <= chunk.length; count++) {
    const byte = chunk[chunk.length - count]!;
    if (byte >= 0xc0) return count < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? count : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

/** Returns the offset of the first invalid byte; 0 when the fault lies in an earlier chunk. */
function findInvalidByte(chunk: Uint8Array): number {
  let [good, bad] = [0, chunk.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(chunk.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return good;
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

async function* skipMark(bytes: Bytes): AsyncGenerator<Uint8Array> {
  let start: Uint8Array | undefined = new Uint8Array(); // possibly the beginning of a mark
  for await (const chunk of bytes) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    const joined: Uint8Array = start.length === 0 ? chunk : concat(start, chunk);
    if (
      joined.length < BYTE_ORDER_MARK.length &&
      joined.every((byte, i) => byte === BYTE_ORDER_MARK[i])
    ) {
      start = joined;
      continue;
    }
    start = undefined;
    yield BYTE_ORDER_MARK.every((byte, i) => joined[i] === byte)
      ? joined.subarray(BYTE_ORDER_MARK.length)
      : joined;
  }
  if (start !== undefined && start.length > 0) yield start;
}

/** Matches lone surrogates only: with the flag u, a pair is one character. */
const LONE_SURROGATE = /\p{Surrogate}/u;

async function* decodeUTF16(bytes: Bytes, encoding: Encoding): AsyncGenerator<string> {
  let littleEndian: boolean | undefined = encoding === "utf-16"
    ? undefined
    : encoding === "utf-16le";
  let oddByte: Uint8Array = new Uint8Array();
  let [offset, surrogate] = [0, ""];
  for await (const chunk of bytes) {
    const joined = oddByte.length === 0 ? chunk : concat(oddByte, chunk);
    const even = joined.length & ~1;
    oddByte = joined.slice(even);
    if (even === 0) continue;
    const view = new DataView(joined.buffer, joined.byteOffset, even);
    const first = offset === 0 ? view.getUint16(0) : 0;
    littleEndian ??= first !== 0xfeff;
    const skip = first === (littleEndian ? 0xfffe : 0xfeff) ? 2 : 0;
    const carried = surrogate.length * 2;
    let text = surrogate + decodeUnits(view, skip, littleEndian);
    surrogate = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : "";
    if (surrogate !== "") text = text.slice(0, -1);
    const broken = text.search(LONE_SURROGATE);
    if (broken >= 0) throw malformed(encoding, offset + skip - carried + broken * 2);
    offset += even;
    yield text;
  }
  if (surrogate !== "") throw malformed(encoding, offset - 2);
  if (oddByte.length > 0) throw malformed(encoding, offset);
}

function decodeUnits(view: DataView, from: number, littleEndian: boolean): string {
  // Keep byte order marks: within a text they are characters, and chunks are parts of a text.
  const decoder = new TextDecoder(littleEndian ? "utf-16le" : "utf-16be", { ignoreBOM: true });
  const units = new Uint8Array(view.buffer, view.byteOffset + from, view.byteLength - from);
  const text = decoder.decode(units);
  // The decoder replaces surrogates that a chunk splits, so they are read as numbers.
  return text.includes("\ufffd") ? readUnits(view, from, littleEndian) : text;
}

function readUnits(view: DataView, from: number, littleEndian: boolean): string {
  let text = "";
  for (let at = from; at < view.byteLength; at += 2) {
    text += String.fromCharCode(view.getUint16(at, littleEndian));
  }
  return text;
}

function malformed(encoding: Encoding, offset: number): ValidationError {
  return new ValidationError(`Cannot read text as ${encoding}: malformed at byte ${offset}`);
}

/**
 * Encodes UTF-8 text in another encoding; utf-16 is little-endian with a byte order mark.
 *
 * @throws {ValidationError} for a character that the encoding lacks
 */
export async function* encodeText(text: Bytes, encoding: Encoding): AsyncGenerator<Uint8Array> {
  if (encoding === "utf-8") return yield* text;
  if (encoding === "utf-16") yield Uint8Array.of(0xff, 0xfe);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (const chunk of text) {
    const decoded = decoder.decode(chunk, { stream: true });
    yield encoding === "latin-1" ? toLatin1(decoded) : toUTF16(decoded, encoding !== "utf-16be");
  }
}

function toLatin1(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) {
      const character = String.fromCodePoint(text.codePointAt(i)!);
      throw new ValidationError(
        `Cannot write "${character}" as latin-1: the encoding lacks this character`,
      );
    }
    out[i] = code;
  }
  return out;
}

function toUTF16(text: string, littleEndian: boolean): Uint8Array {
  const out = new DataView(new ArrayBuffer(text.length * 2));
  for (let i = 0; i < text.length; i++) out.setUint16(i * 2, text.charCodeAt(i), littleEndian);
  return new Uint8Array(out.buffer);
}
