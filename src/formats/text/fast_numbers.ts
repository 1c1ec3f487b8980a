import { isDigit, MINUS } from "./ascii.ts";

const POINT = 0x2e;

/** Digits whose number is always a safe integer. */
export const SHORT = 15;

/** An integer of at most 15 digits; undefined for any other text. */
export function shortInteger(bytes: Uint8Array, start: number, end: number): number | undefined {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (end - first > SHORT || end === first) return undefined;
  let value = 0;
  for (let at = first; at < end; at++) {
    const byte = bytes[at]!;
    if (!isDigit(byte)) return undefined;
    value = value * 10 + (byte - 0x30);
  }
  return first === start ? value : -value;
}

/**
 * A decimal of at most 15 digits, as a multiple of 10 to the power of minus `scale`; undefined for
 * any other text, and where it has more digits after the point or is beyond the safe integers.
 */
export function shortDecimal(
  bytes: Uint8Array,
  start: number,
  end: number,
  scale: number,
): number | undefined {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (end - first > SHORT + 1 || !isDigit(bytes[first]!) || !isDigit(bytes[end - 1]!)) {
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
  if (missing < 0 || missing > SHORT) return undefined;
  const unscaled = value * 10 ** missing;
  if (unscaled > Number.MAX_SAFE_INTEGER) return undefined;
  return first === start ? unscaled : -unscaled;
}

/**
 * The double nearest to a number of at most 15 digits without exponent; undefined for any other
 * text. Its digits and the power of ten are exact doubles, so their quotient is rounded but once.
 */
export function shortDouble(bytes: Uint8Array, start: number, end: number): number | undefined {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (
    end <= first || end - first > SHORT || !isDigit(bytes[first]!) || !isDigit(bytes[end - 1]!)
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

export const POWERS_OF_TEN = Array.from({ length: SHORT + 1 }, (_, power) => 10 ** power);
