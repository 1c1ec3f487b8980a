/** What of SQL is SQLite's own. */
import { SchemaError } from "../../../../core/errors.ts";
import { type TableName, tableName } from "../../sql.ts";
import type { StreamRef } from "../../../../models/source.ts";

export function quote(identifier: string): string {
  if (identifier.includes("\0")) {
    throw new SchemaError(`Cannot use ${JSON.stringify(identifier)} as a name: it holds U+0000`);
  }
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** Names are the same when their ASCII letters are, whatever their case. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Table of a reference, in the one database that a connection has. */
export function mainTable(ref: StreamRef): TableName {
  const { schema, name } = tableName(ref);
  if (schema === undefined || foldName(schema) === "main") return { schema: "main", name };
  throw new SchemaError(
    `Cannot find schema "${schema}": a SQLite database has only "main"; a name that holds dots is written in double quotes`,
  );
}
