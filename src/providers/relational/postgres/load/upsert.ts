/** Upserts, and the emptying of a table that is replaced. */
import { LoaderError, quoteValue } from "../../../../core/errors.ts";
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import type { Field } from "../../../../models/field.ts";
import { refuseCascades } from "../../load_plan.ts";
import { deleteAll, hasUniqueKey, upsertClause } from "../../statements.ts";
import { type Relation, uniqueKeys } from "../sql/catalog.ts";
import { dialect, quote, quoteText } from "../sql/dialect.ts";
import { rowsOfTag } from "../wire/messages.ts";
import type { Session } from "../wire/session.ts";
import type { PostgresSystem, Target } from "../system.ts";
import { findHooks, refuseRules, STATEMENTS_OF, type TableHooks } from "../sql/triggers.ts";

/** Table of the staged rows, gone with the transaction. */
export const STAGE = "pg_temp.dxt_stage";
/** Number of a staged row; of rows with the same key the highest wins. */
const ORDER = quote("dxt row");

/** What an upsert must find in the table. */
interface Upsert {
  readonly target: Target;
  readonly keys: readonly string[];
  /** Rows that are staged, the last one of each key. */
  readonly latest: string;
  /** A row of the table `t` has the key of the staged row `s`. */
  readonly same: string;
  readonly hooks: TableHooks;
}

/**
 * Writes the staged rows into the table, and holds the table's own counts against the staged keys. With
 * a unique index on the keys: INSERT … ON CONFLICT DO UPDATE. Without one: the table is locked against
 * other writers, rows with a known key are updated (all of them, when a key is there more than once), the
 * others inserted.
 *
 * @returns the command tags
 * @throws {LoaderError} when a key is NULL, or the table took other rows than those of the stage
 */
export async function upsert(
  session: Session,
  { upsertKeys }: LoadTask,
  target: Target,
): Promise<string[]> {
  const { table } = target;
  const hooks = await findHooks(session, table);
  refuseRules(table, STATEMENTS_OF.upsert, hooks);
  await refuseNullKeys(session, table, upsertKeys);
  const keys = upsertKeys.map(quote);
  const work: Upsert = {
    target,
    keys,
    latest: `SELECT DISTINCT ON (${keys.join(", ")}) * FROM ${STAGE} ORDER BY ${
      keys.join(", ")
    }, ${ORDER} DESC`,
    same: keys.map((key) => `t.${key} = s.${key}`).join(" AND "),
    hooks,
  };
  const tags = hasUniqueKey(await uniqueKeys(session, table), upsertKeys, dialect)
    ? [await upsertIndexed(session, work)]
    : await upsertUnindexed(session, work);
  if (hooks.triggered) await refuseMissingKeys(session, work);
  await refuseOtherIdentities(session, work);
  return tags;
}

async function upsertIndexed(session: Session, work: Upsert): Promise<string> {
  const { target: { table, columns }, keys, latest } = work;
  const others = otherColumns(work);
  const list = columnList(columns);
  const { tag } = await session.query(
    `${insertInto(table, list)} SELECT ${list} FROM (${latest}) AS s ${
      upsertClause("on conflict", keys, others)
    }`,
  );
  // Of keys that are in the table already, DO NOTHING counts none.
  if (others.length === 0) await refuseMissingKeys(session, work);
  else refuseOtherCount(table, tag, await countOf(session, `(${latest}) AS s`));
  return tag;
}

async function upsertUnindexed(session: Session, work: Upsert): Promise<string[]> {
  const { target: { table, columns }, keys, latest, same, hooks } = work;
  const { name, label } = table;
  if (hooks.filtered) {
    throw new LoaderError(
      `Cannot upsert ${label}: row security hides rows from the login, and no unique index is on ${
        keys.join(", ")
      }, so that hidden rows would be inserted again; add the index, or load as a role with BYPASSRLS`,
    );
  }
  const tags = [
    (await session.query(`LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE`)).tag,
  ];
  const { rows: [known] } = await session.query(
    `SELECT coalesce(sum(n), 0), count(*) FROM (SELECT count(*) AS n FROM ${name} AS t
      JOIN (SELECT DISTINCT ${keys.join(", ")} FROM ${STAGE}) AS s ON ${same}
      GROUP BY ${keys.map((key) => `s.${key}`).join(", ")}) AS known`,
  );
  const [knownRows, knownKeys] = known!.map(Number) as [number, number];
  const staged = await countOf(session, `(${latest}) AS s`);
  const others = otherColumns(work);
  if (others.length > 0) {
    const { tag } = await session.query(
      `UPDATE ${name} AS t SET ${
        others.map((column) => `${column} = s.${column}`).join(", ")
      } FROM (${latest}) AS s WHERE ${same}`,
    );
    refuseOtherCount(table, tag, knownRows);
    tags.push(tag);
  }
  const list = columnList(columns);
  const { tag } = await session.query(
    `${
      insertInto(table, list)
    } SELECT ${list} FROM (${latest}) AS s WHERE NOT EXISTS (SELECT FROM ${name} AS t WHERE ${same})`,
  );
  refuseOtherCount(table, tag, staged - knownKeys);
  return [...tags, tag];
}

function columnList(columns: Target["columns"]): string {
  return columns.map(({ field }) => quote(field.name)).join(", ");
}

/** Columns that are no keys and may be updated. */
function otherColumns({ target: { columns }, keys }: Upsert): string[] {
  return columns.filter(({ column }) => !column.identity).map(({ column }) => quote(column.name))
    .filter((column) => !keys.includes(column));
}

/** The server sets an identity GENERATED ALWAYS of a new row, and changes none of an old one. */
async function refuseOtherIdentities(
  session: Session,
  { target: { table: { name, label }, columns }, keys, latest, same }: Upsert,
): Promise<void> {
  for (const { column } of columns) {
    const identity = quote(column.name);
    if (!column.identity || keys.includes(identity)) continue;
    const { rows: [found] } = await session.query(
      `SELECT t.${identity}, s.${identity}, concat_ws(', ', ${
        keys.map((key) => `s.${key}`).join(", ")
      }) FROM ${name} AS t JOIN (${latest}) AS s ON ${same}
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

function insertInto({ name }: Relation, list: string): string {
  return `INSERT INTO ${name} AS t (${list}) OVERRIDING SYSTEM VALUE`;
}

async function countOf(session: Session, from: string): Promise<number> {
  const { rows: [count] } = await session.query(`SELECT count(*) FROM ${from}`);
  return Number(count![0]);
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
  { target: { table: { name, label } }, latest, same }: Upsert,
): Promise<void> {
  const missing = await countOf(
    session,
    `(${latest}) AS s WHERE NOT EXISTS (SELECT FROM ${name} AS t WHERE ${same})`,
  );
  if (missing === 0) return;
  throw new LoaderError(
    `Cannot upsert all rows into ${label}: of the staged keys ${missing} are not in the table afterwards; a trigger may drop rows or change their keys`,
  );
}

async function refuseNullKeys(
  session: Session,
  { label }: Relation,
  keys: readonly string[],
): Promise<void> {
  const { rows: [wrong] } = await session.query(
    keys.map((key) =>
      `SELECT ${quoteText(key)} AS key, count(*) FROM ${STAGE} WHERE ${
        quote(key)
      } IS NULL HAVING count(*) > 0`
    ).join(" UNION ALL "),
  );
  if (wrong === undefined) return;
  throw new LoaderError(
    `Cannot upsert into ${label}: key "${wrong[0]}" is NULL in ${wrong[1]} rows`,
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

/** The statements that delete the rows of a table, which others may read, and nobody else may write. */
export function emptyStatements({ kind, name }: Relation): string[] {
  const lock = `LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE`;
  return [...(kind === "f" ? [] : [lock]), deleteAll(name)];
}

/**
 * Deletes the rows of a table.
 *
 * @throws {LoaderError} when other tables would change, or rows are left
 */
export async function emptyTable(
  system: PostgresSystem,
  session: Session,
  { table }: Target,
): Promise<TableHooks> {
  const hooks = await findHooks(session, table);
  refuseRules(table, STATEMENTS_OF.replace, hooks);
  await refuseCascades(system, session, table);
  for (const statement of emptyStatements(table)) await session.query(statement);
  if (hooks.triggered) {
    const left = await countOf(session, table.name);
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
  const rows = await countOf(session, name);
  if (rows === copied) return;
  throw new LoaderError(
    `Cannot replace ${label}: it has ${rows} rows after ${copied} were copied, a trigger adds or deletes some`,
  );
}
