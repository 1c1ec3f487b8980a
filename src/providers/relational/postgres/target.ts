/** The table that is loaded: made when it is missing, held against the staged fields when not. */
import { SchemaError } from "../../../core/errors.ts";
import type { LoadTask } from "../../../core/loader.ts";
import type { Field } from "../../../models/field.ts";
import { keyOfNewTable, quoteTable, tableName } from "../sql.ts";
import { findRelation, type Relation, type TableColumn } from "./catalogue.ts";
import { NAME_BYTES } from "./checks.ts";
import { dialect, quote, quoteText } from "./dialect.ts";
import { type Fit, fitOf } from "./fit.ts";
import type { Session } from "./session.ts";
import { nativeType, typeMapper, typeOfDtype } from "./type_mapper.ts";

/** A staged field, the column that takes it, and how. */
export interface LoadColumn {
  readonly field: Field;
  readonly column: TableColumn;
  readonly fit: Fit;
}

export interface Target {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly relation: Relation;
  readonly columns: readonly LoadColumn[];
}

/** @throws {SchemaError} when the target cannot take the fields; nothing was written then */
export async function prepareTarget(
  session: Session,
  task: LoadTask,
  defaultSchema: string | undefined,
): Promise<Target> {
  refuseLongNames(task);
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
  task: LoadTask,
  name: string,
): Promise<Target | undefined> {
  const relation = await findRelation(session, name);
  return relation === undefined ? undefined : fitted(relation, task.staged.fields);
}

/** The server would cut them without a word. */
export function refuseLongNames({ target, staged }: LoadTask): void {
  const table = tableName(target);
  const names = [table.schema, table.name, ...staged.fields.map(({ name }) => name)];
  for (const name of names) {
    if (name === undefined) continue;
    const bytes = new TextEncoder().encode(name).length;
    if (bytes > NAME_BYTES) {
      throw new SchemaError(
        `Cannot load into a name of ${bytes} bytes, "${name}": PostgreSQL's names have at most ${NAME_BYTES}`,
      );
    }
  }
}

/** Makes the table of a load, in a schema that is made too when it is missing. */
export async function createTable(
  session: Session,
  task: LoadTask,
  name: string,
  defaultSchema: string | undefined,
  keys: readonly string[],
): Promise<void> {
  const schema = tableName(task.target).schema ?? defaultSchema;
  if (schema !== undefined && !await known(session, "to_regnamespace", quote(schema))) {
    await session.query(`CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`);
  }
  const { fields } = task.staged;
  const lines: string[] = [];
  for (const field of fields) {
    const type = await columnType(session, field);
    lines.push(`${quote(field.name)} ${type}${field.nullable ? "" : " NOT NULL"}`);
  }
  if (keys.length > 0) lines.push(`PRIMARY KEY (${keys.map(quote).join(", ")})`);
  await session.query(`CREATE TABLE ${name} (${lines.join(", ")})`);
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

function fitted(relation: Relation, fields: readonly Field[]): Target {
  const { name } = relation;
  const kind = KINDS[relation.kind];
  if (kind !== undefined) {
    throw new SchemaError(`Cannot load into ${shown(name)}: it is ${kind}, expected a table`);
  }
  const columns = fields.map((field) => columnFor(relation, field));
  for (const { name: column, nullable, hasDefault, generated } of relation.columns) {
    if (nullable || hasDefault || generated || fields.some((f) => f.name === column)) continue;
    throw new SchemaError(
      `Cannot load into ${
        shown(name)
      }: column "${column}" is NOT NULL and has no default, no staged field is named so`,
    );
  }
  return { name, relation, columns };
}

function columnFor(relation: Relation, field: Field): LoadColumn {
  const at = `Cannot load into ${shown(relation.name)}`;
  const column = relation.columns.find(({ name }) => name === field.name);
  if (column === undefined) {
    throw new SchemaError(
      `${at}: it has no column "${field.name}", its columns are ${
        relation.columns.map(({ name }) => `"${name}"`).join(", ")
      }`,
    );
  }
  if (column.generated) {
    throw new SchemaError(`${at}: column "${field.name}" is generated, it cannot be written`);
  }
  const fit = fitOf(field, column);
  if (fit !== undefined) return { field, column, fit };
  throw new SchemaError(
    `${at}: column "${field.name}" is ${column.type}, field "${field.name}" is ${typeText(field)}`,
  );
}

function typeText({ dtype, precision, scale }: Field): string {
  return dtype === "decimal" ? `decimal(${precision},${scale})` : dtype;
}

/** A quoted name as messages have it: `"analytics.orders"`. */
export function shown(name: string): string {
  const parts = name.match(/"(?:[^"]|"")*"|[^."]+/g) ?? [name];
  const bare = parts.map((part) => part.replace(/^"(.*)"$/s, "$1").replaceAll('""', '"'));
  return JSON.stringify(bare.join("."));
}
