import { isDigit, MINUS } from "./json/scan.ts";

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
