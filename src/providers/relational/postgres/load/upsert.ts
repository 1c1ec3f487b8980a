/** Upserts, and the emptying of a table that is replaced. */
import { LoaderError, quoteValue } from "../../../../core/errors.ts";
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import type { Field } from "../../../../models/field.ts";
import { refuseCascades } from "../../load/load_plan.ts";
import { countRows, deleteRows, matchingRows } from "../../load/statements.ts";
import { hasUniqueKey } from "../../load/unique_key.ts";
import {
  sameKey,
  type StagedUpsert,
  upsertColumns,
  upsertStatements,
  type UpsertStrategy,
} from "../../load/upsert.ts";
import type { Relation } from "../sql/catalog.ts";
import { dialect, quote } from "../sql/dialect.ts";
import { rowsOfTag } from "../wire/messages.ts";
import type { Session } from "../wire/session.ts";
import type { PostgresSystem, Target } from "../system.ts";
import { findHooks, listStatements, refuseRules, type TableHooks } from "../sql/triggers.ts";

/** Table of the staged rows, gone with the transaction. */
export const STAGE = "pg_temp.dxt_stage";
/** Number of a staged row; of rows with the same key the highest wins. */
export const ORDER = quote("dxt row");

/** An upsert, and the hooks of its table. */
interface Upsert extends StagedUpsert {
  readonly target: Target;
  /** The table of the staged rows, or a query of some of them. */
  readonly staged: string;
  /** The condition that a row of table `t` has the key of the staged row `s`. */
  readonly same: string;
  readonly hooks: TableHooks;
}

/** An upsert into a table that was examined. */
export interface PreparedUpsert {
  /**
   * Writes staged rows into the table, and compares the server's counts with their keys.
   *
   * @param after the number of a staged row: only those after it are written
   * @returns the command tags
   * @throws {LoaderError} when a count differs from the staged one
   */
  write(after?: number): Promise<string[]>;
  /** The query that reads the staged rows back from the table, and why it may read others. */
  readonly loaded: { readonly sql: string; readonly doubt: string | undefined };
}

/**
 * Prepares an upsert from the staged rows. A unique index on the keys allows INSERT … ON CONFLICT DO UPDATE.
 * Without one, the table is locked against other writers; rows whose key exists are updated, even if it exists
 * more than once, and the others inserted.
 */
export async function prepareUpsert(
  system: PostgresSystem,
  session: Session,
  task: LoadTask,
  target: Target,
): Promise<PreparedUpsert> {
  const { table } = target;
  const { upsertKeys } = task;
  const hooks = await findHooks(session, table);
  refuseRules(table, listStatements(task), hooks);
  const columns = upsertColumns(target, upsertKeys, dialect);
  const identities = target.columns.filter(({ column }) => column.identity)
    .map(({ column }) => quote(column.name));
  const changed = columns.others.filter((column) => !identities.includes(column));
  const option = " OVERRIDING SYSTEM VALUE";
  const same = sameKey(columns.keys);
  const whole = { target, table: table.name, columns, changed, option, same, hooks };
  const isUnique = await hasUniqueKey(system, session, table, upsertKeys);
  return {
    async write(after) {
      const staged = after === undefined ? STAGE : await selectAfter(session, after);
      const work = { ...whole, staged, rows: lastOfEachKey(staged, columns.keys) };
      const tags = isUnique
        ? await upsertIndexed(session, work)
        : await upsertUnindexed(session, work);
      if (hooks.triggered) await refuseMissingKeys(session, work);
      await refuseOtherIdentities(session, work);
      return tags;
    },
    loaded: {
      sql: selectUpserted(whole, isUnique),
      doubt: isUnique ? undefined : "no unique index keeps its keys apart",
    },
  };
}

/** The FROM item of the rows that win. */
function lastOfEachKey(staged: string, keys: readonly string[]): string {
  const list = keys.join(", ");
  return `(SELECT DISTINCT ON (${list}) * FROM ${staged} ORDER BY ${list}, ${ORDER} DESC) AS s`;
}

/** Makes an index for loads that write the staged rows in steps. */
export const INDEX_STAGE = `CREATE INDEX ON ${STAGE} (${ORDER})`;

/** The number of the last staged row; 0 if there is none. */
export async function lastStaged(session: Session): Promise<number> {
  const { rows: [row] } = await session.query(`SELECT coalesce(max(${ORDER}), 0) FROM ${STAGE}`);
  return Number(row![0]);
}

/** The staged rows after a number. Both bounds are written, so that the server uses the index. */
async function selectAfter(session: Session, after: number): Promise<string> {
  const last = await lastStaged(session);
  return `(SELECT * FROM ${STAGE} WHERE ${ORDER} BETWEEN ${after + 1} AND ${last}) AS staged`;
}

/**
 * A row for each staged one: the last of each key as it is in the table, the others as they were staged. Keys are
 * those of the stage: an upsert does not change the key of a row that the table already has in another spelling.
 * Rows of the table that share a key were updated alike, and are one row here if they are alike.
 */
function selectUpserted(
  { target: { table }, columns: { all, keys }, same }: Pick<Upsert, "target" | "columns" | "same">,
  isUnique: boolean,
): string {
  const list = (others: string) =>
    all.map((column) => `${keys.includes(column) ? "s" : others}.${column}`).join(", ");
  const last = `(SELECT max(${ORDER}) AS last FROM ${STAGE} GROUP BY ${keys.join(", ")}) AS l`;
  const row = all.map((column) => `t.${column}`).join(", ");
  const once = isUnique ? "" : `DISTINCT ON (s.${ORDER}, ROW(${row})::text) `;
  return `SELECT ${once}${list("t")} FROM ${STAGE} AS s JOIN ${last} ON l.last = s.${ORDER}
      JOIN ${table.name} AS t ON ${same}
    UNION ALL SELECT ${list("s")} FROM ${STAGE} AS s LEFT JOIN ${last} ON l.last = s.${ORDER}
      WHERE l.last IS NULL`;
}

async function upsertIndexed(session: Session, work: Upsert): Promise<string[]> {
  // Of keys that are in the table already, DO NOTHING counts none.
  if (work.changed.length > 0) {
    return await runUpsert(session, work, "on conflict", [await countRows(session, work.rows)]);
  }
  const tags = await runUpsert(session, work, "on conflict", []);
  await refuseMissingKeys(session, work);
  return tags;
}

async function upsertUnindexed(session: Session, work: Upsert): Promise<string[]> {
  const { target: { table: { name, label } }, columns: { keys }, staged, rows, same, hooks } = work;
  if (hooks.filtered) {
    throw new LoaderError(
      `Cannot upsert ${label}: row security hides rows from the login, and no unique index is on ${
        keys.join(", ")
      }, so that hidden rows would be inserted again; add the index, or load as a role with BYPASSRLS`,
    );
  }
  const { tag } = await session.query(`LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE`);
  const { rows: [known] } = await session.query(
    `SELECT coalesce(sum(n), 0), count(*) FROM (SELECT count(*) AS n FROM ${name} AS t
      JOIN (SELECT DISTINCT ${keys.join(", ")} FROM ${staged}) AS s ON ${same}
      GROUP BY ${keys.map((key) => `s.${key}`).join(", ")}) AS known`,
  );
  const [knownRows, knownKeys] = known!.map(Number) as [number, number];
  const added = await countRows(session, rows) - knownKeys;
  const counts = work.changed.length > 0 ? [knownRows, added] : [added];
  return [tag, ...await runUpsert(session, work, "update insert", counts)];
}

/** Runs the statements of an upsert. The tag of each must have its count, if there is one. */
async function runUpsert(
  session: Session,
  work: Upsert,
  strategy: UpsertStrategy,
  counts: readonly number[],
): Promise<string[]> {
  const tags: string[] = [];
  for (const [i, statement] of upsertStatements(strategy, work).entries()) {
    const { tag } = await session.query(statement);
    if (counts[i] !== undefined) refuseOtherCount(work.target.table, tag, counts[i]);
    tags.push(tag);
  }
  return tags;
}

/** The server sets an identity GENERATED ALWAYS in new rows, and never changes it in old ones. */
async function refuseOtherIdentities(
  session: Session,
  { target: { table: { name, label }, columns }, columns: { keys }, rows, same }: Upsert,
): Promise<void> {
  for (const { column } of columns) {
    const identity = quote(column.name);
    if (!column.identity || keys.includes(identity)) continue;
    const { rows: [found] } = await session.query(
      `SELECT t.${identity}, s.${identity}, concat_ws(', ', ${
        keys.map((key) => `s.${key}`).join(", ")
      }) FROM ${name} AS t JOIN ${rows} ON ${same}
       WHERE t.${identity} IS DISTINCT FROM s.${identity} LIMIT 1`,
    );
    if (found === undefined) continue;
    const [there, staged, key] = found;
    throw new LoaderError(
      `Cannot upsert into ${label}: column "${column.name}" is an identity GENERATED ALWAYS, the row with key ${
        quoteValue(key)
      } has ${quoteValue(there)}, staged is ${
        quoteValue(staged)
      }; leave the field out with "fields: [{ id: ${column.name}, exclude: true }]"`,
    );
  }
}

function refuseOtherCount({ label }: Relation, tag: string, wanted: number): void {
  if (rowsOfTag(tag) === wanted) return;
  throw new LoaderError(
    `Cannot upsert all rows into ${label}: PostgreSQL says "${tag}", expected ${wanted} by the staged keys; a trigger or a policy may drop rows`,
  );
}

/** A trigger may change the key of a row, or delete it: the next run would insert it again. */
async function refuseMissingKeys(
  session: Session,
  { target: { table: { name, label } }, rows, same }: Upsert,
): Promise<void> {
  const missing = await countRows(
    session,
    `${rows} WHERE NOT EXISTS (SELECT FROM ${name} AS t WHERE ${same})`,
  );
  if (missing === 0) return;
  throw new LoaderError(
    `Cannot upsert all rows into ${label}: of the staged keys ${missing} are not in the table afterwards; a trigger may drop rows or change their keys`,
  );
}

/** Makes the table of the staged rows, gone with the transaction. */
export function stageTable(name: string, fields: readonly Field[]): string {
  const list = fields.map((field) => quote(field.name)).join(", ");
  return `CREATE TEMPORARY TABLE ${
    STAGE.replace("pg_temp.", "")
  } ON COMMIT DROP AS SELECT ${list} FROM ${name} WITH NO DATA; ` +
    `ALTER TABLE ${STAGE} ADD COLUMN ${ORDER} bigint GENERATED ALWAYS AS IDENTITY`;
}

/** The statements that delete rows of a table, after a lock against other writers, but not readers. */
export function emptyStatements({ kind, name }: Relation, where: string | undefined): string[] {
  const lock = `LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE`;
  return [...(kind === "f" ? [] : [lock]), deleteRows(matchingRows(name, where))];
}

/**
 * Deletes the rows of a table that a load replaces.
 *
 * @throws {LoaderError} when other tables would change, or rows are left
 */
export async function emptyTable(
  system: PostgresSystem,
  session: Session,
  task: LoadTask,
  { table }: Target,
): Promise<TableHooks> {
  const { where } = task;
  const hooks = await findHooks(session, table);
  refuseRules(table, listStatements(task), hooks);
  await refuseCascades(system, session, table);
  for (const statement of emptyStatements(table, where)) await session.query(statement);
  if (hooks.triggered) {
    const left = await countRows(session, matchingRows(table.name, where));
    if (left > 0) {
      throw new LoaderError(
        `Cannot replace ${table.label}: ${left} rows are left after DELETE, a trigger keeps them; expected mode upsert or append`,
      );
    }
  }
  return hooks;
}

/**
 * @throws {LoaderError} when triggers left other rows in a replaced table than those that were copied
 */
export async function refuseOtherRows(
  session: Session,
  { table: { name, label } }: Target,
  copied: number,
): Promise<void> {
  const rows = await countRows(session, name);
  if (rows === copied) return;
  throw new LoaderError(
    `Cannot replace ${label}: it has ${rows} rows after ${copied} were copied, a trigger adds or deletes some`,
  );
}
