/** Tables, views and their fields; the types of what declares none. */
import type { DatabaseSync } from "node:sqlite";
import { messageOf, SchemaError } from "../../../../core/errors.ts";
import type { MappedType } from "../../../../core/contracts/type_mapper.ts";
import type { Field } from "../../../../models/field.ts";
import type { Cascade, Catalog, ListedTable, Table, TableName } from "../../contract.ts";
import { displayName, quoteTable } from "../../names.ts";
import { fromClause } from "../../select.ts";
import { dialect, foldName, mainTable, quote } from "./dialect.ts";
import type { SqliteSession } from "./session.ts";
import { declaredType, sourceType } from "../types/type_mapper.ts";

/** A table of the database; what it has in common with others is in `contract.ts`. */
export interface SqliteTable extends Table {
  /** Its name in the catalogue, not quoted. */
  readonly table: string;
  readonly view: boolean;
  /** A name by which its row numbers can be read; undefined where it has none. */
  readonly rowNumber: string | undefined;
}

const VIEW = "a view";

/** Values that are looked at where no type is declared. */
const SAMPLE = 1000;

export function findTable(
  database: DatabaseSync,
  { name }: TableName,
): SqliteTable | undefined {
  const found = database.prepare(
    `SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE`,
  ).get(name) as { name: string; type: string; wr: number } | undefined;
  if (found === undefined) return undefined;
  const rows = database.prepare(
    `SELECT name, type, "notnull", pk, hidden, dflt_value IS NOT NULL AS dflt FROM pragma_table_xinfo(?, 'main')
     WHERE hidden <> 1 ORDER BY cid`,
  ).all(found.name) as unknown as readonly ColumnRow[];
  const view = found.type === "view";
  const withoutRowid = found.wr === 1 || found.type === "virtual";
  const numbered = withoutRowid ? undefined : rowNumberColumn(rows);
  const taken = new Set(rows.map((row) => foldName(row.name)));
  const isNumbered = !view && !withoutRowid;
  return {
    name: quoteTable({ schema: "main", name: found.name }, dialect),
    label: displayName(quote(found.name)),
    readOnlyKind: view ? VIEW : undefined,
    table: found.name,
    view,
    // A column may have taken a name of the row number.
    rowNumber: isNumbered ? ROW_NUMBERS.find((name) => !taken.has(name)) : undefined,
    columns: rows.map((row) => ({
      name: row.name,
      type: row.type.replace(/\s*GENERATED ALWAYS$/i, ""),
      // SQLite makes up the row's number where it is NULL.
      nullable: row.notnull !== 1 && row !== numbered && !(withoutRowid && row.pk > 0),
      hasDefault: row.dflt === 1 || row === numbered,
      generated: row.hidden !== 0,
      identity: false,
      key: row.pk > 0,
      numbered: row === numbered,
    })),
  };
}

const ROW_NUMBERS = ["rowid", "_rowid_", "oid"];

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  /** Place in the primary key, from 1; 0 outside. */
  readonly pk: number;
  readonly hidden: number;
  readonly dflt: number;
}

/** The column that is the row's number. */
function rowNumberColumn(rows: readonly ColumnRow[]): ColumnRow | undefined {
  const [only, ...others] = rows.filter(({ pk }) => pk > 0);
  return others.length === 0 && only?.type.toLowerCase() === "integer" ? only : undefined;
}

/** Fields of a table or view, in its own order. */
export function fieldsOfTable(database: DatabaseSync, table: SqliteTable): Field[] {
  if (table.view) return queryFields(database, table.name);
  const columns = table.columns.map(({ name, type, nullable, key }) => ({
    name,
    declared: type,
    nullable,
    ...(key ? { key } : {}),
  }));
  return typed(database, table.name, columns);
}

function queryFields(database: DatabaseSync, from: string): Field[] {
  const columns = statement(database, `SELECT * FROM ${from}`).columns();
  return typed(
    database,
    from,
    columns.map(({ name, type }) => ({ name, declared: type ?? "", nullable: true })),
  );
}

function statement(database: DatabaseSync, sql: string) {
  try {
    return database.prepare(sql);
  } catch (error) {
    throw new SchemaError(`Cannot read the query's fields: ${messageOf(error)}`, { cause: error });
  }
}

interface Untyped {
  readonly name: string;
  readonly declared: string;
  readonly nullable: boolean;
  readonly key?: boolean;
}

function typed(database: DatabaseSync, from: string, columns: readonly Untyped[]): Field[] {
  const undeclared = columns.filter(({ declared }) => declaredType(declared) === undefined);
  const guessed = guessTypes(database, from, undeclared.map(({ name }) => name));
  return columns.map(({ declared, ...column }) => {
    const type = declaredType(declared);
    const source = declared === "" ? {} : { source_type: sourceType(declared) };
    return type === undefined
      ? { ...column, ...guessed.get(column.name)!, inferred: true, ...source }
      : { ...column, ...type, ...source };
  });
}

/** Types of columns by the storage classes of their first values. */
function guessTypes(
  database: DatabaseSync,
  from: string,
  names: readonly string[],
): Map<string, MappedType> {
  if (names.length === 0) return new Map();
  const classes = names.map((name) => `group_concat(DISTINCT typeof(${quote(name)}))`);
  const found = statement(
    database,
    `SELECT ${classes.join(", ")} FROM (SELECT * FROM ${from} LIMIT ${SAMPLE})`,
  );
  found.setReturnArrays(true);
  const row = found.get() as unknown as (string | null)[];
  return new Map(names.map((name, i) => [name, { dtype: guess(row[i] ?? "") }]));
}

function guess(classes: string): MappedType["dtype"] {
  const seen = new Set(classes.split(",").filter((name) => name !== "null" && name !== ""));
  const only = (...names: string[]) => seen.size > 0 && [...seen].every((s) => names.includes(s));
  if (only("integer")) return "int64";
  if (only("integer", "real")) return "float64";
  return only("blob") ? "binary" : "string";
}

/** All tables and views but SQLite's own. */
function listTables(database: DatabaseSync): ListedTable[] {
  const names = database.prepare(
    `SELECT name, type FROM pragma_table_list
     WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
  ).all() as { name: string; type: string }[];
  return names.map(({ name, type }) => ({
    reference: { name },
    readOnlyKind: type === "view" ? VIEW : undefined,
    fields: listedFields(database, name, type === "view"),
  }));
}

/** Fields of a table or view; none of a view that is broken, such as one of a missing table. */
function listedFields(database: DatabaseSync, name: string, view: boolean): Field[] {
  try {
    return fieldsOfTable(database, findTable(database, { name })!);
  } catch (error) {
    const { errcode } = (error instanceof SchemaError ? error.cause : error) as {
      errcode?: number;
    };
    if (view && errcode === SQLITE_ERROR) return [];
    throw error;
  }
}

/** The result code of a statement that cannot be compiled. */
const SQLITE_ERROR = 1;

/** Column names of the unique indexes that hold for all rows. */
function uniqueKeys(database: DatabaseSync, { table, columns }: SqliteTable): string[][] {
  const indexes = database.prepare(
    `SELECT name FROM pragma_index_list(?, 'main') WHERE "unique" = 1 AND partial = 0`,
  ).all(table) as { name: string }[];
  const indexColumns = database.prepare(`SELECT name FROM pragma_index_info(?, 'main')`);
  const indexed = indexes.map(({ name }) =>
    (indexColumns.all(name) as { name: string | null }[]).map((row) => row.name)
  );
  // An expression has no name.
  const whole = indexed.filter((names): names is string[] => !names.includes(null));
  return [columns.filter(({ key }) => key).map(({ name }) => name), ...whole];
}

function findCascade(database: DatabaseSync, { table }: SqliteTable): Cascade | undefined {
  const found = database.prepare(
    `SELECT m.name, f.on_delete AS action FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
     WHERE m.type = 'table' AND f."table" = ? COLLATE NOCASE AND f.on_delete NOT IN ('NO ACTION', 'RESTRICT')`,
  ).get(table) as { name: string; action: string } | undefined;
  if (found === undefined) return undefined;
  return { label: displayName(quote(found.name)), action: found.action };
}

export const catalog: Catalog<SqliteSession, SqliteTable> = {
  async find({ database }, table) {
    return await findTable(database, mainTable(table));
  },
  async getFields({ database }, table) {
    return await fieldsOfTable(database, table);
  },
  async describe({ database }, ref) {
    return await queryFields(database, fromClause(ref, dialect));
  },
  async list({ database }) {
    return await listTables(database);
  },
  async uniqueKeys({ database }, table) {
    return await uniqueKeys(database, table);
  },
  async cascade({ database }, table) {
    return await findCascade(database, table);
  },
  async countRows(session, { name }) {
    const { rows } = await session.query(`SELECT count(*) FROM ${name}`);
    return { rows: Number(rows[0]![0]), estimated: false };
  },
};
