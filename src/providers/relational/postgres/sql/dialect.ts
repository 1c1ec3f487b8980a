/** SQL as PostgreSQL writes it. */
import { formatValue, type Value } from "../../../../core/values/values.ts";
import { ConnectorError } from "../../../../core/errors.ts";
import type { Field } from "../../../../models/field.ts";
import type { Dialect } from "../../contract.ts";
import { quoteName } from "../../names.ts";

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS */
export function quote(identifier: string): string {
  return quoteName(identifier);
}

/** A string literal, whatever `standard_conforming_strings` says. */
export function quoteText(text: string): string {
  if (text.includes("\0")) {
    throw new ConnectorError(
      "Cannot compare with text that holds the character U+0000: PostgreSQL cannot store it",
    );
  }
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** NAMEDATALEN − 1 */
export const NAME_BYTES = 63;

/** Types of literals; text takes that of what it is compared with, so that indexes serve. */
const CASTS: Readonly<Partial<Record<Field["dtype"], string>>> = {
  float32: "::real",
  float64: "::double precision",
  decimal: "::numeric",
  bool: "::boolean",
  date: "::date",
  time: "::time",
  timestamp: "::timestamp",
  timestamp_tz: "::timestamptz",
  binary: "::bytea",
  json: "::jsonb",
  array: "::jsonb",
  object: "::jsonb",
};

export function literal(value: Exclude<Value, null>, field: Field): string {
  return `${quoteText(serverText(value))}${CASTS[field.dtype] ?? ""}`;
}

/** A value as the server's input functions read it. */
export function serverText(value: Exclude<Value, null>): string {
  const text = formatValue(value);
  if (value instanceof Uint8Array) return `\\x${text}`;
  return isDated(value) ? serverDate(text) : text;
}

function isDated(value: Value): boolean {
  return value instanceof Temporal.PlainDate || value instanceof Temporal.PlainDateTime ||
    value instanceof Temporal.Instant;
}

/** ISO 8601 years with a sign as the server has them: five digits as such, before year 1 as BC. */
export function serverDate(text: string): string {
  const match = /^([+-]?)(\d+)(-\d\d-\d\d.*)$/s.exec(text);
  if (match === null) return text;
  const year = Number(`${match[1]}${match[2]}`);
  if (year > 0) return `${String(year).padStart(4, "0")}${match[3]}`;
  return `${String(1 - year).padStart(4, "0")}${match[3]} BC`;
}

/** Of statements without a watermark: to compare one takes the type that its column has. */
export const dialect: Dialect = {
  product: "PostgreSQL",
  quote,
  // Quoted names are case-sensitive.
  foldName: (name) => name,
  longestName: { length: NAME_BYTES, unit: "bytes" },
  textArgument: quoteText,
  // Text takes the type of the column.
  equal: (sql, value) => `${sql} = ${quoteText(String(value))}`,
  byteLength: (sql, { dtype }) =>
    dtype === "binary"
      ? `octet_length(${sql})`
      : `octet_length(pg_catalog.convert_to(${sql}::text, 'UTF8'))`,
  withoutNaN: (sql) => `nullif(${sql}, 'NaN')`,
  momentLiteral: (moment) => `${quoteText(moment.toString())}::timestamptz`,
  select: (sql) => sql,
  compare(sql) {
    throw new ConnectorError(`Cannot compare ${sql}: the type of its column is not known`);
  },
};
