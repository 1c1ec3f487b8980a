/** Decodes the strings of JSON. */
import { BACKSLASH } from "../../../core/values/ascii.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const ESCAPES: Readonly<Record<number, number>> = {
  0x62: 0x08,
  0x66: 0x0c,
  0x6e: 0x0a,
  0x72: 0x0d,
  0x74: 0x09,
};

/** Decodes UTF-8 from `start` up to `end`; short ASCII text takes a faster path. */
export function decode(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 32) return utf8.decode(bytes.subarray(start, end));
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x80) return utf8.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Memory for unescaped strings, reused by all calls. */
let scratch = new Uint8Array(4096);

/**
 * Unescapes the inside of a valid JSON string; the result is valid until the next call.
 *
 * @returns undefined for an escaped lone surrogate, which UTF-8 cannot hold
 */
export function unescape(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  if (scratch.length < end - start || scratch.length > 1 << 20) {
    scratch = new Uint8Array(Math.max(4096, end - start));
  }
  let to = 0;
  for (let at = start; at < end;) {
    const byte = bytes[at]!;
    if (byte !== BACKSLASH) {
      scratch[to++] = byte;
      at++;
      continue;
    }
    const escaped = bytes[at + 1]!;
    if (escaped !== 0x75) {
      scratch[to++] = ESCAPES[escaped] ?? escaped;
      at += 2;
      continue;
    }
    const unit = hex4(bytes, at + 2);
    at += 6;
    if ((unit & 0xf800) !== 0xd800) {
      to = writeCodePoint(unit, to);
      continue;
    }
    const paired = unit < 0xdc00 && at + 6 <= end && bytes[at] === BACKSLASH &&
      bytes[at + 1] === 0x75;
    const low = paired ? hex4(bytes, at + 2) : 0;
    if ((low & 0xfc00) !== 0xdc00) return undefined;
    to = writeCodePoint(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff), to);
    at += 6;
  }
  return scratch.subarray(0, to);
}

function hex4(bytes: Uint8Array, at: number): number {
  let unit = 0;
  for (let digit = at; digit < at + 4; digit++) {
    const byte = bytes[digit]!;
    unit = unit * 16 + (byte < 0x3a ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return unit;
}

function writeCodePoint(point: number, at: number): number {
  if (point < 0x80) {
    scratch[at] = point;
    return at + 1;
  }
  if (point < 0x800) {
    scratch[at] = 0xc0 | (point >> 6);
    scratch[at + 1] = 0x80 | (point & 0x3f);
    return at + 2;
  }
  if (point < 0x10000) {
    scratch[at] = 0xe0 | (point >> 12);
    scratch[at + 1] = 0x80 | ((point >> 6) & 0x3f);
    scratch[at + 2] = 0x80 | (point & 0x3f);
    return at + 3;
  }
  scratch[at] = 0xf0 | (point >> 18);
  scratch[at + 1] = 0x80 | ((point >> 12) & 0x3f);
  scratch[at + 2] = 0x80 | ((point >> 6) & 0x3f);
  scratch[at + 3] = 0x80 | (point & 0x3f);
  return at + 4;
}
