/** The table that a load writes beside its target, and that a killed load leaves there. */
import { createHash } from "node:crypto";
import type { Leftover, LeftoverRequest } from "../../../core/contracts/loader.ts";
import type { StreamTarget } from "../../../models/source.ts";
import type { TableName } from "../contract.ts";
import { formatReference, quoteTable, tableName } from "../names.ts";
import type { PostgresConnector } from "./connector.ts";
import { commit } from "./load/load_commit.ts";
import { findHolder, lockLoads } from "./load/load_lock.ts";
import type { Relation } from "./sql/catalog.ts";
import { dialect, quoteText } from "./sql/dialect.ts";
import type { Session } from "./wire/session.ts";

/** The name of the table beside a target, and the beginning of its comment. */
export function siblingTable(target: TableName, old: Relation | undefined) {
  const mark = `dxt loads ${quoteTable(target, dialect)}`;
  const key = createHash("sha256").update(mark).digest();
  const own = `dxt_load_${key.toString("hex", 0, 8)}`;
  const name = { ...target, ...(old && { schema: old.schema }), name: own };
  return { mark, name, beside: quoteTable(name, dialect) };
}

/** Marks a new table as the sibling of a target, with the time, which PostgreSQL does not keep. */
export async function markSibling(session: Session, table: string, mark: string): Promise<void> {
  const since = Temporal.Now.instant().toString({ smallestUnit: "second" });
  await session.query(`COMMENT ON TABLE ${table} IS ${quoteText(`${mark} since ${since}`)}`);
}

/** What follows the mark in the comment; nothing in that of an earlier version. */
const SINCE = /^(?: since (\S+))?$/;

/** Drops the table of a killed load; returns false if another program created the table. */
export async function dropLeftOver(
  session: Session,
  table: string,
  mark: string,
): Promise<boolean> {
  const found = await findBeside(session, table, mark);
  if (found === "foreign") return false;
  if (found !== undefined) await session.query(`DROP TABLE ${table}`);
  return true;
}

/** Finds the table beside a target; "foreign" if another program created it. */
async function findBeside(
  session: Session,
  table: string,
  mark: string,
): Promise<Leftover | "foreign" | undefined> {
  const { rows: [found] } = await session.query(
    `SELECT pg_catalog.obj_description(c.oid, 'pg_class'), format('%I.%I', n.nspname, c.relname),
      pg_catalog.pg_total_relation_size(c.oid)
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = to_regclass(${quoteText(table)})`,
  );
  if (found === undefined) return undefined;
  const [comment, name, bytes] = found;
  const since = comment?.startsWith(mark) ? SINCE.exec(comment.slice(mark.length)) : null;
  if (since === null) return "foreign";
  return { kind: "table", name: name!, bytes: Number(bytes), changed: since[1] };
}

/** The table that a killed load of a target left; while one goes on, its lock. */
export function listLeftovers(
  connector: PostgresConnector,
  target: StreamTarget,
): Promise<Leftover[]> {
  const { config, system } = connector;
  return connector.reading(async (session) => {
    const name = tableName(target);
    const holder = await findHolder(session, name, config);
    if (holder !== undefined) return [{ kind: "lock", name: formatReference(name), holder }];
    const { mark, beside } = siblingTable(name, await system.catalog.find(session, name));
    const found = await findBeside(session, beside, mark);
    return found === undefined || found === "foreign" ? [] : [found];
  });
}

/**
 * Drops the table that a killed load left.
 *
 * @throws {ConcurrentRunError} when another run loads into the target
 */
export async function removeLeftover(
  connector: PostgresConnector,
  target: StreamTarget,
  { name, claim, signal }: LeftoverRequest,
): Promise<boolean> {
  const session = await connector.begin("write", signal);
  try {
    await lockLoads(session, { target, claim, signal }, connector.config);
    const table = tableName(target);
    const old = await connector.system.catalog.find(session, table);
    const { mark, beside } = siblingTable(table, old);
    const found = await findBeside(session, beside, mark);
    const isSame = typeof found === "object" && found.name === name;
    if (isSame) await session.query(`DROP TABLE ${name}`);
    await commit(session);
    await connector.giveBack(session);
    return isSame;
  } catch (error) {
    await session.close();
    throw error;
  }
}
