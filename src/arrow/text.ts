/** Formats columns as text without creating a Temporal object for each value. */
import type { Data } from "apache-arrow";
import type { Field } from "../models/field.ts";
import { ValueError } from "../core/errors.ts";
import { float32Text } from "../core/values/number_text.ts";
import {
  formatValue,
  INFINITY,
  LAST_TEXT_DAY,
  NEGATIVE_INFINITY,
  type Value,
} from "../core/values/values.ts";
import {
  DAY_MICROS,
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
} from "./builder.ts";
import { isNull, type ReadValue, valueReader } from "./reader.ts";

/** The numbers 00 to 99. */
const PAIRS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, "0"));

const WORD = 0x1_0000_0000;
/** Bound on the high word of a 64-bit number that a double holds exactly: below 2⁵³. */
const SAFE_HIGH = 0x20_0000;
const SAFE_DAY_MICROS = Number(DAY_MICROS);

/** Formats days since 1970-01-01 as an ISO 8601 date of any year; years beyond 9999 have a sign. */
export function dateText(day: number): string {
  // Days to civil date in eras of 400 years: https://howardhinnant.github.io/date_algorithms.html
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const sign = year < 0 ? "-" : year > 9999 ? "+" : "";
  const years = sign === ""
    ? PAIRS[Math.floor(year / 100)]! + PAIRS[year % 100]!
    : sign + String(Math.abs(year)).padStart(6, "0");
  return `${years}-${PAIRS[month]!}-${PAIRS[dayOfMonth]!}`;
}

/** Formats a time as `HH:MM:SS`, with `.ffffff` less trailing zeros when it has a fraction. */
export function timeText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = micros - seconds * 1_000_000;
  const minutes = Math.floor(seconds / 60);
  const clock = `${
    PAIRS[Math.floor(minutes / 60)] ?? Math.floor(minutes / 60)
  }:${PAIRS[minutes % 60]!}:${PAIRS[seconds % 60]!}`;
  return fraction === 0
    ? clock
    : `${clock}.${String(fraction).padStart(6, "0").replace(/0+$/, "")}`;
}

/** Formats microseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.ffffff`, or as infinity. */
export function timestampText(micros: bigint, separator = "T"): string {
  if (micros === INFINITE_MICROS) return INFINITY;
  if (micros === NEGATIVE_INFINITE_MICROS) return NEGATIVE_INFINITY;
  const number = Number(micros);
  if (Number.isSafeInteger(number)) return safeTimestampText(number, separator);
  let days = micros / DAY_MICROS;
  let fraction = micros % DAY_MICROS;
  if (fraction < 0n) {
    fraction += DAY_MICROS;
    days -= 1n;
  }
  return `${dateText(Number(days))}${separator}${timeText(Number(fraction))}`;
}

function safeTimestampText(micros: number, separator: string): string {
  const days = Math.floor(micros / SAFE_DAY_MICROS);
  return `${dateText(days)}${separator}${timeText(micros - days * SAFE_DAY_MICROS)}`;
}

/** Returns a reader of timestamps as `timestampText` formats them. The caller checks for NULL. */
export function timestampReader(data: Data, separator = "T"): (row: number) => string {
  const values: BigInt64Array = data.values;
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  return (row) => {
    const high = words[row * 2 + 1]!;
    return high < SAFE_HIGH && high >= -SAFE_HIGH
      ? safeTimestampText(high * WORD + (words[row * 2]! >>> 0), separator)
      : timestampText(values[row]!, separator);
  };
}

/**
 * Returns the text of a date or timestamp.
 *
 * @throws {ValueError} when no reader, dxt's own included, could parse it
 */
function checkReadable(text: string, day: number, { name, dtype }: Field, row: number): string {
  if (Math.abs(day) <= LAST_TEXT_DAY) return text;
  throw new ValueError(
    `expected a ${dtype} between the years -271821 and 275760, for text of it; "dtype: string" of the source's own text moves it`,
    name,
    row + 1,
    text,
  );
}

/** Years that a text may have: only those that `parseText` reads, or all that the column holds. */
export type TextYears = "readable" | "any";

/**
 * Returns a reader of a column's values as text that `parseText` reads; null for NULL.
 *
 * @throws {ValueError} (the reader) for a date or timestamp that `parseText` would not read
 */
export function textReader(
  field: Field,
  data: Data,
  years: TextYears = "readable",
): (row: number) => string | null {
  const read = presentText(field, data, years);
  return (row) => isNull(data, row) ? null : read(row);
}

function presentText(field: Field, data: Data, years: TextYears): (row: number) => string {
  const values = data.values;
  const timestamps = () =>
    years === "any" ? timestampReader(data) : timestampTextReader(field, data);
  switch (field.dtype) {
    case "date":
      return (row) =>
        values[row] === INFINITE_DAY
          ? INFINITY
          : values[row] === NEGATIVE_INFINITE_DAY
          ? NEGATIVE_INFINITY
          : years === "any"
          ? dateText(values[row])
          : checkReadable(dateText(values[row]), values[row], field, row);
    case "time":
      return (row) => timeText(Number(values[row]));
    case "timestamp":
      return timestamps();
    case "timestamp_tz": {
      const readTimestamp = timestamps();
      return (row) => {
        const text = readTimestamp(row);
        return text.endsWith("y") ? text : `${text}Z`;
      };
    }
    case "float32":
      return (row) => float32Text(values[row]);
    default: {
      const read: ReadValue = valueReader(field, data);
      return (row) => formatValue(read(row) as Exclude<Value, null>);
    }
  }
}

/**
 * Like {@linkcode timestampReader}, but throws a ValueError for text that `parseText` would not
 * read.
 */
export function timestampTextReader(
  field: Field,
  data: Data,
  separator = "T",
): (row: number) => string {
  const read = timestampReader(data, separator);
  const values: BigInt64Array = data.values;
  return (row) => {
    const text = read(row);
    // Only unreadable years have a sign before a digit; `-infinity` has a sign before a letter.
    return /^[+-]\d/.test(text)
      ? checkReadable(text, Number(values[row]! / DAY_MICROS), field, row)
      : text;
  };
}
