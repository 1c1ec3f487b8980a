/** Tables and columns, as information_schema has them. */
import type { StreamRef } from "../../../models/source.ts";
import type { Field } from "../../../models/field.ts";
import type { Catalog, ListedTable, SqlRow, Table, TableColumn, TableName } from "../contract.ts";
import { displayName, quoteTable } from "../names.ts";
import { selectAll } from "../select.ts";
import { dialect, textLiteral } from "./dialect.ts";
import { sourceType, typeMapper } from "./type_mapper.ts";
import { naturalType } from "./wire/column_types.ts";
import { FLAG } from "./wire/packets.ts";
import type { Session } from "./wire/session.ts";

export interface MySQLColumn extends TableColumn {
  /** The server numbers new rows by it. */
  readonly numbersRows: boolean;
}

export interface MySQLTable extends Table<MySQLColumn> {
  readonly schema: string;
  readonly table: string;
  /** For example `InnoDB`; empty of a view. */
  readonly engine: string;
  readonly estimatedRows: number | undefined;
}

const COLUMNS =
  `c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE, c.COLUMN_DEFAULT, c.EXTRA, c.COLUMN_KEY`;

/** The server's own databases. */
const SYSTEM = "('mysql', 'information_schema', 'performance_schema', 'sys')";

function parseColumn([name, type, nullable, preset, extra, key]: SqlRow): MySQLColumn {
  const more = String(extra).toLowerCase();
  const numbersRows = more.includes("auto_increment");
  return {
    name: String(name),
    type: String(type),
    nullable: nullable === "YES",
    // MariaDB writes a default that is NULL as this word.
    hasDefault: numbersRows || (preset !== null && preset !== "NULL") ||
      more.includes("default_generated"),
    generated: /virtual|persistent|stored/.test(more),
    identity: false,
    key: key === "PRI",
    numbersRows,
  };
}

function makeField({ name, type, nullable, key, generated }: MySQLColumn): Field {
  return {
    name,
    ...typeMapper.fromSource(type),
    nullable,
    ...(key ? { key } : {}),
    ...(generated ? { generated } : {}),
    source_type: sourceType(type),
  };
}

/** Table of the markers of appends (`commit_marker.ts`), in the database of their targets; it is not listed. */
export const MARKERS = "_dxt_commits";

function formatLabel(name: TableName): string {
  return displayName(quoteTable(name, { quote: (part) => `"${part.replaceAll('"', '""')}"` }));
}

function findReadOnlyKind(type: string): string | undefined {
  return type === "BASE TABLE" ? undefined : `a ${type.toLowerCase()}`;
}

async function find(
  session: Session,
  { schema, name }: TableName,
): Promise<MySQLTable | undefined> {
  const database = schema === undefined ? "DATABASE()" : textLiteral(schema);
  const { rows } = await session.query(
    `SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, @@lower_case_table_names
    FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = ${database} AND TABLE_NAME = ${textLiteral(name)}`,
  );
  // The catalogue compares without case, tables are files, which may differ by it.
  const found = rows.find((row) => row[1] === name) ?? rows.find((row) => row[5] !== "0");
  if (found === undefined) return undefined;
  const [owner, table, type, engine, count] = found as string[];
  const { rows: columns } = await session.query(
    `SELECT ${COLUMNS} FROM information_schema.COLUMNS c
    WHERE c.TABLE_SCHEMA = ${textLiteral(owner!)} AND c.TABLE_NAME = ${textLiteral(table!)}
      AND CAST(c.TABLE_NAME AS BINARY) = CAST(${textLiteral(table!)} AS BINARY)
    ORDER BY c.ORDINAL_POSITION`,
  );
  return {
    schema: owner!,
    table: table!,
    name: quoteTable({ schema: owner!, name: table! }, dialect),
    label: formatLabel({ schema: owner!, name: table! }),
    engine: engine ?? "",
    estimatedRows: count === null || count === undefined ? undefined : Number(count),
    readOnlyKind: findReadOnlyKind(type!),
    columns: columns.map(parseColumn),
  };
}

async function describe(session: Session, ref: StreamRef): Promise<Field[]> {
  const columns = await session.describe(selectAll(ref, dialect));
  return columns.map((column) => ({
    name: column.name,
    ...naturalType(column),
    nullable: (column.flags & FLAG.notNull) === 0,
  }));
}

async function list(session: Session): Promise<ListedTable[]> {
  const { rows } = await session.query(
    `SELECT c.TABLE_SCHEMA, c.TABLE_NAME, t.TABLE_ROWS, DATABASE(), t.TABLE_TYPE, ${COLUMNS}
    FROM information_schema.COLUMNS c
    JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)
    WHERE c.TABLE_SCHEMA = coalesce(DATABASE(), c.TABLE_SCHEMA)
      AND c.TABLE_SCHEMA NOT IN ${SYSTEM} AND c.TABLE_NAME <> ${textLiteral(MARKERS)}
    ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION`,
  );
  const tables = Map.groupBy(rows, ([schema, name]) => JSON.stringify([schema, name]));
  return [...tables.values()].map((columns) => {
    const [schema, name, count, own, type] = columns[0] as [
      string,
      string,
      string | null,
      string | null,
      string,
    ];
    return {
      reference: schema === own ? { name } : { schema, name },
      readOnlyKind: findReadOnlyKind(type),
      fields: columns.map((row) => makeField(parseColumn(row.slice(5)))),
      ...(count === null ? {} : { estimatedRows: Number(count) }),
    };
  });
}

/** Unique indexes of whole columns, the primary key among them. */
async function uniqueKeys(session: Session, { schema, table }: MySQLTable): Promise<string[][]> {
  const { rows } = await session.query(
    `SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = ${textLiteral(schema)} AND TABLE_NAME = ${textLiteral(table)}
      AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  );
  return [...Map.groupBy(rows, ([index]) => index).values()]
    .map((columns) => columns.map(([, name]) => String(name)));
}

async function cascade(session: Session, { schema, table }: MySQLTable) {
  const { rows: [row] } = await session.query(
    `SELECT r.CONSTRAINT_SCHEMA, r.TABLE_NAME, r.DELETE_RULE, r.CONSTRAINT_NAME
    FROM information_schema.REFERENTIAL_CONSTRAINTS r
    WHERE r.UNIQUE_CONSTRAINT_SCHEMA = ${textLiteral(schema)}
      AND r.REFERENCED_TABLE_NAME = ${textLiteral(table)}
      AND r.DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') LIMIT 1`,
  );
  if (row === undefined) return undefined;
  const [owner, name, action, constraint] = row as string[];
  return {
    label: formatLabel({ schema: owner!, name: name! }),
    action: action!,
    constraint: constraint!,
  };
}

/** InnoDB estimates: a table that may be empty is counted. */
async function countRows(session: Session, { name, estimatedRows }: MySQLTable) {
  if (estimatedRows !== undefined && estimatedRows > 100_000) {
    return { rows: estimatedRows, estimated: true };
  }
  const { rows: [row] } = await session.query(`SELECT COUNT(*) FROM ${name}`);
  return { rows: Number(row![0]), estimated: false };
}

export const catalog: Catalog<Session, MySQLTable> = {
  find,
  getFields: (_session, { columns }) => Promise.resolve(columns.map(makeField)),
  describe,
  list,
  uniqueKeys,
  cascade,
  countRows,
};
