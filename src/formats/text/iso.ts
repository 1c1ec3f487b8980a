/**
 * Parses dates and times in their most common form without creating objects: `YYYY-MM-DD`, then `T`
 * or a space, `HH:MM:SS` with up to six digits after a point, `Z` or an offset in hours and
 * minutes. Other forms are left to `parseText`.
 */
import { COLON, LETTER_T, LETTER_Z, MINUS, PLUS, POINT, SPACE } from "../../core/values/ascii.ts";
import { POWERS_OF_TEN } from "./fast_numbers.ts";

const DATE = 10;
const TIME = 8;
const DAY_SECONDS = 86_400;

/** Stands for no day; no year of four digits is that far away. */
export const NO_DAY = 0x3fffffff;
const NO_NUMBER = -1;

/** Days of the months: common years at 1 to 12, leap years at 17 to 28. */
const MONTH_DAYS = new Uint8Array(32);
/** Days of the year before each month, with the same indexes. */
const DAYS_BEFORE = new Int16Array(32);
for (const leap of [0, 1]) {
  let before = 0;
  [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].forEach((days, i) => {
    MONTH_DAYS[leap * 16 + i + 1] = days;
    DAYS_BEFORE[leap * 16 + i + 1] = before;
    before += days;
  });
}

/** Parses a date as days since 1970-01-01; NO_DAY for another text. */
export function parseISODate(bytes: Uint8Array, start: number, end: number): number {
  return end - start === DATE ? parseDay(bytes, start) : NO_DAY;
}

/** Parses a time as microseconds since midnight; NaN for another text. */
export function parseISOTime(bytes: Uint8Array, start: number, end: number): number {
  const seconds = parseSeconds(bytes, start, end);
  if (seconds < 0) return NaN;
  const micros = parseFraction(bytes, start + TIME, end);
  return micros < 0 ? NaN : seconds * 1_000_000 + micros;
}

/**
 * Parses a timestamp as microseconds since 1970. `zone` says whether an offset is required or
 * forbidden; with one, the result is in UTC. NaN for another text, and beyond the safe integers.
 */
export function parseISOTimestamp(
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
      close = findOffset(bytes, end);
      if (close === NO_NUMBER) return NaN;
      offset = parseOffset(bytes, close, end);
      if (Number.isNaN(offset)) return NaN;
    }
  }
  const time = start + DATE + 1;
  const seconds = parseSeconds(bytes, time, close);
  const day = parseDay(bytes, start);
  if (seconds < 0 || day === NO_DAY) return NaN;
  const micros = parseFraction(bytes, time + TIME, close);
  if (micros < 0) return NaN;
  const total = (day * DAY_SECONDS + seconds - offset) * 1_000_000 + micros;
  return Number.isSafeInteger(total) ? total : NaN;
}

/** Finds the sign of an offset before `end`. */
function findOffset(bytes: Uint8Array, end: number): number {
  for (let at = end - 3; at >= end - 6 && at > 0; at--) {
    if (bytes[at] === PLUS || bytes[at] === MINUS) return at;
  }
  return NO_NUMBER;
}

/** Parses `±HH`, `±HHMM` or `±HH:MM` as seconds; NaN for another text. */
function parseOffset(bytes: Uint8Array, at: number, end: number): number {
  const hours = parsePair(bytes, at + 1);
  let minutes = 0;
  if (end - at === 6) minutes = bytes[at + 3] === COLON ? parsePair(bytes, at + 4) : NO_NUMBER;
  else if (end - at === 5) minutes = parsePair(bytes, at + 3);
  else if (end - at !== 3) return NaN;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NaN;
  const seconds = (hours * 60 + minutes) * 60;
  return bytes[at] === MINUS ? -seconds : seconds;
}

/** Parses a day of the proleptic Gregorian calendar. */
function parseDay(bytes: Uint8Array, at: number): number {
  const century = parsePair(bytes, at);
  const yearOfCentury = parsePair(bytes, at + 2);
  const month = parsePair(bytes, at + 5);
  const day = parsePair(bytes, at + 8);
  if (
    (century | yearOfCentury | month | day) < 0 || bytes[at + 4] !== MINUS ||
    bytes[at + 7] !== MINUS
  ) {
    return NO_DAY;
  }
  const year = century * 100 + yearOfCentury;
  const leap = year % 4 === 0 && (yearOfCentury !== 0 || century % 4 === 0) ? 16 : 0;
  if (month > 12 || day === 0 || day > MONTH_DAYS[leap + month]!) return NO_DAY;
  return yearStart(year) + DAYS_BEFORE[leap + month]! + day - 1;
}

/** Days from 1970-01-01 to the first day of a year. */
function yearStart(year: number): number {
  const before = year + 399; // years since -400, a multiple of 400
  return (year + 400) * 365 + (before >> 2) - ((before / 100) | 0) + ((before / 400) | 0) + 1 -
    865_625;
}

/** Parses a time of day as seconds; negative for another text. */
function parseSeconds(bytes: Uint8Array, at: number, end: number): number {
  if (end < at + TIME || bytes[at + 2] !== COLON || bytes[at + 5] !== COLON) return NO_NUMBER;
  const hour = parsePair(bytes, at);
  const minute = parsePair(bytes, at + 3);
  const second = parsePair(bytes, at + 6);
  return (hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 59
    ? NO_NUMBER
    : (hour * 60 + minute) * 60 + second;
}

/** Parses a point and one to six digits, or nothing, as microseconds; negative for another text. */
function parseFraction(bytes: Uint8Array, at: number, end: number): number {
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

/** Parses two digits; negative for another text. */
function parsePair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30;
  const ones = bytes[at + 1]! - 0x30;
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? NO_NUMBER : tens * 10 + ones;
}
