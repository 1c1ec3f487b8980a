/** The tables that a load writes beside its target, and that a killed load leaves there. */
import { createHash } from "node:crypto";
import type { Leftover, LeftoverRequest, LoadTask } from "../../../../core/contracts/loader.ts";
import type { StreamTarget } from "../../../../models/source.ts";
import type { TableName } from "../../contract.ts";
import { type LockingTask, lockTarget } from "../../load/target_lock.ts";
import { formatReference, quoteTable, tableName } from "../../names.ts";
import { catalog, type MySQLTable } from "../catalog.ts";
import type { MySQLConnector } from "../connector.ts";
import { dialect, textLiteral } from "../dialect.ts";
import { Session } from "../wire/session.ts";

type Pair = [TableName, TableName];

/** Names of the table that a load fills, and of the one that it replaces until it is dropped. */
const siblingNames = (lock: string) =>
  ["dxt_new_", "dxt_old_"].map((prefix) => lock.replace("dxt_", prefix));

/** The table that takes the place of a target, and the statements around its load. */
export function siblingTable(target: TableName, lock: string, existing: MySQLTable | undefined) {
  const [beside, old] = siblingNames(lock).map((name) => ({ ...target, name })) as Pair;
  const [name, newName, oldName] = [target, beside, old]
    .map((table) => quoteTable(table, dialect)) as [string, string, string];
  const moves = existing === undefined ? [] : [`${name} TO ${oldName}`];
  return {
    beside,
    newName,
    creation: `CREATE TABLE ${newName} LIKE ${name}`,
    rename: `RENAME TABLE ${[...moves, `${newName} TO ${name}`].join(", ")}`,
    drop: `DROP TABLE IF EXISTS ${newName}, ${oldName}`,
  };
}

/** Names the lock of a table: a hash, since the server limits its length. */
export async function nameLock(
  session: Session,
  { target }: Pick<LoadTask, "target">,
): Promise<string> {
  const { schema, name } = tableName(target);
  const { rows: [own] } = await session.query("SELECT DATABASE()");
  const table = JSON.stringify([schema ?? own![0], name].map((part) => part?.toLowerCase()));
  return `dxt_${createHash("sha256").update(table).digest("hex").slice(0, 32)}`;
}

/** The lock of a table that a session has. */
export interface TableLock extends AsyncDisposable {
  readonly name: string;
}

/** Takes the lock of a table. The server frees it with the session, too, but later than a client sees its end. */
export async function lockLoads(session: Session, task: LockingTask): Promise<TableLock> {
  const lock = await nameLock(session, task);
  await lockTarget(task, async () => {
    const { rows: [row] } = await session.query(
      `SELECT GET_LOCK('${lock}', 0), IS_USED_LOCK('${lock}')`,
    );
    return row![0] === "1" ? undefined : `connection ${row![1]} of MySQL`;
  });
  return {
    name: lock,
    async [Symbol.asyncDispose]() {
      if (session.usable) await session.query(`DO RELEASE_LOCK('${lock}')`).catch(() => {});
    },
  };
}

/**
 * Gives a table its name back: servers without atomic DDL may have stopped between the two renamings of a
 * replacement, so that the old rows have no other name. Called with the lock of the target's loads.
 *
 * @returns the table; undefined if there is none to restore
 */
export async function restoreReplaced(
  session: Session,
  target: TableName,
  lock: string,
): Promise<MySQLTable | undefined> {
  const old = await findReplaced(session, target, lock);
  if (old === undefined) return undefined;
  await session.query(`RENAME TABLE ${old.name} TO ${quoteTable(target, dialect)}`);
  return await catalog.find(session, target);
}

/** The table under the name that a replacement gives it; the target's own name is free. */
function findReplaced(
  session: Session,
  target: TableName,
  lock: string,
): Promise<MySQLTable | undefined> {
  return catalog.find(session, { ...target, name: siblingNames(lock)[1]! });
}

/** The tables that a killed load of a target left; while one goes on, its lock. */
export function listLeftovers(
  connector: MySQLConnector,
  target: StreamTarget,
): Promise<Leftover[]> {
  return connector.reading(async (session) => {
    const lock = await nameLock(session, { target });
    const { rows: [holder] } = await session.query(`SELECT IS_USED_LOCK(${textLiteral(lock)})`);
    if (holder![0] !== null) {
      const name = formatReference(tableName(target));
      return [{ kind: "lock", name, holder: `connection ${holder![0]} of MySQL` }];
    }
    const { schema, name: own } = tableName(target);
    const isMissing = await catalog.find(session, tableName(target)) === undefined;
    const [, oldName] = siblingNames(lock);
    const problem =
      `it is the table "${own}" before a replacement that was cut off; the next load renames it back`;
    const { rows } = await session.query(
      `SELECT TABLE_NAME, COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0),
        TIMESTAMPDIFF(SECOND, CREATE_TIME, NOW())
      FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = ${schema === undefined ? "DATABASE()" : textLiteral(schema)}
        AND TABLE_NAME IN (${siblingNames(lock).map(textLiteral).join(", ")})
      ORDER BY TABLE_NAME`,
    );
    return rows.map(([name, bytes, seconds]): Leftover => ({
      kind: "table",
      name: formatReference({ ...tableName(target), name: name! }),
      bytes: Number(bytes),
      ...(isMissing && name === oldName ? { problem } : {}),
      changed: seconds === null
        ? undefined
        : Temporal.Now.instant().subtract({ seconds: Number(seconds) }).toString({
          smallestUnit: "second",
        }),
    }));
  });
}

/**
 * Drops a table that a killed load left, but not the only copy of a target's rows.
 *
 * @throws {ConcurrentRunError} when another run loads into the target
 */
export async function removeLeftover(
  { config }: MySQLConnector,
  target: StreamTarget,
  { name, claim, signal }: LeftoverRequest,
): Promise<boolean> {
  const session = await Session.open(config, signal);
  try {
    await using lock = await lockLoads(session, { target, claim, signal });
    const siblings = siblingNames(lock.name);
    const table = siblings.map((own) => ({ ...tableName(target), name: own }))
      .find((sibling) => formatReference(sibling) === name);
    if (table === undefined) return false;
    const isOld = table.name === siblings[1];
    if (isOld && await catalog.find(session, tableName(target)) === undefined) return false;
    await session.query(`DROP TABLE IF EXISTS ${quoteTable(table, dialect)}`);
    return true;
  } finally {
    await session.close();
  }
}
