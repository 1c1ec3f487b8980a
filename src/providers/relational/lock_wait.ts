/** The warning of a session that waits for a lock of its server. */

/** A session that holds a lock, as far as the server shows it. */
export interface LockHolder {
  /** For example `process 4711`. */
  readonly name: string;
  /** For example `user "jo"`; empty where the login may not see more. */
  readonly facts: readonly string[];
}

/** @param what the lock, for example `"public.orders"` */
export function formatLockWait(what: string, holders: readonly LockHolder[]): string {
  const list = holders.map(({ name, facts }) =>
    facts.length === 0 ? name : `${name} (${facts.join(", ")})`
  );
  return `Waiting for a lock on ${what}: ${list.join("; ")} holds it or asked for it before`;
}
