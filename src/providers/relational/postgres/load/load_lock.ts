/**
 * An advisory lock that admits one load of a table at a time. The load's transaction holds it, so that it
 * ends with it even behind a pooler. Its key is the table's name, since the table may not exist yet.
 */
import type { Claim } from "../../../../core/files/run_lock.ts";
import { type LockingTask, lockTarget } from "../../load/target_lock.ts";
import { quoteTable, tableName } from "../../names.ts";
import type { TableName } from "../../contract.ts";
import type { PostgresConfig } from "../config.ts";
import { dialect, quoteText } from "../sql/dialect.ts";
import type { Session } from "../wire/session.ts";

/**
 * Takes the lock in the open transaction.
 *
 * @throws {ConcurrentRunError} when another run holds it for longer than the claim waits
 */
export async function lockLoads(
  session: Session,
  task: LockingTask,
  config: PostgresConfig,
): Promise<void> {
  const key = await findLockKey(session, tableName(task.target), config);
  await lockTarget(task, async () => {
    const { rows: [locked] } = await session.query(
      `SELECT pg_catalog.pg_try_advisory_xact_lock(${key})`,
    );
    return locked![0] === "t" ? undefined : await describeHolder(session, key);
  });
  await nameSession(session, task.claim, config);
}

/** Describes the session that loads into a table; undefined if none does. Waits for no lock. */
export async function findHolder(
  session: Session,
  table: TableName,
  config: PostgresConfig,
): Promise<string | undefined> {
  const key = await findLockKey(session, table, config);
  const { rows } = await session.query(
    `SELECT FROM pg_catalog.pg_locks l WHERE ${holdsLock(key)}`,
  );
  return rows.length === 0 ? undefined : await describeHolder(session, key);
}

/** Condition for the granted lock of a key in `pg_locks l`. */
const holdsLock = (key: string) =>
  `l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND ((l.classid::bigint << 32) | l.objid::bigint) = ${key}`;

/** The same for all spellings of a table: with its schema, or the one in which it would be created. */
async function findLockKey(
  session: Session,
  table: TableName,
  config: PostgresConfig,
): Promise<string> {
  const given = table.schema ?? config.schema;
  const { rows: [key] } = await session.query(
    `SELECT pg_catalog.hashtextextended('dxt loads ' || pg_catalog.quote_ident(coalesce(
      (SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n
        ON n.oid = c.relnamespace WHERE c.oid = to_regclass(${
      quoteText(quoteTable(table, dialect))
    })), ${given === undefined ? "current_schema()" : quoteText(given)}, ''))
      || '.' || pg_catalog.quote_ident(${quoteText(table.name)}) COLLATE "C", 0)`,
  );
  return key![0]!;
}

/** Describes the session that holds a lock. The server shows less of other logins' sessions. */
async function describeHolder(session: Session, key: string): Promise<string> {
  const { rows: [holder] } = await session.query(
    `SELECT a.application_name, a.pid, a.usename, pg_catalog.host(a.client_addr),
      to_char(a.xact_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    WHERE ${holdsLock(key)}`,
  );
  if (holder === undefined) return "which has just ended";
  const [application, pid, user, host, since] = holder;
  return [
    JSON.stringify(application),
    `session ${pid} of user ${JSON.stringify(user)}`,
    ...(host === null ? [] : [`from ${host}`]),
    ...(since === null ? [] : [`since ${since}`]),
  ].join(", ");
}

/** Bytes that the server keeps of a session's name. */
const NAME_BYTES = 63;

/** Names the run in the session until the transaction ends, so that other runs can see it. */
async function nameSession(
  session: Session,
  claim: Claim | undefined,
  { application_name: own }: PostgresConfig,
): Promise<void> {
  if (claim === undefined) return;
  const { host, pid, run_id } = claim.owner;
  const name = `${own} run ${run_id.slice(0, 8)} process ${pid}${
    host === undefined ? "" : ` on ${host}`
  }`;
  // The server stores printable ASCII only.
  const shown = name.replace(/[^\x20-\x7e]/g, "?").slice(0, NAME_BYTES);
  await session.query(`SET LOCAL application_name = ${quoteText(shown)}`);
}
