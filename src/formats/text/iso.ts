/**
 * Dates and times in their usual spelling, without an object for each: `YYYY-MM-DD`, `T` or a
 * space, `HH:MM:SS` with up to six digits after a point, `Z` or an offset of hours and minutes.
 * Other spellings are `parseText`'s.
 */
import { MINUS, PLUS } from "./ascii.ts";
import { POWERS_OF_TEN } from "./fast_numbers.ts";

const COLON = 0x3a;
const POINT = 0x2e;
const SPACE = 0x20;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;
const DATE = 10;
const TIME = 8;
const DAY_SECONDS = 86_400;

/** No day: none of four digits for its year is so far away. */
export const NO_DAY = 0x3fffffff;
const NO_NUMBER = -1;

/** Days in the months of common years, then of leap years; there is no month 0. */
const LENGTHS = new Uint8Array(32);
/** Days of a year before its months, alike. */
const BEFORE = new Int16Array(32);
for (const leap of [0, 1]) {
  let before = 0;
  [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].forEach((days, i) => {
    LENGTHS[leap * 16 + i + 1] = days;
    BEFORE[leap * 16 + i + 1] = before;
    before += days;
  });
}

/** Days since 1970-01-01, or NO_DAY. */
export function isoDate(bytes: Uint8Array, start: number, end: number): number {
  return end - start === DATE ? dayAt(bytes, start) : NO_DAY;
}

/** Microseconds since midnight; NaN for another text. */
export function isoTime(bytes: Uint8Array, start: number, end: number): number {
  const seconds = secondsAt(bytes, start, end);
  if (seconds < 0) return NaN;
  const micros = fractionAt(bytes, start + TIME, end);
  return micros < 0 ? NaN : seconds * 1_000_000 + micros;
}

/**
 * Microseconds since 1970, in UTC where there is an offset, which `zone` wants; NaN for another
 * text, and beyond the safe integers.
 */
export function isoTimestamp(
  bytes: Uint8Array,
  start: number,
  end: number,
  zone: boolean,
): number {
  const separator = bytes[start + DATE];
  if (separator !== LETTER_T && separator !== SPACE) return NaN;
  let close = end;
  let offset = 0;
  if (zone) {
    if (bytes[end - 1] === LETTER_Z) {
      close--;
    } else {
      close = offsetAt(bytes, end);
      if (close === NO_NUMBER) return NaN;
      offset = offsetSeconds(bytes, close, end);
      if (Number.isNaN(offset)) return NaN;
    }
  }
  const time = start + DATE + 1;
  const seconds = secondsAt(bytes, time, close);
  const day = dayAt(bytes, start);
  if (seconds < 0 || day === NO_DAY) return NaN;
  const micros = fractionAt(bytes, time + TIME, close);
  if (micros < 0) return NaN;
  const total = (day * DAY_SECONDS + seconds - offset) * 1_000_000 + micros;
  return Number.isSafeInteger(total) ? total : NaN;
}

/** Where an offset's sign stands before `end`. */
function offsetAt(bytes: Uint8Array, end: number): number {
  for (let at = end - 3; at >= end - 6 && at > 0; at--) {
    if (bytes[at] === PLUS || bytes[at] === MINUS) return at;
  }
  return NO_NUMBER;
}

/** Seconds of `±HH`, `±HHMM` or `±HH:MM`; NaN for others. */
function offsetSeconds(bytes: Uint8Array, at: number, end: number): number {
  const hours = pair(bytes, at + 1);
  let minutes = 0;
  if (end - at === 6) minutes = bytes[at + 3] === COLON ? pair(bytes, at + 4) : NO_NUMBER;
  else if (end - at === 5) minutes = pair(bytes, at + 3);
  else if (end - at !== 3) return NaN;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NaN;
  const seconds = (hours * 60 + minutes) * 60;
  return bytes[at] === MINUS ? -seconds : seconds;
}

/** Of the Gregorian calendar before it was there, too. */
function dayAt(bytes: Uint8Array, at: number): number {
  const century = pair(bytes, at);
  const rest = pair(bytes, at + 2);
  const month = pair(bytes, at + 5);
  const day = pair(bytes, at + 8);
  if ((century | rest | month | day) < 0 || bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS) {
    return NO_DAY;
  }
  const year = century * 100 + rest;
  const leap = year % 4 === 0 && (rest !== 0 || century % 4 === 0) ? 16 : 0;
  if (month > 12 || day === 0 || day > LENGTHS[leap + month]!) return NO_DAY;
  return startOf(year) + BEFORE[leap + month]! + day - 1;
}

/** Days from 1970-01-01 to a year's first. */
function startOf(year: number): number {
  const before = year + 399; // of the years since -400, a multiple of 400
  return (year + 400) * 365 + (before >> 2) - ((before / 100) | 0) + ((before / 400) | 0) + 1 -
    865_625;
}

/** Seconds since midnight, negative for another text. */
function secondsAt(bytes: Uint8Array, at: number, end: number): number {
  if (end < at + TIME || bytes[at + 2] !== COLON || bytes[at + 5] !== COLON) return NO_NUMBER;
  const hour = pair(bytes, at);
  const minute = pair(bytes, at + 3);
  const second = pair(bytes, at + 6);
  return (hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 59
    ? NO_NUMBER
    : (hour * 60 + minute) * 60 + second;
}

/** Microseconds of a point and one to six digits, or of nothing; negative for another text. */
function fractionAt(bytes: Uint8Array, at: number, end: number): number {
  if (at === end) return 0;
  const count = end - at - 1;
  if (bytes[at] !== POINT || count < 1 || count > 6) return NO_NUMBER;
  let value = 0;
  for (let digit = at + 1; digit < end; digit++) {
    const number = bytes[digit]! - 0x30;
    if (number >>> 0 > 9) return NO_NUMBER;
    value = value * 10 + number;
  }
  return value * POWERS_OF_TEN[6 - count]!;
}

/** The number of two digits; negative for others. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30;
  const ones = bytes[at + 1]! - 0x30;
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? NO_NUMBER : tens * 10 + ones;
}
