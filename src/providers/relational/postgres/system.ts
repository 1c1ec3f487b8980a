/** PostgreSQL as the relational room sees it. */
import { describeMadeNames } from "../../../core/column_names.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import type { Field } from "../../../models/field.ts";
import type { Target as RelationalTarget } from "../column_match.ts";
import type { Catalog, ColumnTypes, RelationalSystem } from "../contract.ts";
import { quoteTable } from "../names.ts";
import { fromClause } from "../select.ts";
import {
  columnField,
  countRows,
  findCascade,
  findRelation,
  listRelations,
  type Relation,
  typeNames,
  uniqueKeys,
} from "./sql/catalog.ts";
import { dialect, quote, quoteText } from "./sql/dialect.ts";
import { refuseChanges } from "./sql/column_changes.ts";
import { nameResults } from "./sql/result_names.ts";
import { chooseEncoding, type ColumnEncoding } from "./types/column_encoding.ts";
import { findConversion } from "./types/conversion.ts";
import { chooseTotals, describeSpelling } from "./types/spelling.ts";
import { nativeType, typeMapper, typeOfDtype } from "./types/type_mapper.ts";
import { lengthenText } from "./types/widening.ts";
import type { Session } from "./wire/session.ts";

export type PostgresSystem = RelationalSystem<Session, Relation, ColumnEncoding>;
export type Target = RelationalTarget<Relation, ColumnEncoding>;

/** @param schema in which a table is made whose name has none */
export function postgresSystem(
  schema: string | undefined,
  warn: ConnectContext["warn"],
): PostgresSystem {
  return {
    dialect,
    catalog: { ...catalog, describe: (session, ref) => describe(session, ref, warn) },
    types,
    changeType(_session, { name }, column, type, isEmpty) {
      const value = isEmpty ? "NULL" : quote(column.name);
      return Promise.resolve(
        `ALTER TABLE ${name} ALTER COLUMN ${
          quote(column.name)
        } TYPE ${type} USING ${value}::${type}`,
      );
    },
    lengthen: (_session, _table, field, column) => Promise.resolve(lengthenText(field, column)),
    refuseChanges,
    async schemaStatements(session, table) {
      const wanted = table.schema ?? schema;
      if (wanted === undefined) return [];
      const exists = await isKnown(session, "to_regnamespace", quote(wanted));
      return exists ? [] : [`CREATE SCHEMA IF NOT EXISTS ${quote(wanted)}`];
    },
  };
}

const catalog: Omit<Catalog<Session, Relation>, "describe"> = {
  find: (session, table) => findRelation(session, quoteTable(table, dialect)),
  getFields: (_session, { columns }) => Promise.resolve(columns.map(columnField)),
  async list(session) {
    const relations = await listRelations(session);
    return relations.map(({ schema, table, readOnlyKind, columns, estimatedRows }) => ({
      reference: { schema, name: table },
      readOnlyKind,
      fields: columns.map(columnField),
      estimatedRows,
    }));
  },
  uniqueKeys,
  cascade: findCascade,
  countRows,
};

async function describe(
  session: Session,
  ref: Parameters<Catalog<Session, Relation>["describe"]>[1],
  warn: ConnectContext["warn"],
): Promise<Field[]> {
  const columns = await session.describe(`SELECT * FROM ${fromClause(ref, dialect)}`);
  const types = await typeNames(session, columns);
  // The parameters that a function returns have names of their own.
  if (ref.type !== "sql") {
    return columns.map(({ name }, i) => columnField({ name, type: types[i]! }));
  }
  const { names, made } = nameResults(columns);
  if (made.length > 0) warn(describeMadeNames("the query", made));
  return names.map((name, i) => columnField({ name, type: types[i]! }));
}

const types: ColumnTypes<Session, Relation, ColumnEncoding> = {
  async newTypes(session, fields) {
    const found: string[] = [];
    for (const field of fields) found.push(await newType(session, field));
    return found;
  },
  conversionInNew(field, type) {
    const none = { hasDefault: false, generated: false, identity: false, key: false } as const;
    const column = { name: field.name, type, kind: "b", nullable: field.nullable, ...none };
    return findConversion(field, column);
  },
  findConversion,
  chooseEncoding,
  describeSpelling,
  chooseTotals,
};

/** A type that only the source has, such as an enum, becomes the one that holds its values. */
async function newType(session: Session, field: Field): Promise<string> {
  const type = typeMapper.toTarget(field);
  if (field.target_type !== undefined || type !== nativeType(field)) return type;
  return await isKnown(session, "to_regtype", type) ? type : typeOfDtype(field);
}

async function isKnown(session: Session, lookup: string, name: string): Promise<boolean> {
  const { rows } = await session.query(
    `SELECT pg_catalog.${lookup}(${quoteText(name)}) IS NOT NULL`,
  );
  return rows[0]![0] === "t";
}
