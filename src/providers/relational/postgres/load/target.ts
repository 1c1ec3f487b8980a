/** The table that is loaded: made when it is missing, held against the staged fields when not. */
import {
  type Conversion,
  type FieldConversion,
  refuseLosses,
  typeText,
} from "../../../../core/values/conversion.ts";
import { SchemaError } from "../../../../core/errors.ts";
import type { PlannedLoad } from "../../../../core/contracts/loader.ts";
import { describeUnfilled, unfilledColumns } from "../../../../core/unfilled_columns.ts";
import type { Field } from "../../../../models/field.ts";
import { keyOfNewTable } from "../../target.ts";
import { displayName, quoteTable, tableName } from "../../names.ts";
import { findRelation, type Relation, type TableColumn } from "../sql/catalog.ts";
import type { PostgresConnector } from "../connector.ts";
import { conversionOf } from "../types/conversion.ts";
import { dialect, quote, quoteText } from "../sql/dialect.ts";
import { type ColumnEncoding, encodingOf } from "../types/column_encoding.ts";
import type { Session } from "../wire/session.ts";
import { nativeType, typeMapper, typeOfDtype } from "../types/type_mapper.ts";

/** A staged field, the column that takes it, and how. */
export interface LoadColumn {
  readonly field: Field;
  readonly column: TableColumn;
  readonly fit: ColumnEncoding;
  /** Place of the field among those of the stage. */
  readonly at: number;
}

export interface Target {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly relation: Relation;
  readonly columns: readonly LoadColumn[];
  /** Names of fields that source and table compute each for itself: they are not loaded. */
  readonly computed: readonly string[];
}

/** @throws {SchemaError} when the target cannot take the fields; nothing was written then */
export async function prepareTarget(
  session: Session,
  task: PlannedLoad,
  defaultSchema: string | undefined,
): Promise<Target> {
  const name = quoteTable(tableName(task.target), dialect);
  const existing = await findTarget(session, task, name);
  if (existing !== undefined) return existing;
  await createTable(session, task, name, defaultSchema, keyOfNewTable(task));
  const created = await findTarget(session, task, name);
  if (created === undefined) throw new SchemaError(`Cannot find ${name} after it was created`);
  return created;
}

/** The table of a (quoted) name; undefined when there is none. */
export async function findTarget(
  session: Session,
  task: PlannedLoad,
  name: string,
): Promise<Target | undefined> {
  const relation = await findRelation(session, name);
  return relation === undefined ? undefined : matchTarget(relation, task);
}

/** What becomes of the fields in the columns of their names. */
export function conversionsOf(
  { columns }: Pick<Relation, "columns">,
  fields: readonly Field[],
): FieldConversion[] {
  return fields.flatMap((field) => {
    const column = columns.find(({ name }) => name === field.name);
    if (column === undefined) return [];
    const conversion = isComputed(field, column) ? COMPUTED : conversionOf(field, column);
    return [{ field, type: column.type, conversion }];
  });
}

const COMPUTED: Conversion = { kind: "exact", note: "not loaded, the table computes it" };

function isComputed(field: Field, column: TableColumn): boolean {
  return field.generated === true && column.generated;
}

/** Warns of computed fields that the load leaves out. */
export function warnOfComputed(
  { warn }: { warn(message: string): void },
  { name, computed }: Pick<Target, "name" | "computed">,
): void {
  for (const field of computed) {
    warn(
      `Field "${field}" is not loaded into ${
        displayName(name)
      }: its column is generated there, from the table's own columns`,
    );
  }
}

/** Makes the table of a load, in a schema that is made too when it is missing. */
export async function createTable(
  session: Session,
  task: PlannedLoad,
  name: string,
  defaultSchema: string | undefined,
  keys: readonly string[],
): Promise<void> {
  const types = await columnTypes(session, task);
  for (const statement of await createStatements(session, task, name, defaultSchema, keys, types)) {
    await session.query(statement);
  }
}

/** Types of the columns of a new table. */
export async function columnTypes(
  session: Session,
  { staged: { fields } }: PlannedLoad,
): Promise<string[]> {
  const types: string[] = [];
  for (const field of fields) types.push(await columnType(session, field));
  return types;
}

/** The statements that make a table. */
export async function createStatements(
  session: Session,
  { target, staged: { fields } }: PlannedLoad,
  name: string,
  defaultSchema: string | undefined,
  keys: readonly string[],
  types: readonly string[],
): Promise<string[]> {
  const schema = tableName(target).schema ?? defaultSchema;
  const missing = schema !== undefined &&
    !await known(session, "to_regnamespace", quote(schema));
  const lines = fields.map((field, i) =>
    `${quote(field.name)} ${types[i]}${field.nullable ? "" : " NOT NULL"}`
  );
  if (keys.length > 0) lines.push(`PRIMARY KEY (${keys.map(quote).join(", ")})`);
  return [
    ...(missing ? [`CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`] : []),
    `CREATE TABLE ${name} (${lines.join(", ")})`,
  ];
}

/** A type that only the source has, such as an enum, becomes the one that holds its values. */
async function columnType(session: Session, field: Field): Promise<string> {
  const type = typeMapper.toTarget(field);
  if (field.target_type !== undefined || type !== nativeType(field)) return type;
  return await known(session, "to_regtype", type) ? type : typeOfDtype(field);
}

async function known(session: Session, lookup: string, name: string): Promise<boolean> {
  const { rows } = await session.query(
    `SELECT pg_catalog.${lookup}(${quoteText(name)}) IS NOT NULL`,
  );
  return rows[0]![0] === "t";
}

const KINDS: Readonly<Record<string, string>> = {
  v: "a view",
  m: "a materialised view",
  i: "an index",
  S: "a sequence",
  c: "a composite type",
};

/** @throws {SchemaError} when the columns cannot take the fields */
export function matchTarget(relation: Relation, load: PlannedLoad): Target {
  const { staged: { fields }, lossy, upsertKeys } = load;
  const { name } = relation;
  const kind = KINDS[relation.kind];
  if (kind !== undefined) {
    throw new SchemaError(`Cannot load into ${displayName(name)}: it is ${kind}, expected a table`);
  }
  refuseLosses(displayName(name), conversionsOf(relation, fields), lossy);
  const computed = fields.filter((field) =>
    relation.columns.some((column) => column.name === field.name && isComputed(field, column))
  ).map((field) => field.name);
  const columns = fields.flatMap((field, at) =>
    computed.includes(field.name) ? [] : [columnFor(relation, field, at, lossy === "accept")]
  );
  if (columns.length === 0) {
    throw new SchemaError(
      `Cannot load into ${
        displayName(name)
      }: the table computes all of its columns, no field is left`,
    );
  }
  const key = upsertKeys.find((key) => computed.includes(key));
  if (key !== undefined) {
    throw new SchemaError(
      `Cannot upsert into ${
        displayName(name)
      } by "${key}": the table computes that column, expected a key that is loaded`,
    );
  }
  unfilled(relation, fields);
  return { name, relation, columns, computed };
}

/** The columns of a table that get NULL in each added row. */
function unfilled({ name, columns }: Relation, fields: readonly Field[]): string[] {
  const facts = columns.map((column) => ({
    name: column.name,
    required: !column.nullable,
    filled: column.hasDefault || column.generated || column.identity,
  }));
  return unfilledColumns(
    displayName(name),
    facts,
    (column) => fields.some((f) => f.name === column),
  );
}

/** Warns of the columns that no field fills, of a table that takes the fields. */
export function warnOfUnfilled(
  { warn }: Pick<PostgresConnector, "warn">,
  relation: Relation,
  { staged }: PlannedLoad,
): void {
  const warning = describeUnfilled(displayName(relation.name), unfilled(relation, staged.fields));
  if (warning !== undefined) warn(warning);
}

function columnFor(
  relation: Relation,
  field: Field,
  place: number,
  accept: boolean,
): LoadColumn {
  const at = `Cannot load into ${displayName(relation.name)}`;
  const column = relation.columns.find(({ name }) => name === field.name);
  if (column === undefined) {
    throw new SchemaError(
      `${at}: it has no column "${field.name}", its columns are ${
        relation.columns.map(({ name }) => `"${name}"`).join(", ")
      }`,
    );
  }
  if (column.generated) {
    throw new SchemaError(
      `${at}: column "${field.name}" is generated, it cannot be written; leave the field out with "fields: [{ id: ${field.name}, exclude: true }]"`,
    );
  }
  const fit = encodingOf(field, column, accept);
  if (fit !== undefined) return { field, column, fit, at: place };
  throw new SchemaError(
    `${at}: column "${field.name}" is ${column.type}, field "${field.name}" is ${typeText(field)}`,
  );
}
