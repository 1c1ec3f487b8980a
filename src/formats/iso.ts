/**
 * Dates and times in their usual spelling, without an object for each: `YYYY-MM-DD`, `T` or a
 * space, `HH:MM:SS` with up to six digits after a point, `Z`. Other spellings are `parseText`'s.
 */
import { isDigit, MINUS } from "./bytes.ts";

const COLON = 0x3a;
const POINT = 0x2e;
const SPACE = 0x20;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;
const DATE = 10;
const TIME = 8;
const DAY_SECONDS = 86_400;

/** Days in months, of a leap year. */
const MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Days since 1970-01-01. */
export function isoDate(bytes: Uint8Array, start: number, end: number): number | undefined {
  return end - start === DATE ? dayAt(bytes, start) : undefined;
}

/** Microseconds since midnight. */
export function isoTime(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  const seconds = secondsAt(bytes, start, end);
  return seconds === undefined ? undefined : withFraction(bytes, seconds, start + TIME, end);
}

/** Microseconds since 1970, in UTC where the text ends in Z, which `zone` wants. */
export function isoTimestamp(
  bytes: Uint8Array,
  start: number,
  end: number,
  zone: boolean,
): bigint | undefined {
  const separator = bytes[start + DATE];
  if (separator !== LETTER_T && separator !== SPACE) return undefined;
  if (zone && bytes[end - 1] !== LETTER_Z) return undefined;
  const close = zone ? end - 1 : end;
  const time = start + DATE + 1;
  const seconds = secondsAt(bytes, time, close);
  const day = dayAt(bytes, start);
  if (seconds === undefined || day === undefined) return undefined;
  return withFraction(bytes, day * DAY_SECONDS + seconds, time + TIME, close);
}

function dayAt(bytes: Uint8Array, at: number): number | undefined {
  const year = digits(bytes, at, 4);
  const month = digits(bytes, at + 5, 2);
  const day = digits(bytes, at + 8, 2);
  if (bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS || Number.isNaN(year)) return undefined;
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= MONTHS[month - 1]!)) return undefined;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (month === 2 && day === 29 && !leap) return undefined;
  // Civil date to days: https://howardhinnant.github.io/date_algorithms.html
  const shifted = month <= 2 ? year - 1 : year;
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return shifted * 365 + leapDays + dayOfYear - 719_468;
}

function secondsAt(bytes: Uint8Array, at: number, end: number): number | undefined {
  if (end < at + TIME || bytes[at + 2] !== COLON || bytes[at + 5] !== COLON) return undefined;
  const hour = digits(bytes, at, 2);
  const minute = digits(bytes, at + 3, 2);
  const second = digits(bytes, at + 6, 2);
  return hour <= 23 && minute <= 59 && second <= 59
    ? (hour * 60 + minute) * 60 + second
    : undefined;
}

/** Seconds and the fraction from `at` up to `end`, as microseconds. */
function withFraction(
  bytes: Uint8Array,
  seconds: number,
  at: number,
  end: number,
): bigint | undefined {
  let micros = 0;
  if (at !== end) {
    const count = end - at - 1;
    if (bytes[at] !== POINT || count < 1 || count > 6) return undefined;
    micros = digits(bytes, at + 1, count) * 10 ** (6 - count);
    if (Number.isNaN(micros)) return undefined;
  }
  const total = seconds * 1_000_000 + micros;
  return Number.isSafeInteger(total)
    ? BigInt(total)
    : BigInt(seconds) * 1_000_000n + BigInt(micros);
}

/** NaN when they are not all digits */
function digits(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const byte = bytes[at]!;
    if (!isDigit(byte)) return NaN;
    value = value * 10 + (byte - 0x30);
  }
  return value;
}
