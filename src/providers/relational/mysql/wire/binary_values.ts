/**
 * Values of the binary format that are more than a number: dates, times, decimals, bits.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
 */
import { ValueError } from "../../../../core/errors.ts";
import type { Field } from "../../../../models/field.ts";

const WORD = 2 ** 32;
const DAY_SECONDS = 86_400;
/** Digits that a double always holds exactly. */
const EXACT = 15;
const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
const POWERS = Float64Array.from({ length: EXACT + 1 }, (_, i) => 10 ** i);

/** Days since 1970-01-01 of a day that exists: https://howardhinnant.github.io/date_algorithms.html */
function countDays(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1;
  return era * 146_097 + yearOfEra * 365 + (yearOfEra >> 2) - ((yearOfEra / 100) | 0) +
    dayOfYear - 719_468;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Dates that the server keeps and no calendar has: of zeros, or the 31st of April. */
function exists(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= MONTH_DAYS[month - 1]! + (isLeap && month === 2 ? 1 : 0);
}

const pad = (value: number, size = 2) => String(value).padStart(size, "0");

/**
 * Days since 1970 of a date of `size` bytes.
 *
 * @throws {ValueError} for a date of zeros and the like
 */
export function readDay(view: DataView, at: number, size: number, field: Field): number {
  const year = size < 4 ? 0 : view.getUint16(at, true);
  const month = size < 4 ? 0 : view.getUint8(at + 2);
  const day = size < 4 ? 0 : view.getUint8(at + 3);
  if (exists(year, month, day)) return countDays(year, month, day);
  throw new ValueError(
    `expected a date of the calendar, "dtype: string" in fields reads it as text`,
    field.name,
    undefined,
    `${pad(year, 4)}-${pad(month)}-${pad(day)}`,
  );
}

/** Puts the microseconds since 1970 of a date and time as two words. */
export function readTimestamp(
  view: DataView,
  at: number,
  size: number,
  field: Field,
  words: Int32Array,
  to: number,
): void {
  const day = readDay(view, at, size, field);
  const seconds = size < 7
    ? 0
    : (view.getUint8(at + 4) * 60 + view.getUint8(at + 5)) * 60 + view.getUint8(at + 6);
  putMicros(words, to, day * DAY_SECONDS + seconds, size < 11 ? 0 : view.getUint32(at + 7, true));
}

/** Seconds, which may be negative, and microseconds of a second. */
function putMicros(words: Int32Array, to: number, seconds: number, micros: number): void {
  // A double does not hold all of the product: its upper part is worth 2^20 seconds each.
  const upper = Math.floor(seconds / 2 ** 20);
  const lower = (seconds - upper * 2 ** 20) * 1_000_000 + micros;
  const product = upper * 1_000_000;
  const high = Math.floor(product / 2 ** 12);
  const low = (product - high * 2 ** 12) * 2 ** 20 + lower % WORD;
  words[to] = low;
  words[to + 1] = high + Math.floor(lower / WORD) + Math.floor(low / WORD);
}

/**
 * Puts the microseconds since midnight of a time of day.
 *
 * @throws {ValueError} for a span of time that is no time of day
 */
export function readTime(
  view: DataView,
  at: number,
  size: number,
  field: Field,
  words: Int32Array,
  to: number,
): void {
  if (size < 8) return;
  const isNegative = view.getUint8(at) !== 0;
  const days = view.getUint32(at + 1, true);
  const [hours, minutes, seconds] = [5, 6, 7].map((i) => view.getUint8(at + i)) as [
    number,
    number,
    number,
  ];
  const micros = size < 12 ? 0 : view.getUint32(at + 8, true);
  if (isNegative || days > 0 || hours > 23) {
    throw new ValueError(
      `expected a time of day, "dtype: string" in fields reads it as text`,
      field.name,
      undefined,
      `${isNegative ? "-" : ""}${pad(days * 24 + hours)}:${pad(minutes)}:${pad(seconds)}${
        micros === 0 ? "" : `.${pad(micros, 6)}`
      }`,
    );
  }
  putMicros(words, to, (hours * 60 + minutes) * 60 + seconds, micros);
}

/**
 * Puts a decimal in ASCII, times 10^scale, in words of 32 bits, lowest first, which are zero.
 *
 * @throws {ValueError} when it has more digits than the field, or is none
 */
export function readDecimal(
  bytes: Uint8Array,
  at: number,
  size: number,
  { name, precision = 38, scale = 0 }: Field,
  words: Int32Array,
  to: number,
  width: number,
): void {
  const end = at + size;
  let value = 0;
  let digits = 0;
  let behind = -1;
  let isPlain = size > 0;
  for (let i = bytes[at] === MINUS ? at + 1 : at; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (bytes[i] === POINT && behind < 0) behind = 0;
    else if (digit < 0 || digit > 9) isPlain = false;
    else {
      value = value * 10 + digit;
      if (value > 0) digits++;
      if (behind >= 0) behind++;
    }
  }
  const missing = scale - Math.max(behind, 0);
  if (!isPlain || missing < 0 || digits + missing > precision && value !== 0) {
    throw new ValueError(
      `expected a decimal(${precision},${scale})`,
      name,
      undefined,
      String.fromCharCode(...bytes.subarray(at, end)),
    );
  }
  if (digits + missing <= EXACT) {
    value *= POWERS[missing]!;
    const high = Math.floor(value / WORD);
    putWords(words, to, width, bytes[at] === MINUS, value - high * WORD, high);
    return;
  }
  const text = String.fromCharCode(...bytes.subarray(at, end)).replace(".", "");
  let rest = BigInt(text) * 10n ** BigInt(missing);
  for (let i = 0; i < width; i++) {
    words[to + i] = Number(BigInt.asIntN(32, rest));
    rest >>= 32n;
  }
}

function putWords(
  words: Int32Array,
  to: number,
  width: number,
  isNegative: boolean,
  low: number,
  high: number,
): void {
  words[to] = low;
  words[to + 1] = high;
  if (!isNegative || (low === 0 && high === 0)) return;
  words[to] = -low | 0;
  words[to + 1] = low === 0 ? -high : ~high;
  for (let i = 2; i < width; i++) words[to + i] = -1;
}

/** Puts bits, highest byte first, as a number of two words. */
export function readBits(
  bytes: Uint8Array,
  at: number,
  size: number,
  words: Int32Array,
  to: number,
): void {
  let [low, high] = [0, 0];
  for (let i = at; i < at + size; i++) {
    high = high << 8 | low >>> 24;
    low = low << 8 | bytes[i]!;
  }
  words[to] = low;
  words[to + 1] = high;
}
