/** SQL as SQLite writes it. */
import { SchemaError } from "../../../../core/errors.ts";
import type { StreamRef } from "../../../../models/source.ts";
import type { Dialect, TableName } from "../../contract.ts";
import { foldASCII, quoteName, tableName } from "../../names.ts";
import { mayBeText, wholeTextSQL } from "../types/text_encoding.ts";

export function quote(identifier: string): string {
  return quoteName(identifier);
}

/** Names are the same when their ASCII letters are, whatever their case. */
export const foldName = foldASCII;

/** Of statements without a watermark: to compare one takes a connection, see `watermark_order.ts`. */
export const dialect: Dialect = {
  product: "SQLite",
  quote,
  foldName,
  select: (sql, field) => mayBeText(field) ? wholeTextSQL(sql) : sql,
  compare(sql) {
    throw new SchemaError(`Cannot compare ${sql}: the encoding of the database is not known`);
  },
};

/** Table of a reference, in the one database that a connection has. */
export function mainTable(ref: StreamRef): TableName {
  const { schema, name } = tableName(ref);
  if (schema === undefined || foldName(schema) === "main") return { schema: "main", name };
  throw new SchemaError(
    `Cannot find schema "${schema}": a SQLite database has only "main"; a name that holds dots is written in double quotes`,
  );
}
