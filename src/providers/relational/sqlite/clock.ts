/** Text of dates and times, as SQLite keeps them → the raw values of Arrow's columns. */
import { columnFor, DAY_MICROS, valuePusher } from "../../../arrow/mod.ts";
import { parseText } from "../../../core/values.ts";
import type { Field } from "../../../models/field.ts";

const DAYS_BEFORE = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const MONTH_DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const digit = (text: string, at: number) => text.charCodeAt(at) - 48;
const two = (text: string, at: number) => {
  const [a, b] = [digit(text, at), digit(text, at + 1)];
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 ? a * 10 + b : NaN;
};

/** Days since 1970 of `YYYY-MM-DD` at the beginning of a text; NaN for anything else. */
function commonDay(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return NaN;
  const year = two(text, 0) * 100 + two(text, 2);
  const [month, day] = [two(text, 5), two(text, 8)];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (!(month >= 1 && month <= 12 && day >= 1)) return NaN;
  if (day > MONTH_DAYS[month]! && !(leap && month === 2 && day === 29)) return NaN;
  const before = year - 1;
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const ofYear = DAYS_BEFORE[month]! + day - 1 + (leap && month > 2 ? 1 : 0);
  return year * 365 + leaps + ofYear - 719_162 - 365;
}

/** Microseconds of `HH:MM:SS[.ffffff]` from `at` up to `end`; NaN for anything else. */
function commonTime(text: string, at: number, end: number): number {
  if (text.charCodeAt(at + 2) !== 58 || text.charCodeAt(at + 5) !== 58) return NaN;
  const [hour, minute, second] = [two(text, at), two(text, at + 3), two(text, at + 6)];
  if (!(hour < 24 && minute < 60 && second < 60)) return NaN;
  const whole = ((hour * 60 + minute) * 60 + second) * 1_000_000;
  const size = end - at - 9;
  if (size === -1) return whole;
  if (size < 1 || size > 6 || text.charCodeAt(at + 8) !== 46) return NaN;
  let fraction = 0;
  for (let i = at + 9; i < end; i++) {
    const one = digit(text, i);
    if (!(one >= 0 && one <= 9)) return NaN;
    fraction = fraction * 10 + one;
  }
  return whole + fraction * 10 ** (6 - size);
}

/** Microseconds since 1970 of `YYYY-MM-DD[ T]HH:MM:SS[.ffffff]` up to `end`, or undefined. */
function commonTimestamp(text: string, end: number): bigint | undefined {
  const separator = text.charCodeAt(10);
  if (separator !== 32 && separator !== 84) return undefined;
  const day = commonDay(text);
  const time = commonTime(text, 11, end);
  if (Number.isNaN(day + time)) return undefined;
  // A double is exact to the microsecond in the years 1684 to 2255.
  return Math.abs(day) < 104_000
    ? BigInt(day * 86_400_000_000 + time)
    : BigInt(day) * DAY_MICROS + BigInt(time);
}

/**
 * Reads texts of a field of dtype date, time, timestamp or timestamp_tz as days or microseconds.
 * The usual shapes are read without an object for each, all others by `parseText`.
 *
 * @throws {ValueError} (the function) when the text is not of the field's type
 */
export function clockReader(field: Field): (text: string) => number | bigint {
  const column = columnFor(field);
  const push = valuePusher(field, column);
  const slow = (text: string): number | bigint => {
    push(parseText(text, field));
    return (column.take().values as ArrayLike<number | bigint>)[0]!;
  };
  switch (field.dtype) {
    case "date":
      return (text) => {
        const day = text.length === 10 ? commonDay(text) : NaN;
        return Number.isNaN(day) ? slow(text) : day;
      };
    case "time":
      return (text) => {
        const micros = commonTime(text, 0, text.length);
        return Number.isNaN(micros) ? slow(text) : BigInt(micros);
      };
    case "timestamp":
      return (text) => commonTimestamp(text, text.length) ?? slow(text);
    default:
      return (text) => {
        const end = text.endsWith("+00:00") ? text.length - 6 : text.length - 1;
        const utc = end < text.length - 1 || text.endsWith("Z");
        return (utc ? commonTimestamp(text, end) : undefined) ?? slow(text);
      };
  }
}
