/** SQL as SQLite writes it. */
import { SchemaError } from "../../../../core/errors.ts";
import type { Dialect, TableName } from "../../contract.ts";
import { foldASCII, quoteName } from "../../names.ts";
import { mayBeText, wholeTextSQL } from "../types/text_encoding.ts";

export function quote(identifier: string): string {
  return quoteName(identifier);
}

/** Names are the same when their ASCII letters are, whatever their case. */
export const foldName = foldASCII;

/** What SQLite can compare: the keys of one field are all of one kind. */
export type Key = bigint | number | string | Uint8Array;

export function literal(key: Key): string {
  if (typeof key === "object") return `x'${key.toHex()}'`;
  if (typeof key !== "string") return String(key);
  // SQL text ends at its first U+0000.
  return key.includes("\0")
    ? `CAST(x'${new TextEncoder().encode(key).toHex()}' AS TEXT)`
    : `'${key.replaceAll("'", "''")}'`;
}

/** Of statements without a watermark: to compare one takes a connection, see `watermark_order.ts`. */
export const dialect: Dialect = {
  product: "SQLite",
  quote,
  foldName,
  defaultSchema: "main",
  textArgument: literal,
  equal(sql, value) {
    const wanted = typeof value === "string" ? literal(value) : String(Number(value));
    return `${sql} COLLATE BINARY = ${wanted}`;
  },
  // Of digits in text; those beyond 64 bits are the highest integer.
  wholeNumber: (sql, { dtype }) => dtype === "uint64" ? `CAST(${sql} AS INTEGER)` : sql,
  // Unlike the length of a cast to BLOB, it copies no text.
  byteLength: (sql) => `octet_length(${sql})`,
  momentLiteral(moment, dtype) {
    const zone = dtype === "timestamp" ? "" : "+00:00";
    return literal(moment.toString().replace("T", " ").replace("Z", zone));
  },
  select: (sql, field) => mayBeText(field) ? wholeTextSQL(sql) : sql,
  compare(sql) {
    throw new SchemaError(`Cannot compare ${sql}: the encoding of the database is not known`);
  },
};

/** A table's name in the one schema that a connection has. */
export function mainTable({ schema, name }: TableName): TableName {
  if (schema === undefined || foldName(schema) === "main") return { schema: "main", name };
  throw new SchemaError(
    `Cannot find schema "${schema}": a SQLite database has only "main"; a name that holds dots is written in double quotes`,
  );
}
