/**
 * Strict scanner of JSON in UTF-8: finds where a value ends, and validates it.
 * Grammar: https://www.rfc-editor.org/rfc/rfc8259
 *
 * The text must end before `end`, where a zero byte stands: no JSON text contains one, so loops
 * need no bounds check. All functions return the position behind what they skipped. They throw
 * {@linkcode Malformed}, or {@linkcode INCOMPLETE} where more bytes could complete the text.
 */
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  isDigit,
  isHexDigit,
  LINE_FEED,
  LOWER_U,
  MINUS,
  OPEN_ARRAY,
  OPEN_OBJECT,
  PLUS,
  POINT,
  QUOTE,
  ZERO,
} from "../../../core/values/ascii.ts";

/** Most objects and arrays nested within each other. */
export const MAX_DEPTH = 512;

const TRUE = new TextEncoder().encode("true");
const FALSE = new TextEncoder().encode("false");
const NULL = new TextEncoder().encode("null");
const SIMPLE_ESCAPES = new Set(new TextEncoder().encode('"\\/bfnrt'));

/** Malformed text. The caller adds the file and the record to the message. */
export class Malformed extends Error {}

class Incomplete extends Error {}
/**
 * Thrown where the text continues behind the buffered bytes; shared, as errors are slow to make.
 */
export const INCOMPLETE = new Incomplete("incomplete JSON");

/** Throws the error for an unexpected byte at a position. */
export function throwMalformed(bytes: Uint8Array, at: number, end: number, wanted: string): never {
  if (at >= end) throw INCOMPLETE;
  throw new Malformed(`expected ${wanted}, found ${snippet(bytes, at, end)}`);
}

function snippet(bytes: Uint8Array, at: number, end: number): string {
  const text = new TextDecoder().decode(bytes.subarray(at, Math.min(end, at + 24)));
  return JSON.stringify(text.replace(/\ufffd+$/, ""));
}

/** Line feeds skipped as white space so far. */
export let lineFeeds = 0;

export function skipSpace(bytes: Uint8Array, start: number): number {
  for (let at = start;; at++) {
    const byte = bytes[at]!;
    if (byte > 0x20) return at;
    if (byte === LINE_FEED) lineFeeds++;
    else if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return at;
  }
}

/** Skips any value that starts at `at`. */
export function skipValue(bytes: Uint8Array, at: number, end: number, depth = 0): number {
  switch (bytes[at]) {
    case QUOTE:
      return skipString(bytes, at, end);
    case OPEN_OBJECT:
      return skipObject(bytes, at, end, depth + 1);
    case OPEN_ARRAY:
      return skipArray(bytes, at, end, depth + 1);
    case 0x74:
      return skipLiteral(bytes, at, end, TRUE);
    case 0x66:
      return skipLiteral(bytes, at, end, FALSE);
    case 0x6e:
      return skipLiteral(bytes, at, end, NULL);
    default:
      return skipNumber(bytes, at, end);
  }
}

/** Skips a string including its quotes. Control characters must be escaped. */
export function skipString(bytes: Uint8Array, start: number, end: number): number {
  let at = start + 1;
  for (;;) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at = skipEscape(bytes, at + 1, end);
    else if (byte < 0x20) throwMalformed(bytes, at, end, "no control character in a string");
    else at++;
  }
}

/** Escapes skipped so far; callers compare it before and after a value. */
export let escapes = 0;

function skipEscape(bytes: Uint8Array, at: number, end: number): number {
  escapes++;
  const byte = bytes[at]!;
  if (SIMPLE_ESCAPES.has(byte)) return at + 1;
  if (byte !== LOWER_U) throwMalformed(bytes, at, end, "a JSON escape");
  for (let digit = at + 1; digit <= at + 4; digit++) {
    if (!isHexDigit(bytes[digit]!)) throwMalformed(bytes, digit, end, "a hexadecimal digit");
  }
  return at + 5;
}

function skipNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  if (bytes[at] === ZERO) at++;
  else at = skipDigits(bytes, at, end, at === start ? "a value" : "a digit");
  if (bytes[at] === POINT) at = skipDigits(bytes, at + 1, end, "a digit");
  if ((bytes[at]! | 0x20) === 0x65) {
    at++;
    if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
    at = skipDigits(bytes, at, end, "a digit");
  }
  return at;
}

function skipDigits(bytes: Uint8Array, start: number, end: number, wanted: string): number {
  let at = start;
  while (isDigit(bytes[at]!)) at++;
  return at === start ? throwMalformed(bytes, at, end, wanted) : at;
}

function skipLiteral(bytes: Uint8Array, start: number, end: number, literal: Uint8Array): number {
  for (let i = 1; i < literal.length; i++) {
    if (bytes[start + i] === literal[i]) continue;
    throwMalformed(bytes, start + i >= end ? end : start, end, "a value");
  }
  return start + literal.length;
}

function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new Malformed(`nested more than ${MAX_DEPTH} deep, expected at most ${MAX_DEPTH}`);
  }
}

function skipArray(bytes: Uint8Array, start: number, end: number, depth: number): number {
  checkDepth(depth);
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_ARRAY) return at + 1;
  for (;;) {
    at = skipSpace(bytes, skipValue(bytes, at, end, depth));
    if (bytes[at] === CLOSE_ARRAY) return at + 1;
    if (bytes[at] !== COMMA) throwMalformed(bytes, at, end, '"," or "]"');
    at = skipSpace(bytes, at + 1);
  }
}

function skipObject(bytes: Uint8Array, start: number, end: number, depth: number): number {
  checkDepth(depth);
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_OBJECT) return at + 1;
  for (;;) {
    at = skipColon(bytes, skipKey(bytes, at, end), end);
    at = skipSpace(bytes, skipValue(bytes, at, end, depth));
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    if (bytes[at] !== COMMA) throwMalformed(bytes, at, end, '"," or "}"');
    at = skipSpace(bytes, at + 1);
  }
}

/** Skips a key including its quotes. */
export function skipKey(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== QUOTE) throwMalformed(bytes, at, end, "a key in double quotes");
  return skipString(bytes, at, end);
}

/** Skips the colon behind a key and the space around it. */
export function skipColon(bytes: Uint8Array, start: number, end: number): number {
  const at = skipSpace(bytes, start);
  if (bytes[at] !== COLON) throwMalformed(bytes, at, end, '":" after a key');
  return skipSpace(bytes, at + 1);
}
