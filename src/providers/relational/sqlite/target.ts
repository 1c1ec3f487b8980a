/** The table that a load writes to: made when it is missing, else checked before a row is written. */
import type { DatabaseSync } from "node:sqlite";
import { LoaderError, messageOf, SchemaError } from "../../../core/errors.ts";
import type { LoadTask } from "../../../core/loader.ts";
import type { MappedType } from "../../../core/type_mapper.ts";
import { INTEGER_BOUNDS, isIntegerType } from "../../../core/values.ts";
import type { Field } from "../../../models/field.ts";
import { keyOfNewTable, quoteTable, type TableName } from "../sql.ts";
import { findTable, rowNumberColumn, type Table, type TableColumn } from "./catalogue.ts";
import { databaseEncoding } from "./text.ts";
import { fold, mainTable, quote } from "./dialect.ts";
import { declaredType, typeMapper } from "./type_mapper.ts";

export interface Target {
  /** The table, quoted. */
  readonly sql: string;
  readonly name: string;
  /** The database keeps text as UTF-16. */
  readonly wide: boolean;
  readonly hasKey: boolean;
  /** Columns of the staged fields, in their order. */
  readonly columns: readonly TargetColumn[];
}

export interface TargetColumn {
  readonly name: string;
  readonly declared: string;
  /** NULL is refused, or SQLite would make a number up for it. */
  readonly required: boolean;
}

/** Makes or checks the table of a load, inside its transaction. */
export function prepareTarget(database: DatabaseSync, task: LoadTask): Target {
  const table = mainTable(task.target);
  const found = findTable(database, table) ?? createTable(database, table, task);
  const wide = databaseEncoding(database) !== "utf-8";
  const target = { ...checkedTarget(found, table, task), wide };
  if (task.mode === "upsert") ensureUnique(database, found, target, task.upsertKeys);
  return target;
}

function createTable(database: DatabaseSync, table: TableName, task: LoadTask): Table {
  const { staged, upsertKeys } = task;
  if (staged.fields.length === 0) {
    throw new SchemaError(`Cannot create table "${table.name}": the stream has no fields`);
  }
  const keys = keyOfNewTable(task);
  const columns = staged.fields.map((field) => {
    const required = !field.nullable || upsertKeys.includes(field.name);
    return `${quote(field.name)} ${typeMapper.toTarget(field)}${required ? " NOT NULL" : ""}`;
  });
  const key = keys.length === 0 ? [] : [`PRIMARY KEY (${keys.map(quote).join(", ")})`];
  const sql = `CREATE TABLE ${quoteTable(table, { quote })} (${[...columns, ...key].join(", ")})`;
  try {
    database.exec(sql);
  } catch (error) {
    throw new LoaderError(`Cannot create table "${table.name}": ${messageOf(error)}`, {
      cause: error,
    });
  }
  return findTable(database, table)!;
}

function checkedTarget(found: Table, table: TableName, { staged }: LoadTask): Omit<Target, "wide"> {
  const refuse = (detail: string): never => {
    throw new SchemaError(`Cannot load into "${found.name}": ${detail}`);
  };
  if (found.view) refuse("it is a view");
  const rowNumber = rowNumberColumn(found);
  const byName = new Map(found.columns.map((column) => [fold(column.name), column]));
  const columns = staged.fields.map((field) => {
    const column: TableColumn | undefined = byName.get(fold(field.name));
    if (column === undefined) {
      const names = found.columns.map(({ name }) => `"${name}"`).join(", ");
      return refuse(`it has no column "${field.name}", it has ${names}`);
    }
    if (column.generated) refuse(`column "${column.name}" is generated`);
    if (!fits(field, declaredType(column.declared))) {
      refuse(
        `column "${column.name}" is ${column.declared}, field "${field.name}" is ${
          typeName(field)
        }`,
      );
    }
    const required = column.notNull || column === rowNumber;
    return { name: column.name, declared: column.declared, required };
  });
  const hasKey = found.columns.some(({ key }) => key > 0);
  return { sql: quoteTable(table, { quote }), name: found.name, hasKey, columns };
}

function typeName({ dtype, precision = 38, scale = 0 }: Field): string {
  return dtype === "decimal" ? `decimal(${precision},${scale})` : dtype;
}

/** Digits of the widest integer of each type. */
const digitsOf = (dtype: keyof typeof INTEGER_BOUNDS) => String(INTEGER_BOUNDS[dtype][1]).length;

/** Whether every value of a field can be kept under a type; under none every value can. */
function fits(field: Field, to: MappedType | undefined): boolean {
  if (to === undefined) return true;
  const { dtype } = field;
  if (to.dtype === "decimal") {
    const whole = to.precision! - to.scale!;
    if (isIntegerType(dtype)) return digitsOf(dtype) <= whole;
    const { precision = 38, scale = 0 } = field;
    return dtype === "decimal" && scale <= to.scale! && precision - scale <= whole;
  }
  if (dtype === to.dtype) return true;
  if (isIntegerType(dtype)) {
    const [low, high] = INTEGER_BOUNDS[dtype];
    if (isIntegerType(to.dtype)) {
      const [lowest, highest] = INTEGER_BOUNDS[to.dtype];
      return low >= lowest && high <= highest;
    }
    return to.dtype === "float64" && high <= BigInt(Number.MAX_SAFE_INTEGER);
  }
  if (dtype === "float32") return to.dtype === "float64";
  if (dtype === "array" || dtype === "object") return ["json", "string"].includes(to.dtype);
  return dtype === "json" && to.dtype === "string";
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
  const wanted = sameSet(keys);
  if (sameSet(found.columns.filter(({ key }) => key > 0).map(({ name }) => name)) === wanted) {
    return;
  }
  const indexes = database.prepare(
    `SELECT name FROM pragma_index_list(?, 'main') WHERE "unique" = 1 AND partial = 0`,
  ).all(found.name) as { name: string }[];
  const columnsOf = database.prepare(`SELECT name FROM pragma_index_info(?, 'main')`);
  for (const { name } of indexes) {
    const columns = (columnsOf.all(name) as { name: string | null }[]).map((row) => row.name);
    if (columns.every((column) => column !== null) && sameSet(columns as string[]) === wanted) {
      return;
    }
  }
  const list = keys.map(quote).join(", ");
  const name = quote(`dxt_upsert_${found.name}_${keys.join("_")}`);
  try {
    database.exec(`CREATE UNIQUE INDEX main.${name} ON ${quote(found.name)} (${list})`);
  } catch (error) {
    throw new LoaderError(
      `Cannot upsert into "${target.name}" by ${list}: no unique index of these columns can be made, ${
        messageOf(error)
      }`,
      { cause: error },
    );
  }
}

function sameSet(names: readonly string[]): string {
  return JSON.stringify(names.map(fold).sort());
}

/**
 * @throws {LoaderError} when emptying the table would delete or change rows of other tables
 */
export function refuseCascade(database: DatabaseSync, target: Target): void {
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
