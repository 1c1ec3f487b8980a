/** SQL as MySQL writes it. */
import { SchemaError } from "../../../core/errors.ts";
import { orderKind, refuseOrder } from "../../../core/values/value_order.ts";
import { formatValue, type Value } from "../../../core/values/values.ts";
import type { Field } from "../../../models/field.ts";
import type { Dialect } from "../contract.ts";
import { quoteName } from "../names.ts";

const utf8 = new TextEncoder();

export function quote(identifier: string): string {
  return quoteName(identifier, "`");
}

/** Text as a literal that no mode of the server reads otherwise. */
export function textLiteral(text: string): string {
  return text === "" ? "''" : `CONVERT(X'${utf8.encode(text).toHex()}' USING utf8mb4)`;
}

const binaryLiteral = (bytes: Uint8Array) => bytes.length === 0 ? "''" : `X'${bytes.toHex()}'`;

/** Text compares by its bytes, whatever the collation of its column, and with its blanks. */
export const castToBytes = (sql: string) => `CAST(CONVERT(${sql} USING utf8mb4) AS BINARY)`;

function boundLiteral(value: Exclude<Value, null>, { dtype }: Field): string {
  switch (dtype) {
    case "string":
      return binaryLiteral(utf8.encode(String(value)));
    case "binary":
      return binaryLiteral(value as Uint8Array);
    case "bool":
      return value === true ? "1" : "0";
    case "date":
      return `DATE'${plain(value)}'`;
    case "time":
      return `TIME'${plain(value)}'`;
    case "timestamp":
    case "timestamp_tz":
      return `TIMESTAMP'${plain(value).replace("T", " ").replace("Z", "")}'`;
    case "float32":
    case "float64":
      return Number(value).toExponential();
    default:
      return String(value);
  }
}

/** A date or time as text of its own characters alone. */
function plain(value: Exclude<Value, null>): string {
  const text = formatValue(value);
  if (/^[\d:.TZ -]+$/.test(text)) return text;
  throw new SchemaError(`Cannot compare with "${text}": MySQL has no such date`);
}

export const dialect: Dialect = {
  product: "MySQL",
  lexis: "mysql",
  quote,
  foldName: (name) => name.toLowerCase(),
  longestName: { length: 64, unit: "characters" },
  equal(sql, value) {
    return typeof value === "string"
      ? `${castToBytes(sql)} = ${binaryLiteral(utf8.encode(value))}`
      : `${sql} = ${Number(value)}`;
  },
  byteLength: (sql, { dtype }) =>
    dtype === "binary" ? `LENGTH(${sql})` : `LENGTH(CONVERT(${sql} USING utf8mb4))`,
  momentLiteral: (moment) => `'${moment.toString().replace("T", " ").replace("Z", "")}'`,
  select: (sql) => sql,
  compare(sql, field) {
    if (orderKind(field) === undefined || field.order !== undefined) refuseOrder(field, "MySQL");
    const compared = field.dtype === "string"
      ? castToBytes(sql)
      : field.dtype === "binary"
      ? `CAST(${sql} AS BINARY)`
      : sql;
    return { sql: compared, literal: (value) => boundLiteral(value, field) };
  },
};
