/** The table of a load: found and matched, or made when it is missing. */
import { LoaderError, SchemaError } from "../../../core/errors.ts";
import { type History, type PlannedLoad, replacesAll } from "../../../core/contracts/loader.ts";
import { listOwnFields, matchColumns, type Target } from "../column_match.ts";
import type { Dialect, RelationalSystem, SqlSession, Table, TableName } from "../contract.ts";
import { displayTable, quoteTable, refuseLongNames, tableName } from "../names.ts";
import { createTable } from "./statements.ts";
import { planChanges } from "./table_changes.ts";

/**
 * Refuses missing upsert keys, and names that the target cannot tell apart or would cut. Called before
 * each plan and load, without a connection.
 */
export function checkLoadTask(task: PlannedLoad, dialect: Dialect): void {
  const { fields } = task.staged;
  const seen = new Map<string, string>();
  for (const { name } of fields) {
    const folded = dialect.foldName(name);
    const other = seen.get(folded);
    if (other !== undefined) {
      throw new SchemaError(
        `Cannot load fields "${other}" and "${name}": the target cannot tell their names apart`,
      );
    }
    seen.set(folded, name);
  }
  for (const { name } of listOwnFields(task)) {
    if (!seen.has(dialect.foldName(name))) continue;
    throw new SchemaError(
      task.history === undefined
        ? `Cannot mark deleted rows in column "${name}": the stream has a field of that name, set load.deleted_at to another one`
        : `Cannot keep history in column "${name}": the stream has a field of that name, set ${
          nameSetting(task.history, name)
        } to another one`,
    );
  }
  if (task.history !== undefined) checkFromField(task, task.history);
  for (const key of task.upsertKeys) {
    if (!fields.some((field) => field.name === key)) {
      throw new LoaderError(
        `Cannot upsert by "${key}": no such field, staged are ${
          fields.map((field) => `"${field.name}"`).join(", ")
        }`,
      );
    }
  }
  refuseLongNames(task, dialect);
}

function nameSetting({ validFrom, validTo }: History, column: string): string {
  const key = column === validFrom ? "valid_from" : column === validTo ? "valid_to" : "is_current";
  return `load.history.${key}`;
}

/** @throws {LoaderError} for a field whose values are no times */
function checkFromField({ staged, deletes }: PlannedLoad, { fromField }: History): void {
  if (fromField === undefined) return;
  const at = `Cannot keep history by "${fromField}" (load.history.valid_from_field)`;
  const field = staged.fields.find(({ name }) => name === fromField);
  if (field === undefined) {
    throw new LoaderError(
      `${at}: the stream has no such field; it has ${
        staged.fields.map(({ name }) => `"${name}"`).join(", ")
      }`,
    );
  }
  const { dtype } = field;
  if (!["date", "timestamp", "timestamp_tz"].includes(dtype)) {
    throw new LoaderError(`${at}: it is ${dtype}, expected a date or a timestamp`);
  }
  if (dtype === "date" && deletes !== undefined) {
    throw new LoaderError(
      `${at}: load.deletes closes versions at the time of the load, and the field is a date; expected a timestamp, or no deletes`,
    );
  }
}

/**
 * Primary key of a table that a load creates: the upsert keys, with the time of a version, or the source's key where the table
 * is replaced. Appended records of the same key are several records, and so are those of several conditions.
 */
export function keyOfNewTable(load: PlannedLoad): readonly string[] {
  const { mode, upsertKeys, staged, history } = load;
  if (history !== undefined) return [...upsertKeys, history.validFrom];
  if (mode === "upsert") return upsertKeys;
  if (!replacesAll(load)) return [];
  return staged.fields.filter(({ key }) => key === true).map(({ name }) => name);
}

/** A new table: its name, the types of its columns, and its primary key. */
export interface NewTable {
  readonly name: TableName;
  readonly types: readonly string[];
  readonly keys: readonly string[];
}

/** Describes the table that a load creates if there is none. */
export async function describeNewTable<S extends SqlSession, T extends Table, E>(
  { dialect: { defaultSchema }, types }: RelationalSystem<S, T, E>,
  session: S,
  task: PlannedLoad,
): Promise<NewTable> {
  const keys = keyOfNewTable(task);
  const own = defaultSchema === undefined ? {} : { schema: defaultSchema };
  return {
    name: { ...own, ...tableName(task.target) },
    types: await types.newTypes(session, [...task.staged.fields, ...listOwnFields(task)], keys),
    keys,
  };
}

/**
 * The statements that create a table, and its schema if it is missing.
 *
 * @throws {SchemaError} for a stream without fields
 */
export async function createStatements<S extends SqlSession, T extends Table, E>(
  { dialect, schemaStatements }: RelationalSystem<S, T, E>,
  session: S,
  task: PlannedLoad,
  { name, types, keys }: NewTable,
): Promise<string[]> {
  const quoted = quoteTable(name, dialect);
  if (task.staged.fields.length === 0) {
    throw new SchemaError(
      `Cannot create table ${displayTable(name)}: the stream has no fields`,
    );
  }
  const schema = await schemaStatements?.(session, name) ?? [];
  // Keys of an upsert are NOT NULL, even where the system's primary keys allow NULL.
  const fields = [...task.staged.fields, ...listOwnFields(task)];
  const columns = fields.map(({ name, nullable }, i) => ({
    name,
    type: types[i]!,
    nullable: nullable && !task.upsertKeys.includes(name),
  }));
  return [...schema, createTable(quoted, columns, keys, dialect)];
}

/**
 * Finds the table of a load and changes it so that it can store the fields, or creates it, in the session's
 * transaction.
 *
 * @param made the table to create; unset, a table for the fields
 * @throws {SchemaError} when the table cannot store the fields; nothing was written then
 */
export async function prepareTarget<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  task: PlannedLoad,
  made?: NewTable,
): Promise<Target<T, E>> {
  const name = tableName(task.target);
  const table = await system.catalog.find(session, name);
  if (table === undefined) return await makeTarget(system, session, task, made);
  const statements = await planChanges(system, session, table, task, made);
  return statements.length === 0
    ? matchColumns(system, table, task)
    : await createTarget(system, session, task, name, statements);
}

/** Finds a table by its name and matches its columns; undefined if it does not exist. */
export async function findTarget<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  task: PlannedLoad,
  name: TableName,
): Promise<Target<T, E> | undefined> {
  const table = await system.catalog.find(session, name);
  return table === undefined ? undefined : matchColumns(system, table, task);
}

/** Creates a table, and matches the columns that the system gave it. */
export async function makeTarget<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  task: PlannedLoad,
  made?: NewTable,
): Promise<Target<T, E>> {
  const table = made ?? await describeNewTable(system, session, task);
  const statements = await createStatements(system, session, task, table);
  return await createTarget(system, session, task, table.name, statements);
}

/** Runs the statements that create or change a table, then finds it by its name and matches its columns. */
export async function createTarget<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  task: PlannedLoad,
  name: TableName,
  statements: readonly string[],
): Promise<Target<T, E>> {
  for (const statement of statements) await session.query(statement);
  const target = await findTarget(system, session, task, name);
  if (target !== undefined) return target;
  throw new SchemaError(`Cannot find ${displayTable(name)} after it was created`);
}
