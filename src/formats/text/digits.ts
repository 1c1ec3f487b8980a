/** Writes numbers, dates and times as ASCII; each function returns where the text ends. */
import { COLON, MINUS, POINT, ZERO } from "../../core/values/ascii.ts";

const BILLION = 1_000_000_000;
const DAY_MICROS = 86_400_000_000;

/** Days from 1970-01-01 to the first day of year 0 and the last day of year 9999. */
export const FIRST_DAY = -719_528;
export const LAST_DAY = 2_932_896;

/** Most bytes of a value; a timestamp has 26. */
export const MAX_VALUE_BYTES = 48;

/** Writes a safe integer. */
export function putWhole(out: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    out[at++] = MINUS;
    value = -value;
  }
  if (value < BILLION) return putShort(out, at, value | 0);
  const high = Math.floor(value / BILLION);
  at = putShort(out, at, high | 0);
  return putPadded(out, at, (value - high * BILLION) | 0, 9);
}

/** Writes an integer of at most nine digits. */
function putShort(out: Uint8Array, at: number, value: number): number {
  let count = 1;
  for (let limit = 10; count < 9 && value >= limit; limit *= 10) count++;
  return putPadded(out, at, value, count);
}

/** Writes exactly `count` digits, at most nine. */
function putPadded(out: Uint8Array, at: number, value: number, count: number): number {
  const end = at + count;
  for (let digit = end - 1; digit >= at; digit--) {
    const rest = (value / 10) | 0;
    out[digit] = ZERO + value - rest * 10;
    value = rest;
  }
  return end;
}

/** Writes a safe integer divided by 10 to the power of `scale`, with all digits. */
export function putScaled(out: Uint8Array, at: number, value: number, scale: number): number {
  if (scale === 0) return putWhole(out, at, value);
  const start = value < 0 ? at + 1 : at;
  let end = putWhole(out, at, value);
  const missing = scale + 1 - (end - start);
  if (missing > 0) {
    out.copyWithin(start + missing, start, end);
    out.fill(ZERO, start, start + missing);
    end += missing;
  }
  // Move the last `scale` bytes by one; for so few, a loop is faster than a call.
  for (let digit = end; digit > end - scale; digit--) out[digit] = out[digit - 1]!;
  out[end - scale] = POINT;
  return end + 1;
}

function putPair(out: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0;
  out[at] = ZERO + tens;
  out[at + 1] = ZERO + value - tens * 10;
}

/** Writes a day from FIRST_DAY to LAST_DAY as `YYYY-MM-DD`. */
export function putDay(out: Uint8Array, at: number, day: number): number {
  // Days to civil date in eras of 400 years: https://howardhinnant.github.io/date_algorithms.html
  const shifted = day + 719_468 + 146_097; // none is negative, then
  const era = (shifted / 146_097) | 0;
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) -
    ((dayOfEra / 146_096) | 0)) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0));
  const monthFromMarch = ((5 * dayOfYear + 2) / 153) | 0;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 - 400 + (month <= 2 ? 1 : 0);
  const century = (year / 100) | 0;
  putPair(out, at, century);
  putPair(out, at + 2, year - century * 100);
  out[at + 4] = MINUS;
  putPair(out, at + 5, month);
  out[at + 7] = MINUS;
  putPair(out, at + 8, dayOfYear - (((153 * monthFromMarch + 2) / 5) | 0) + 1);
  return at + 10;
}

/** Writes `HH:MM:SS`, with `.ffffff` less trailing zeros when there is a fraction. */
export function putTime(out: Uint8Array, at: number, micros: number): number {
  const seconds = Math.floor(micros / 1_000_000) | 0;
  let fraction = (micros - seconds * 1_000_000) | 0;
  const minutes = (seconds / 60) | 0;
  const hours = (minutes / 60) | 0;
  putPair(out, at, hours);
  out[at + 2] = COLON;
  putPair(out, at + 3, minutes - hours * 60);
  out[at + 5] = COLON;
  putPair(out, at + 6, seconds - minutes * 60);
  if (fraction === 0) return at + 8;
  out[at + 8] = POINT;
  let count = 6;
  for (let rest = (fraction / 10) | 0; rest * 10 === fraction; rest = (fraction / 10) | 0) {
    fraction = rest;
    count--;
  }
  return putPadded(out, at + 9, fraction, count);
}

/** Writes safe microseconds since 1970 as a day that `putDay` accepts, separator and time. */
export function putTimestamp(
  out: Uint8Array,
  at: number,
  micros: number,
  separator: number,
): number {
  const day = Math.floor(micros / DAY_MICROS);
  const time = putDay(out, at, day | 0);
  out[time] = separator;
  return putTime(out, time + 1, micros - day * DAY_MICROS);
}
