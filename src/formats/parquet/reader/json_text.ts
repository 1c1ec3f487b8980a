/** Validates JSON without building values. Grammar: https://www.rfc-editor.org/rfc/rfc8259 */
import { isDigit, MINUS } from "../../text/ascii.ts";

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LOWER_U = 0x75;

/** Nesting limit; deeper text is left to `JSON.parse`. */
const MAX_DEPTH = 512;
/** Closing brackets of the open arrays and objects. */
const closers = new Uint8Array(MAX_DEPTH);
const utf8 = new TextEncoder();
const LITERALS = ["true", "false", "null"].map((text) => utf8.encode(text));
const isEscape = new Uint8Array(256);
for (const byte of utf8.encode('"\\/bfnrt')) isEscape[byte] = 1;

/**
 * Whether the UTF-8 from `start` up to `end` is a JSON value that begins, behind white space, with
 * `first` if given. Never true for text that `JSON.parse` rejects.
 */
export function isJSON(bytes: Uint8Array, start: number, end: number, first?: number): boolean {
  let at = skipSpace(bytes, start, end);
  if (first !== undefined && bytes[at] !== first) return false;
  let depth = 0;
  while (at >= 0 && at < end) {
    const byte = bytes[at]!;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      const closer = byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
      at = skipSpace(bytes, at + 1, end);
      if (at >= end) return false;
      if (bytes[at] === closer) at++;
      else {
        if (depth === MAX_DEPTH) return false;
        closers[depth++] = closer;
        if (closer === CLOSE_OBJECT) at = skipKey(bytes, at, end);
        continue;
      }
    } else if (byte === QUOTE) at = skipString(bytes, at + 1, end);
    else at = skipScalar(bytes, at, end);
    // A value has ended; it may end its containers as well.
    for (;;) {
      if (at < 0) return false;
      at = skipSpace(bytes, at, end);
      if (depth === 0) return at === end;
      if (at >= end) return false;
      const closer = closers[depth - 1];
      const next = bytes[at++];
      if (next === COMMA) {
        at = skipSpace(bytes, at, end);
        if (closer === CLOSE_OBJECT) at = skipKey(bytes, at, end);
        break;
      }
      if (next !== closer) return false;
      depth--;
    }
  }
  return false;
}

function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    at++;
  }
  return at;
}

/** Each of these functions skips one element and returns its end, or -1. */
function skipKey(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || bytes[start] !== QUOTE) return -1;
  const key = skipString(bytes, start + 1, end);
  if (key < 0) return -1;
  const at = skipSpace(bytes, key, end);
  return at < end && bytes[at] === COLON ? skipSpace(bytes, at + 1, end) : -1;
}

function skipString(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return -1;
    if (byte !== BACKSLASH) continue;
    const escape = bytes[++at]!;
    if (isEscape[escape] === 1) continue;
    if (escape !== LOWER_U || at + 4 >= end) return -1;
    for (let i = 0; i < 4; i++) if (!isHexDigit(bytes[++at]!)) return -1;
  }
  return -1;
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

function skipScalar(bytes: Uint8Array, start: number, end: number): number {
  for (const literal of LITERALS) {
    if (bytes[start] !== literal[0]) continue;
    const stop = start + literal.length;
    return stop <= end && literal.every((byte, i) => bytes[start + i] === byte) ? stop : -1;
  }
  let at = bytes[start] === MINUS ? start + 1 : start;
  at = at < end && bytes[at] === ZERO ? at + 1 : skipDigits(bytes, at, end);
  if (at >= 0 && at < end && bytes[at] === POINT) at = skipDigits(bytes, at + 1, end);
  if (at >= 0 && at < end && (bytes[at]! | 0x20) === 0x65) {
    const sign = bytes[at + 1];
    at = skipDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1, end);
  }
  return at;
}

function skipDigits(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isDigit(bytes[at]!)) at++;
  return at === start ? -1 : at;
}
