/** Deletes, marks or closes rows of a target whose keys the source no longer has, in the transaction of a load. */
import { ExpectationError, LoaderError, VerificationError } from "../../../core/errors.ts";
import {
  deletesRecords,
  type History,
  type LoadTask,
  type PlannedLoad,
} from "../../../core/contracts/loader.ts";
import { listMarks, type Target } from "../column_match.ts";
import type { Dialect, RelationalSystem, SqlSession, Table } from "../contract.ts";
import { parenthesize } from "../select.ts";
import { refuseCascades } from "./load_plan.ts";
import { countRows, deleteRows } from "./statements.ts";

/** A table of the staged rows, or of their keys, in the session of the load. */
export interface StagedKeys {
  /** Quoted name. */
  readonly table: string;
  /** Quoted names of the key's columns, there and in the target. */
  readonly keys: readonly string[];
  /** SQL of the time of the load, where its rows have that time. */
  readonly now?: string | undefined;
}

type DeletingLoad = Pick<PlannedLoad, "deletes" | "history" | "where">;

/**
 * Counts the rows that a load may delete, before it writes; 0 if it deletes none.
 *
 * @throws {LoaderError} where a deletion would change rows of other tables
 */
export async function countDeletable<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  load: DeletingLoad,
): Promise<number> {
  if (load.deletes === undefined) return 0;
  if (deletesRecords(load)) await refuseCascades(system, session, table, "delete rows of");
  return await countRows(session, selectWhere(table.name, listScope(load, system.dialect)));
}

/**
 * Deletes, marks or closes the rows of a table whose keys are not staged. The staged ones lose their marks.
 *
 * @param before rows that the load could delete before it wrote
 * @returns the number of these rows; undefined for a load that deletes none
 * @throws {ExpectationError} if they are more than the pipeline allows
 * @throws {LoaderError} for a stage that does not hold all keys of the source
 */
export async function deleteMissing(
  session: SqlSession,
  task: LoadTask,
  table: Table,
  staged: StagedKeys,
  dialect: Dialect,
  before: number,
): Promise<number | undefined> {
  const { deletes } = task;
  if (deletes === undefined) return undefined;
  const { name, label } = table;
  const isStaged = describeStaged(name, staged);
  const [mark] = listMarks(task).map((field) => dialect.quote(field.name));
  if (mark !== undefined) {
    await session.query(
      `UPDATE ${name} SET ${mark} = NULL WHERE ${mark} IS NOT NULL AND ${isStaged}`,
    );
  }
  if (deletes.spares === true) return undefined;
  refusePartOfSource(task, table);
  const conditions = [...listScope(task, dialect), `NOT ${isStaged}`];
  const missing = selectWhere(name, conditions);
  const count = await countRows(session, missing);
  if (count * 100 > deletes.maxPercent * before) {
    const percent = Math.ceil(count * 1000 / before) / 10;
    throw new ExpectationError(
      `the source no longer has the keys of ${count} of the target's ${before} rows, ${percent} %, expected at most ${deletes.maxPercent} % to delete (expect.max_delete_pct); the target is unchanged`,
    );
  }
  const now = staged.now ?? dialect.momentLiteral(Temporal.Now.instant().round("microsecond"));
  if (task.history !== undefined) {
    await closeVersions(session, table, conditions, now, task.history, dialect);
  } else if (mark === undefined) await session.query(deleteRows(missing));
  else {
    await session.query(`UPDATE ${name} SET ${mark} = ${now} WHERE ${conditions.join(" AND ")}`);
  }
  const left = count === 0 ? 0 : await countRows(session, missing);
  if (left === 0) return count;
  throw new VerificationError(
    `Cannot delete rows of ${label}: ${left} of ${count} are left, a trigger or a policy keeps them`,
  );
}

/** A load that writes all keys of the source into a temporary table, in columns of the target. */
export interface KeyLoad<T> {
  readonly task: LoadTask;
  readonly target: T;
}

/**
 * Describes the load of the keys of the source into a temporary table; undefined if the stage has all keys.
 *
 * @param target of the records
 */
export function describeKeyLoad<T extends Table, E>(
  task: LoadTask,
  target: Target<T, E>,
): KeyLoad<Target<T, E>> | undefined {
  const { keys, deletes } = task;
  if (keys === undefined || deletes === undefined) return undefined;
  const columns = target.columns.flatMap((column) => {
    const at = keys.fields.findIndex(({ name }) => name === column.field.name);
    return at < 0 ? [] : [{ ...column, at }];
  });
  return { task: { ...task, staged: keys }, target: { ...target, columns } };
}

/**
 * Adds the keys of staged rows to those of the source. A row that the source lost after it was read is loaded by
 * this load, and deleted by the next one.
 *
 * @param keys quoted names of columns of both tables
 */
export function addStaged(table: string, staging: string, keys: readonly string[]): string {
  const list = keys.join(", ");
  return `INSERT INTO ${table} (${list}) SELECT ${list} FROM ${staging}`;
}

/**
 * Evidence of the deleted rows, with a leading comma, and of the keys that were read for them. Empty for a load that
 * deletes no rows.
 */
export async function describeDeleted(
  { history, keys }: Pick<LoadTask, "history" | "keys">,
  count: number | undefined,
): Promise<string> {
  if (count === undefined) return "";
  const words = `, ${count} ${history === undefined ? "deleted" : "closed"}`;
  return keys === undefined ? words : `${words} by keys: ${(await keys.committed()).evidence}`;
}

/** @throws {LoaderError} for a version that begins at the time of this load or later */
async function closeVersions(
  session: SqlSession,
  { name, label }: Table,
  conditions: readonly string[],
  now: string,
  { validFrom, validTo, isCurrent }: History,
  { quote }: Dialect,
): Promise<void> {
  const isLater = `${quote(validFrom)} >= ${now}`;
  const later = await countRows(session, selectWhere(name, [...conditions, isLater]));
  if (later > 0) {
    throw new LoaderError(
      `Cannot close versions of ${label}: ${later} versions of rows that the source no longer has begin at the time of this load or later ("${validFrom}"); correct these times, or run again later`,
    );
  }
  await session.query(
    `UPDATE ${name} SET ${quote(validTo)} = ${now}, ${quote(isCurrent)} = FALSE WHERE ${
      conditions.join(" AND ")
    }`,
  );
}

/** @throws {LoaderError} for a limited extraction, or the stage of a range without the keys of the source */
function refusePartOfSource({ staged: { details }, keys }: LoadTask, { label }: Table): void {
  const part = details.watermark !== undefined && keys === undefined
    ? `rows above a watermark of "${details.watermark.field}"`
    : details.isLimited === true && keys === undefined
    ? "a limited number of rows"
    : undefined;
  if (part === undefined) return;
  throw new LoaderError(
    `Cannot delete rows of ${label}: the stage holds ${part}, so that it does not show which keys the source no longer has; extract the stream again`,
  );
}

/** Conditions of the rows that a load may delete. */
function listScope(load: DeletingLoad, { quote }: Dialect): string[] {
  return [
    ...(load.where === undefined ? [] : [parenthesize(load.where)]),
    ...listMarks(load).map(({ name }) => `${quote(name)} IS NULL`),
    ...(load.history === undefined ? [] : [quote(load.history.isCurrent)]),
  ];
}

function selectWhere(name: string, conditions: readonly string[]): string {
  return conditions.length === 0 ? name : `${name} WHERE ${conditions.join(" AND ")}`;
}

/** Holds for a row of the table whose key is staged; the table's own collation compares. */
function describeStaged(name: string, { table, keys }: StagedKeys): string {
  const same = keys.map((key) => `${name}.${key} = s.${key}`).join(" AND ");
  return `EXISTS (SELECT 1 FROM ${table} AS s WHERE ${same})`;
}
