/** What the catalogues say of tables, columns and types. */
import type { Field } from "../../../../models/field.ts";
import type { Cascade, RowCount, Table, TableColumn as SharedColumn } from "../../contract.ts";
import { displayName } from "../../names.ts";
import { quoteText } from "./dialect.ts";
import type { ResultColumn } from "../wire/messages.ts";
import type { Session } from "../wire/session.ts";
import { fromSource, sourceType } from "../types/type_mapper.ts";

export interface TableColumn extends SharedColumn {
  /** Kind of the type: b base, e enum, c composite, r range, m multirange, … */
  readonly kind: string;
}

/** Its name is `"public"."orders"`; types are those that `format_type` prints, the base type of a domain. */
export interface Relation extends Table<TableColumn> {
  /** OID */
  readonly id: string;
  readonly schema: string;
  /** r table, p partitioned, v view, m materialised view, f foreign */
  readonly kind: string;
}

/** Kinds of relations that cannot be loaded. */
export const READ_ONLY_KINDS: Readonly<Record<string, string>> = {
  v: "a view",
  m: "a materialised view",
  i: "an index",
  S: "a sequence",
  c: "a composite type",
};

/**
 * Types of columns, domains unfolded down to their base type. A domain's own modifier, which it has
 * from its base type, counts where the column has none.
 */
const BASE_TYPES = `
  WITH RECURSIVE base(attrelid, attnum, type, modifier) AS (
    SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a
    JOIN wanted w ON w.id = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT base.attrelid, base.attnum, t.typbasetype, t.typtypmod FROM base
    JOIN pg_catalog.pg_type t ON t.oid = base.type AND t.typtype = 'd'
  )`;

const selectColumns = (wanted: string) => `
  WITH wanted AS (${wanted}), columns AS (${BASE_TYPES}
    SELECT base.attrelid, base.attnum, base.type, base.modifier, t.typtype FROM base
    JOIN pg_catalog.pg_type t ON t.oid = base.type AND t.typtype <> 'd')
  SELECT c.oid::text, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
    c.relkind, a.attname, pg_catalog.format_type(columns.type, columns.modifier), columns.typtype,
    NOT (a.attnotnull OR EXISTS (
      SELECT FROM pg_catalog.pg_type d WHERE d.oid = a.atttypid AND d.typtype = 'd' AND d.typnotnull)),
    a.atthasdef OR a.attidentity <> '' OR EXISTS (
      SELECT FROM pg_catalog.pg_type d WHERE d.oid = a.atttypid AND d.typdefault IS NOT NULL),
    a.attgenerated <> '', a.attidentity = 'a',
    EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary
      AND a.attnum = ANY (i.indkey)),
    c.reltuples::bigint::text, n.nspname, c.relname
  FROM wanted JOIN pg_catalog.pg_class c ON c.oid = wanted.id
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN columns ON columns.attrelid = c.oid
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = columns.attnum
  ORDER BY n.nspname, c.relname, a.attnum`;

/** A table as the session sees it; undefined when there is none of this (quoted) name. */
export async function findRelation(session: Session, name: string): Promise<Relation | undefined> {
  const wanted = `SELECT pg_catalog.to_regclass(${quoteText(name)})::oid AS id`;
  const [relation] = parseRelations((await session.query(selectColumns(wanted))).rows);
  return relation;
}

/** A relation with what only a listing tells. */
export interface ListedRelation extends Relation {
  readonly table: string;
  /** Rows as the last ANALYZE counted; undefined when there was none. */
  readonly estimatedRows: number | undefined;
}

/** Everything with rows that the login may read, partitions by their root alone. */
export async function listRelations(session: Session): Promise<ListedRelation[]> {
  const wanted = `SELECT c.oid AS id FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'
      AND n.nspname !~ '^pg_' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')`;
  return parseRelations((await session.query(selectColumns(wanted))).rows);
}

function parseRelations(rows: (string | null)[][]): ListedRelation[] {
  const found = new Map<string, ListedRelation & { columns: TableColumn[] }>();
  for (const [id, name, kind, column, type, typeKind, ...rest] of rows as string[][]) {
    const [nullable, hasDefault, generated, identity, key, estimate, schema, table] = rest;
    let relation = found.get(id!);
    if (relation === undefined) {
      relation = {
        id: id!,
        name: name!,
        label: displayName(name!),
        readOnlyKind: READ_ONLY_KINDS[kind!],
        kind: kind!,
        columns: [],
        schema: schema!,
        table: table!,
        estimatedRows: Number(estimate) < 0 || kind === "v" ? undefined : Number(estimate),
      };
      found.set(id!, relation);
    }
    if (column === null) continue;
    relation.columns.push({
      name: column!,
      type: type!,
      kind: typeKind!,
      nullable: nullable === "t",
      hasDefault: hasDefault === "t",
      generated: generated === "t",
      identity: identity === "t",
      key: key === "t",
    });
  }
  return [...found.values()];
}

/** Names of the types of a result's columns. */
export async function typeNames(
  session: Session,
  columns: readonly ResultColumn[],
): Promise<string[]> {
  if (columns.length === 0) return [];
  const list = columns.map(({ type, modifier }) => `pg_catalog.format_type(${type}, ${modifier})`);
  const { rows } = await session.query(`SELECT unnest(ARRAY[${list.join(", ")}])`);
  return rows.map(([name]) => name!);
}

/** Returns the field of a column without a declaration. */
export function columnField(
  column:
    & Pick<TableColumn, "name" | "type">
    & Partial<Pick<TableColumn, "nullable" | "key" | "generated">>,
): Field {
  return {
    name: column.name,
    ...fromSource(column.type),
    nullable: column.nullable ?? true,
    ...(column.key === true ? { key: true } : {}),
    ...(column.generated === true ? { generated: true } : {}),
    source_type: sourceType(column.type),
  };
}

/** Column names of the unique indexes that ON CONFLICT finds. */
export async function uniqueKeys(session: Session, { id }: Relation): Promise<string[][]> {
  const { rows } = await session.query(`
    SELECT (SELECT json_agg(a.attname) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))::text
    FROM pg_catalog.pg_index i WHERE i.indrelid = ${id} AND i.indisunique AND i.indisvalid
      AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL`);
  return rows.map(([names]) => JSON.parse(names!) as string[]);
}

const ACTIONS: Readonly<Record<string, string>> = {
  c: "CASCADE",
  n: "SET NULL",
  d: "SET DEFAULT",
};

/** Of a table that has rows. */
export async function findCascade(
  session: Session,
  { id, name }: Relation,
): Promise<Cascade | undefined> {
  const { rows: [found] } = await session.query(`
    SELECT c.conname, c.conrelid::regclass::text, c.confdeltype FROM pg_catalog.pg_constraint c
    WHERE c.contype = 'f' AND c.confrelid = ${id} AND c.conrelid <> ${id}
      AND c.confdeltype IN ('c', 'n', 'd') AND EXISTS (SELECT FROM ${name}) LIMIT 1`);
  if (found === undefined) return undefined;
  const [constraint, table, action] = found as [string, string, string];
  return { constraint, label: displayName(table), action: ACTIONS[action]! };
}

/** Rows that are counted; of a larger table the catalogue's estimate is returned. */
const COUNTED = 1_000_000;

export async function countRows(
  session: Session,
  { id, name }: Relation,
): Promise<RowCount | undefined> {
  const { rows: [row] } = await session.query(
    `SELECT reltuples::bigint::text, pg_catalog.has_table_privilege(oid, 'SELECT')
     FROM pg_catalog.pg_class WHERE oid = ${id}`,
  );
  const estimate = Number(row![0]);
  if (row![1] !== "t") return undefined;
  if (estimate > COUNTED) return { rows: estimate, estimated: true };
  const { rows: [counted] } = await session.query(`SELECT count(*) FROM ${name}`);
  return { rows: Number(counted![0]), estimated: false };
}
