/** Parses short numbers from bytes without creating strings. */
import { isDigit, MINUS, POINT } from "../../core/values/ascii.ts";

/** Most digits of a number that is always a safe integer. */
export const SHORT_DIGITS = 15;

/** Parses an integer of at most 15 digits; undefined for any other text. */
export function parseShortInteger(
  bytes: Uint8Array,
  start: number,
  end: number,
): number | undefined {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (end - first > SHORT_DIGITS || end === first) return undefined;
  let value = 0;
  for (let at = first; at < end; at++) {
    const byte = bytes[at]!;
    if (!isDigit(byte)) return undefined;
    value = value * 10 + (byte - 0x30);
  }
  return first === start ? value : -value;
}

/**
 * Parses a decimal of at most 15 digits as a multiple of 10 to the power of minus `scale`.
 * Undefined for any other text, for more than `scale` digits after the point, and beyond the safe
 * integers.
 */
export function parseShortDecimal(
  bytes: Uint8Array,
  start: number,
  end: number,
  scale: number,
): number | undefined {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (end - first > SHORT_DIGITS + 1 || !isDigit(bytes[first]!) || !isDigit(bytes[end - 1]!)) {
    return undefined;
  }
  let value = 0;
  let point = -1;
  for (let at = first; at < end; at++) {
    const byte = bytes[at]!;
    if (isDigit(byte)) value = value * 10 + (byte - 0x30);
    else if (byte === POINT && point < 0) point = at;
    else return undefined;
  }
  const missing = point < 0 ? scale : scale - (end - 1 - point);
  if (missing < 0 || missing > SHORT_DIGITS) return undefined;
  const unscaled = value * 10 ** missing;
  if (unscaled > Number.MAX_SAFE_INTEGER) return undefined;
  return first === start ? unscaled : -unscaled;
}

/**
 * Parses a number of at most 15 digits without exponent as the nearest double; undefined for any
 * other text. Its digits and the power of ten are exact doubles, so the quotient is rounded only
 * once.
 */
export function parseShortDouble(
  bytes: Uint8Array,
  start: number,
  end: number,
): number | undefined {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (
    end <= first || end - first > SHORT_DIGITS || !isDigit(bytes[first]!) ||
    !isDigit(bytes[end - 1]!)
  ) return undefined;
  let value = 0;
  let point = end - 1;
  for (let at = first; at < end; at++) {
    const byte = bytes[at]!;
    if (isDigit(byte)) value = value * 10 + (byte - 0x30);
    else if (byte === POINT && point === end - 1) point = at;
    else return undefined;
  }
  const absolute = value / POWERS_OF_TEN[end - 1 - point]!;
  return first === start ? absolute : -absolute;
}

export const POWERS_OF_TEN = Array.from({ length: SHORT_DIGITS + 1 }, (_, power) => 10 ** power);
