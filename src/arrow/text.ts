/** Columns → text, without a Temporal object for each value. */
import type { Data } from "apache-arrow";
import type { Field } from "../models/field.ts";
import { INFINITY, NEGATIVE_INFINITY, textOf, type Value } from "../core/values.ts";
import {
  DAY_MICROS,
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
} from "./builder.ts";
import { isNull, type ReadValue, valueReader } from "./reader.ts";

const pad = (value: number, digits = 2) => String(value).padStart(digits, "0");

/** ISO 8601 date of days since 1970-01-01, for any year; years beyond 9999 have a sign. */
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
  return `${sign}${pad(Math.abs(year), sign === "" ? 4 : 6)}-${pad(month)}-${pad(dayOfMonth)}`;
}

/** `HH:MM:SS`, with `.ffffff` less its closing zeros when there is a fraction. */
export function timeText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const rest = micros - seconds * 1_000_000;
  const whole = `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${
    pad(seconds % 60)
  }`;
  return rest === 0 ? whole : `${whole}.${pad(rest, 6).replace(/0+$/, "")}`;
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff` of microseconds since 1970, or infinity. */
export function timestampText(micros: bigint, separator = "T"): string {
  if (micros === INFINITE_MICROS) return INFINITY;
  if (micros === NEGATIVE_INFINITE_MICROS) return NEGATIVE_INFINITY;
  let days = micros / DAY_MICROS;
  let rest = micros % DAY_MICROS;
  if (rest < 0n) {
    rest += DAY_MICROS;
    days -= 1n;
  }
  return `${dateText(Number(days))}${separator}${timeText(Number(rest))}`;
}

/** A reader of a column's values as the text that `parseText` reads; null for NULL. */
export function textReader(field: Field, data: Data): (row: number) => string | null {
  const read = presentText(field, data);
  return (row) => isNull(data, row) ? null : read(row);
}

function presentText(field: Field, data: Data): (row: number) => string {
  const values = data.values;
  switch (field.dtype) {
    case "date":
      return (row) =>
        values[row] === INFINITE_DAY
          ? INFINITY
          : values[row] === NEGATIVE_INFINITE_DAY
          ? NEGATIVE_INFINITY
          : dateText(values[row]);
    case "time":
      return (row) => timeText(Number(values[row]));
    case "timestamp":
      return (row) => timestampText(values[row]);
    case "timestamp_tz":
      return (row) => {
        const text = timestampText(values[row]);
        return text.endsWith("y") ? text : `${text}Z`;
      };
    default: {
      const read: ReadValue = valueReader(field, data);
      return (row) => textOf(read(row) as Exclude<Value, null>);
    }
  }
}
