/** Finds the lock that a connection waits for, and the connections that hold it. */
import type { SqlRow } from "../contract.ts";
import { formatLockWait, type LockHolder } from "../lock_wait.ts";
import { displayName } from "../names.ts";
import { MySQLError } from "./wire/server_error.ts";
import type { Session } from "./wire/session.ts";

/**
 * Locked table, holder, and since when its transaction runs, a row for each holder. Each version of the servers
 * has some of them, and all need privileges of their own. The last one knows locks of a table's definition, and
 * is off in MariaDB.
 */
const BLOCKERS = (id: number): readonly string[] => [
  `SELECT locked_table, blocking_pid, blocking_trx_started FROM sys.innodb_lock_waits WHERE waiting_pid = ${id}`,
  `SELECT l.lock_table, b.trx_mysql_thread_id, b.trx_started
  FROM information_schema.INNODB_LOCK_WAITS w
  JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
  JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id
  JOIN information_schema.INNODB_LOCKS l ON l.lock_id = w.requested_lock_id
  WHERE r.trx_mysql_thread_id = ${id}`,
  `SELECT CONCAT(w.OBJECT_SCHEMA, '.', w.OBJECT_NAME), t.PROCESSLIST_ID, NULL
  FROM performance_schema.metadata_locks w
  JOIN performance_schema.threads o ON o.THREAD_ID = w.OWNER_THREAD_ID
  JOIN performance_schema.metadata_locks h ON h.OBJECT_TYPE = w.OBJECT_TYPE
    AND h.OBJECT_SCHEMA = w.OBJECT_SCHEMA AND h.OBJECT_NAME = w.OBJECT_NAME
  JOIN performance_schema.threads t ON t.THREAD_ID = h.OWNER_THREAD_ID
  WHERE o.PROCESSLIST_ID = ${id} AND t.PROCESSLIST_ID <> ${id}
    AND w.LOCK_STATUS = 'PENDING' AND h.LOCK_STATUS = 'GRANTED'`,
];

/** Describes the lock that a connection waits for; undefined when it does not wait. */
export async function describeLockWait(session: Session, id: number): Promise<string | undefined> {
  for (const sql of BLOCKERS(id)) {
    const rows = await readIfAllowed(session, sql);
    if (rows.length === 0) continue;
    const holders: LockHolder[] = [];
    for (const row of rows) holders.push(await describeHolder(session, row));
    return formatLockWait(displayName(String(rows[0]![0]).replaceAll("`", "")), holders);
  }
  const [own] = await readIfAllowed(
    session,
    `SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = ${id}`,
  );
  const state = String(own?.[0] ?? "");
  return /^waiting for .*\block\b/i.test(state)
    ? `Waiting for a lock of the server, "${state}": MySQL does not tell its holder, SHOW PROCESSLIST has all connections`
    : undefined;
}

/** Its statement is left out, which may hold secrets. */
async function describeHolder(session: Session, [, id, since]: SqlRow): Promise<LockHolder> {
  const [row] = await readIfAllowed(
    session,
    `SELECT USER, HOST, COMMAND FROM information_schema.PROCESSLIST WHERE ID = ${Number(id)}`,
  );
  const [user, host, command] = row ?? [];
  return {
    name: `connection ${id}`,
    facts: [
      ...(user ? [`user ${JSON.stringify(user)}`] : []),
      ...(host ? [`from ${host}`] : []),
      ...(command ? [`command ${command}`] : []),
      // InnoDB writes its times in the time zone of the server's machine.
      ...(since ? [`in a transaction since ${since}`] : []),
    ],
  };
}

async function readIfAllowed(session: Session, sql: string): Promise<readonly SqlRow[]> {
  try {
    return (await session.query(sql)).rows;
  } catch (error) {
    if (error instanceof MySQLError) return [];
    throw error;
  }
}
