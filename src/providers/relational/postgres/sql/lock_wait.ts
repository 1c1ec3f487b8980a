/** Finds the sessions that hold the lock which a session waits for. */
import type { ControlRow } from "../../../../core/contracts/connector.ts";
import { formatLockWait, type LockHolder } from "../../lock_wait.ts";
import { displayName } from "../../names.ts";

/** Sessions that a process waits for, those that only wait before it too. */
const BLOCKERS = `
  SELECT lock.name, lock.type, blocker.pid, a.usename::text AS user, a.application_name AS application,
    pg_catalog.upper((pg_catalog.regexp_match(a.query, '^\\s*([A-Za-z]+)'))[1]) AS command, a.state,
    pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
  FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::int)) AS blocker(pid)
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = blocker.pid
  LEFT JOIN LATERAL (
    SELECT l.locktype AS type,
      pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
    FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE l.pid = $1::int AND NOT l.granted LIMIT 1) AS lock ON true
  ORDER BY blocker.pid`;

/** Names the lock that a server process waits for, and its holder; undefined when it does not wait. */
export async function describeLockWait(
  query: (sql: string, params: readonly unknown[]) => Promise<ControlRow[]>,
  pid: number,
): Promise<string | undefined> {
  const rows = await query(BLOCKERS, [pid]);
  if (rows.length === 0) return undefined;
  const { name, type } = rows[0]!;
  const what = typeof name === "string" ? displayName(name) : `a ${type ?? "lock"} of the server`;
  return formatLockWait(what, rows.map(describeHolder));
}

/** Its command is one word: the rest of a statement may hold secrets. */
function describeHolder(
  { pid, user, application, command, state, since }: ControlRow,
): LockHolder {
  return {
    name: `process ${pid}`,
    facts: [
      ...(user ? [`user ${JSON.stringify(user)}`] : []),
      ...(application ? [`application ${JSON.stringify(application)}`] : []),
      ...(command ? [`last command ${command}`] : []),
      ...(state ? [String(state)] : []),
      ...(since ? [`in a transaction since ${since}`] : []),
    ],
  };
}
