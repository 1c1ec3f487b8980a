/** Tables, views and their fields; the types of what declares none. */
import type { DatabaseSync } from "node:sqlite";
import { messageOf, SchemaError } from "../../../../core/errors.ts";
import type { DiscoveredStream } from "../../../../core/contracts/connector.ts";
import type { MappedType } from "../../../../core/contracts/type_mapper.ts";
import type { Field } from "../../../../models/field.ts";
import type { StreamRef } from "../../../../models/source.ts";
import { fromClause } from "../../select.ts";
import { formatReference, quoteTable } from "../../names.ts";
import type { TableName } from "../../contract.ts";
import { foldName, mainTable, quote } from "./dialect.ts";
import { declaredType, sourceType } from "../types/type_mapper.ts";

/** A column of a table that exists. */
export interface TableColumn {
  readonly name: string;
  readonly declared: string;
  readonly notNull: boolean;
  /** Place in the primary key, from 1; 0 outside. */
  readonly key: number;
  readonly generated: boolean;
  readonly hasDefault: boolean;
}

export interface Table {
  readonly name: string;
  readonly view: boolean;
  readonly withoutRowid: boolean;
  readonly columns: readonly TableColumn[];
}

/** Values that are looked at where no type is declared. */
const SAMPLE = 1000;

export function findTable(database: DatabaseSync, { name }: TableName): Table | undefined {
  const found = database.prepare(
    `SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE`,
  ).get(name) as { name: string; type: string; wr: number } | undefined;
  if (found === undefined) return undefined;
  const columns = database.prepare(
    `SELECT name, type, "notnull", pk, hidden, dflt_value IS NOT NULL AS dflt FROM pragma_table_xinfo(?, 'main')
     WHERE hidden <> 1 ORDER BY cid`,
  ).all(found.name) as {
    name: string;
    type: string;
    notnull: number;
    pk: number;
    hidden: number;
    dflt: number;
  }[];
  return {
    name: found.name,
    view: found.type === "view",
    withoutRowid: found.wr === 1 || found.type === "virtual",
    columns: columns.map((column) => ({
      name: column.name,
      declared: column.type.replace(/\s*GENERATED ALWAYS$/i, ""),
      notNull: column.notnull === 1,
      key: column.pk,
      generated: column.hidden !== 0,
      hasDefault: column.dflt === 1,
    })),
  };
}

/** The column that is the row's number, which SQLite makes up where it is NULL. */
export function rowNumberColumn({ columns, withoutRowid }: Table): TableColumn | undefined {
  const keys = columns.filter(({ key }) => key > 0);
  const [only] = keys;
  if (withoutRowid || keys.length !== 1 || foldName(only!.declared) !== "integer") return undefined;
  return only;
}

/** Fields of a dataset; undefined when there is no such table or view. */
export function fieldsOfRef(database: DatabaseSync, ref: StreamRef): Field[] | undefined {
  if (ref.type !== "relation") return queryFields(database, fromClause(ref, { quote }));
  const table = mainTable(ref);
  const found = findTable(database, table);
  if (found === undefined) return undefined;
  const from = quoteTable(table, { quote });
  return found.view ? queryFields(database, from) : tableFields(database, found, from);
}

function tableFields(database: DatabaseSync, table: Table, from: string): Field[] {
  const rowNumber = rowNumberColumn(table);
  const never = (column: TableColumn) =>
    column.notNull || column === rowNumber || (table.withoutRowid && column.key > 0);
  return typed(
    database,
    from,
    table.columns.map((column) => ({
      name: column.name,
      declared: column.declared,
      nullable: !never(column),
      ...(column.key > 0 ? { key: true } : {}),
    })),
  );
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
export function discoverTables(database: DatabaseSync): DiscoveredStream[] {
  const names = database.prepare(
    `SELECT name FROM pragma_table_list
     WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
  ).all() as { name: string }[];
  return names.map(({ name }) => {
    const source = { type: "relation", name: formatReference({ name }) } as const;
    return { name: source.name, source, fields: fieldsOfRef(database, source)! };
  }).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
