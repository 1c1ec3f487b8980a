/**
 * Watermarks in SQL. SQLite compares text byte by byte; here texts are compared as the times and
 * numbers that they mean, whatever shape others wrote them in: by the function `dxt_order`.
 */
import type { DatabaseSync } from "node:sqlite";
import { ValueError } from "../../../../core/errors.ts";
import { canBeUnordered, isUnordered, numberKey } from "../../../../core/values/value_order.ts";
import {
  formatValue,
  INFINITY,
  NEGATIVE_INFINITY,
  type Value,
} from "../../../../core/values/values.ts";
import { MAX_DECIMAL_PRECISION } from "../../../../models/dtype.ts";
import type { Field } from "../../../../models/field.ts";
import { clockReader } from "../../values/datetime_text.ts";
import { NEGATIVE_ZERO, NOT_A_NUMBER, type Raw } from "../types/raw_values.ts";
import { numberText, unscaledReader } from "../../values/driver_values.ts";
import type { Dialect } from "../../contract.ts";
import { TextEncoding } from "../types/text_encoding.ts";
import { findAffinity, nativeType } from "../types/type_mapper.ts";
import { dialect, type Key, literal } from "./dialect.ts";

const FUNCTION = "dxt_order";

type Ordering = "raw" | "double" | "text" | "function";

/** A database of UTF-16 compares text by the bytes of that, which is no order of code points. */
function chooseOrdering({ dtype, order }: Field, wide: boolean): Ordering {
  if (order === "number") return "function";
  switch (dtype) {
    case "string":
      return wide ? "function" : "text";
    case "float32":
    case "float64":
      return "double";
    case "decimal":
    case "uint64":
    case "date":
    case "time":
    case "timestamp":
    case "timestamp_tz":
      return "function";
    default:
      return "raw";
  }
}

/** SQL that sorts as the field's values do; `wide` says that the database's text is UTF-16. */
function orderSQL(sql: string, field: Field, wide: boolean): string {
  switch (chooseOrdering(field, wide)) {
    case "raw":
      return sql;
    case "text":
      return `${isText(field) ? sql : `CAST(${sql} AS TEXT)`} COLLATE BINARY`;
    case "double":
      return `iif(${sql} = '${NEGATIVE_ZERO}', 0.0, ${sql})`;
    case "function":
      return `${FUNCTION}(${sql})`;
  }
}

/** Whether a column holds text alone: in others a number may stand, which is read as its text. */
function isText(field: Field): boolean {
  const declared = nativeType(field);
  return declared !== undefined && findAffinity(declared) === "text";
}

/** SQL that holds for NaN and infinity; undefined for types without them. */
function unorderedSQL(sql: string, field: Field): string | undefined {
  if (!canBeUnordered(field)) return undefined;
  const words = field.order === "number"
    ? ["NaN", "Infinity", "-Infinity", "Inf", "-Inf"]
    : [NOT_A_NUMBER, INFINITY, NEGATIVE_INFINITY];
  const texts = words.map((word) => `'${word}'`);
  return `${sql} IN (${[...texts, "9e999", "-9e999"].join(", ")})`;
}

/** Defines `dxt_order` for a field on a connection that reads nothing else by it. */
function defineOrder(database: DatabaseSync, field: Field, wide: boolean): void {
  if (chooseOrdering(field, wide) !== "function") return;
  const key = keyReader(field);
  database.function(
    FUNCTION,
    { deterministic: true, useBigIntArguments: true },
    (value) => value === null ? null : key(value as Exclude<Raw, null>),
  );
}

function keyReader(field: Field): (value: Exclude<Raw, null>) => Key | null {
  const wrong = (value: Raw): never => {
    throw new ValueError(`expected ${field.dtype} to compare`, field.name, undefined, value);
  };
  if (field.order === "number") {
    return (value) => {
      const text = typeof value === "object" ? wrong(value) : String(value);
      return isUnordered(text, field) ? null : numberKey(text) ?? wrong(value);
    };
  }
  if (field.dtype === "string") {
    const utf8 = new TextEncoder();
    return (value) => typeof value === "object" ? wrong(value) : utf8.encode(numberText(value));
  }
  if (field.dtype === "decimal" || field.dtype === "uint64") {
    const whole = { ...field, precision: 20, scale: 0 };
    const unscaled = unscaledReader(field.dtype === "decimal" ? field : whole);
    return (value) => unscaledKey(unscaled(value) ?? wrong(value));
  }
  const read = clockReader(field);
  return (value) => typeof value === "string" ? read(value) : wrong(value);
}

/** Text that sorts as the number does: the sign, then digits, those of negative ones upside down. */
function unscaledKey(value: bigint): string {
  const width = MAX_DECIMAL_PRECISION + 1;
  if (value >= 0n) return `1${String(value).padStart(width, "0")}`;
  return `0${String(10n ** BigInt(width) + value).padStart(width, "0")}`;
}

/** The key of a bound, as `orderSQL` gives that of a row. */
function boundKey(value: Exclude<Value, null>, field: Field, wide: boolean): Key {
  switch (chooseOrdering(field, wide)) {
    case "function":
      return keyReader(field)(formatValue(value))!;
    default:
      return typeof value === "boolean" ? Number(value) : value as Key;
  }
}

/** The dialect of a connection, which compares one watermark: it defines `dxt_order` for its field. */
export function comparingDialect(database: DatabaseSync): Dialect {
  const { wide } = new TextEncoding(database);
  return {
    ...dialect,
    compare(sql, field) {
      defineOrder(database, field, wide);
      return {
        sql: orderSQL(sql, field, wide),
        literal: (value) => literal(boundKey(value, field, wide)),
        placeless: unorderedSQL(sql, field),
        atLeast: (value) => notBefore(sql, value, field),
      };
    },
  };
}

/**
 * A condition that an index serves and that no row at or after a day fails: the beginning of a
 * date is the same in every shape. Numbers, signed years and -infinity, which sort below digits,
 * pass to be looked at one by one.
 */
function notBefore(
  column: string,
  value: Exclude<Value, null>,
  field: Field,
): string | undefined {
  const day = value instanceof Temporal.PlainDate
    ? value
    : value instanceof Temporal.PlainDateTime
    ? value.toPlainDate()
    : value instanceof Temporal.Instant
    // Another offset is at most a day away.
    ? value.toZonedDateTimeISO("UTC").toPlainDate().subtract({ days: 1 })
    : undefined;
  if (day === undefined || field.dtype === "time" || day.year < 0 || day.year > 9999) {
    return undefined;
  }
  return dayPrefilter(column, day.toString());
}

/** `day` is text of the shape YYYY-MM-DD. */
export function dayPrefilter(column: string, day: string): string {
  return `(${column} >= '${day}' OR ${column} < '0-')`;
}
