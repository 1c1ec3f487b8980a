/** The table that a load writes to: made when it is missing, else checked before a row is written. */
import type { DatabaseSync } from "node:sqlite";
import type { Batch } from "../../../../core/contracts/batch.ts";
import { LoaderError, messageOf, SchemaError, ValueError } from "../../../../core/errors.ts";
import {
  type FieldConversion,
  refuseLosses,
  typeText,
} from "../../../../core/values/conversion.ts";
import type { LoadTask, PlannedLoad } from "../../../../core/contracts/loader.ts";
import type { MappedType } from "../../../../core/contracts/type_mapper.ts";
import { describeUnfilled, unfilledColumns } from "../../../../core/unfilled_columns.ts";
import type { Field } from "../../../../models/field.ts";
import { keyOfNewTable } from "../../target.ts";
import { quoteTable } from "../../names.ts";
import type { TableName } from "../../contract.ts";
import { findTable, rowNumberColumn, type Table, type TableColumn } from "../sql/catalog.ts";
import { checkedColumn, type WrittenColumn } from "../types/checked_column.ts";
import { conversionOf } from "../types/conversion.ts";
import type { SqliteConnector } from "../connector.ts";
import { databaseEncoding } from "../types/text_encoding.ts";
import { canStore } from "../types/fit.ts";
import { foldName, mainTable, quote } from "../sql/dialect.ts";
import { declaredType, typeMapper } from "../types/type_mapper.ts";

export interface Target {
  /** The table, quoted. */
  readonly sql: string;
  readonly name: string;
  /** The database keeps text as UTF-16. */
  readonly wide: boolean;
  readonly hasKey: boolean;
  /** Columns of the staged fields, in their order. */
  readonly columns: readonly TargetColumn[];
  /** Columns that no field fills. */
  readonly unfilled: readonly string[];
}

/** Warns of the columns that no field fills. */
export function warnOfUnfilled(
  { warn }: Pick<SqliteConnector, "warn">,
  { name, unfilled }: Pick<Target, "name" | "unfilled">,
): void {
  const warning = describeUnfilled(`"${name}"`, unfilled);
  if (warning !== undefined) warn(warning);
}

export interface TargetColumn {
  readonly name: string;
  readonly declared: string;
  /** NULL is refused, or SQLite would make a number up for it. */
  readonly required: boolean;
  /** The type that each value is checked to be of, where the field holds others. */
  readonly checked?: MappedType;
}

/** Calls `work`, whose errors tell rows of a batch, after `before` rows of the stream. */
export function columnsAfter<T>(before: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(before + error.row!) : error;
  }
}

/** A batch's columns as a target takes them. */
export function writtenColumns(
  batch: Batch,
  { columns }: Target,
  { staged }: Pick<LoadTask, "staged">,
): WrittenColumn[] {
  return staged.fields.map((field, i) => {
    const data = batch.data.children[i]!;
    const { checked } = columns[i]!;
    return checked === undefined ? { field, data } : checkedColumn(field, data, checked);
  });
}

/**
 * Makes or checks the table of a load, inside its transaction.
 *
 * @param types of the columns of a new table
 */
export function prepareTarget(
  database: DatabaseSync,
  task: PlannedLoad,
  types: readonly string[] = newTypes(task),
): Target {
  const table = mainTable(task.target);
  const found = findTable(database, table) ?? createTable(database, table, task, types);
  const wide = databaseEncoding(database) !== "utf-8";
  const target = { ...checkedTarget(found, table, task), wide };
  if (task.mode === "upsert") ensureUnique(database, found, target, task.upsertKeys);
  return target;
}

/** The declared types of a new table, by the fields alone. */
export function newTypes({ staged }: PlannedLoad): string[] {
  return staged.fields.map((field) => typeMapper.toTarget(field));
}

/** The statement that makes the table of a load. */
export function createStatements(
  table: TableName,
  task: PlannedLoad,
  types: readonly string[] = newTypes(task),
): string {
  const { staged, upsertKeys } = task;
  const keys = keyOfNewTable(task);
  const columns = staged.fields.map((field, i) => {
    const required = !field.nullable || upsertKeys.includes(field.name);
    return `${quote(field.name)} ${types[i]}${required ? " NOT NULL" : ""}`;
  });
  const key = keys.length === 0 ? [] : [`PRIMARY KEY (${keys.map(quote).join(", ")})`];
  return `CREATE TABLE ${quoteTable(table, { quote })} (${[...columns, ...key].join(", ")})`;
}

function createTable(
  database: DatabaseSync,
  table: TableName,
  task: PlannedLoad,
  types: readonly string[],
): Table {
  if (task.staged.fields.length === 0) {
    throw new SchemaError(`Cannot create table "${table.name}": the stream has no fields`);
  }
  try {
    database.exec(createStatements(table, task, types));
  } catch (error) {
    throw new LoaderError(`Cannot create table "${table.name}": ${messageOf(error)}`, {
      cause: error,
    });
  }
  return findTable(database, table)!;
}

/** What becomes of the fields in the columns of their names. */
export function conversionsOf(found: Table, fields: readonly Field[]): FieldConversion[] {
  return fields.flatMap((field) => {
    const column = found.columns.find(({ name }) => foldName(name) === foldName(field.name));
    if (column === undefined) return [];
    return [{ field, type: column.declared, conversion: conversionOf(field, column.declared) }];
  });
}

/** @throws {SchemaError} when the columns cannot take the fields */
export function checkedTarget(
  found: Table,
  table: TableName,
  { staged, lossy }: PlannedLoad,
): Omit<Target, "wide"> {
  const refuse = (detail: string): never => {
    throw new SchemaError(`Cannot load into "${found.name}": ${detail}`);
  };
  if (found.view) refuse("it is a view");
  refuseLosses(`"${found.name}"`, conversionsOf(found, staged.fields), lossy);
  const rowNumber = rowNumberColumn(found);
  const byName = new Map(found.columns.map((column) => [foldName(column.name), column]));
  const columns = staged.fields.map((field) => {
    const column: TableColumn | undefined = byName.get(foldName(field.name));
    if (column === undefined) {
      const names = found.columns.map(({ name }) => `"${name}"`).join(", ");
      return refuse(`it has no column "${field.name}", it has ${names}`);
    }
    if (column.generated) refuse(`column "${column.name}" is generated`);
    const required = column.notNull || column === rowNumber;
    const known = { name: column.name, declared: column.declared, required };
    const type = declaredType(column.declared);
    if (type === undefined || canStore(field, type)) return known;
    const { conversion } = conversionsOf(found, [field])[0]!;
    if (conversion.limit === true || lossy === "accept" || field.target_type !== undefined) {
      return { ...known, checked: type };
    }
    return refuse(
      `column "${column.name}" is ${column.declared}, field "${field.name}" is ${typeText(field)}`,
    );
  });
  const filled = new Set(staged.fields.map((field) => foldName(field.name)));
  const unfilled = unfilledColumns(
    `"${found.name}"`,
    found.columns.map((column) => ({
      name: column.name,
      required: column.notNull || (found.withoutRowid && column.key > 0),
      filled: column.hasDefault || column.generated || column === rowNumber,
    })),
    (name) => filled.has(foldName(name)),
  );
  const hasKey = found.columns.some(({ key }) => key > 0);
  return { sql: quoteTable(table, { quote }), name: found.name, hasKey, columns, unfilled };
}

/**
 * An upsert needs a unique index of its keys. A table that has none gets one, which stays.
 *
 * @throws {LoaderError} when rows of the table share a key
 */
function ensureUnique(
  database: DatabaseSync,
  found: Table,
  target: Target,
  keys: readonly string[],
): void {
  if (hasUnique(database, found, keys)) return;
  const list = keys.map(quote).join(", ");
  try {
    database.exec(uniqueIndexStatement(found.name, keys));
  } catch (error) {
    throw new LoaderError(
      `Cannot upsert into "${target.name}" by ${list}: no unique index of these columns can be made, ${
        messageOf(error)
      }`,
      { cause: error },
    );
  }
}

/** The statement that makes the unique index of an upsert. */
export function uniqueIndexStatement(table: string, keys: readonly string[]): string {
  const name = quote(`dxt_upsert_${table}_${keys.join("_")}`);
  return `CREATE UNIQUE INDEX main.${name} ON ${quote(table)} (${keys.map(quote).join(", ")})`;
}

/** Whether the table has a unique index of these columns. */
export function hasUnique(database: DatabaseSync, found: Table, keys: readonly string[]): boolean {
  const wanted = sameSet(keys);
  if (sameSet(found.columns.filter(({ key }) => key > 0).map(({ name }) => name)) === wanted) {
    return true;
  }
  const indexes = database.prepare(
    `SELECT name FROM pragma_index_list(?, 'main') WHERE "unique" = 1 AND partial = 0`,
  ).all(found.name) as { name: string }[];
  const columnsOf = database.prepare(`SELECT name FROM pragma_index_info(?, 'main')`);
  for (const { name } of indexes) {
    const columns = (columnsOf.all(name) as { name: string | null }[]).map((row) => row.name);
    if (columns.every((column) => column !== null) && sameSet(columns as string[]) === wanted) {
      return true;
    }
  }
  return false;
}

function sameSet(names: readonly string[]): string {
  return JSON.stringify(names.map(foldName).sort());
}

/**
 * @throws {LoaderError} when emptying the table would delete or change rows of other tables
 */
export function refuseCascade(database: DatabaseSync, target: Pick<Target, "name">): void {
  const found = database.prepare(
    `SELECT m.name, f.on_delete AS action FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
     WHERE m.type = 'table' AND f."table" = ? COLLATE NOCASE AND f.on_delete NOT IN ('NO ACTION', 'RESTRICT')`,
  ).get(target.name);
  if (found === undefined) return;
  throw new LoaderError(
    `Cannot replace "${target.name}": table "${found["name"]}" refers to it with ON DELETE ${
      found["action"]
    }, and would lose its rows; an upsert would not`,
  );
}

/** The statement that deletes all rows of a (quoted) table. */
export function emptyStatement(table: string): string {
  return `DELETE FROM ${table}`;
}
