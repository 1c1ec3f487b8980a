/** Names of tables and columns: taken apart, quoted, folded, and shown in messages. */
import { ConfigurationError, SchemaError } from "../../core/errors.ts";
import type { PlannedLoad } from "../../core/contracts/loader.ts";
import { joinName, splitName } from "../../core/values/table_name.ts";
import type { StreamRef } from "../../models/source.ts";
import type { Dialect, Quoting, TableName } from "./contract.ts";

/** An identifier between quotation marks, safe to put into SQL. */
export function quoteName(identifier: string, mark: '"' | "`" = '"'): string {
  if (identifier.includes("\0")) {
    throw new SchemaError(`Cannot use ${JSON.stringify(identifier)} as a name: it holds U+0000`);
  }
  return `${mark}${identifier.replaceAll(mark, mark + mark)}${mark}`;
}

/**
 * Table of a reference: `name`, `schema.name`, or parts in double quotes that may hold dots. With
 * a `schema` key the name is taken as it stands.
 */
export function tableName(ref: StreamRef): TableName {
  if (ref.type !== "relation") {
    throw new ConfigurationError(
      `Cannot write to a ${ref.type}: a relational target is a relation`,
    );
  }
  if (ref.schema !== undefined) return { schema: ref.schema, name: ref.name };
  const [first, second, ...others] = splitName(ref.name);
  if (others.length > 0) return { name: ref.name };
  return second === undefined ? { name: first! } : { schema: first!, name: second };
}

export function quoteTable({ schema, name }: TableName, { quote }: Quoting): string {
  return schema === undefined ? quote(name) : `${quote(schema)}.${quote(name)}`;
}

/** A table as a stream's `source` has it, so that {@linkcode tableName} finds it again. */
export function formatReference({ schema, name }: TableName): string {
  return joinName(schema === undefined ? [name] : [schema, name]);
}

/** A name in double quotes as messages have it: `"analytics.orders"`. */
export function displayName(quoted: string): string {
  return JSON.stringify(splitName(quoted).join("."));
}

/** A table in messages: `"analytics.orders"`. */
export function displayTable({ schema, name }: TableName): string {
  return JSON.stringify(schema === undefined ? name : `${schema}.${name}`);
}

/** A name whose ASCII letters are in lower case: systems that fold so compare other letters as they are. */
export function foldASCII(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** @throws {SchemaError} for a name that the server would cut without a word */
export function refuseLongNames(
  { target, staged }: PlannedLoad,
  { product, longestName }: Dialect,
): void {
  if (longestName === undefined) return;
  const { schema, name: table } = tableName(target);
  const { length, unit } = longestName;
  for (const name of [schema, table, ...staged.fields.map((field) => field.name)]) {
    if (name === undefined) continue;
    const size = unit === "bytes" ? new TextEncoder().encode(name).length : [...name].length;
    if (size <= length) continue;
    throw new SchemaError(
      `Cannot load into a name of ${size} ${unit}, "${name}": ${product}'s names have at most ${length}`,
    );
  }
}
