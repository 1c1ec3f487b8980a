/** The server's lock that admits one load of a table at a time. */
import { waitForLock } from "../../../core/files/run_lock.ts";
import type { LoadTask } from "../../../core/contracts/loader.ts";
import { displayTable, tableName } from "../names.ts";

/** What the lock of a target is taken for: a load, or the removal of what one left. */
export type LockingTask = Pick<LoadTask, "target" | "claim" | "signal">;

/** Milliseconds in which a server ends the statements of a killed or failed load, and frees its lock. */
const GRACE_MS = 1000;

/**
 * Waits for the lock of a target. The server frees it when the session or its transaction ends.
 *
 * @param tryLock takes the lock, or returns its holder in the words of a message
 * @throws {ConcurrentRunError} when another run holds it for longer than the claim waits
 */
export async function lockTarget(
  { target, claim, signal }: LockingTask,
  tryLock: () => Promise<string | undefined>,
): Promise<void> {
  const what = `table ${displayTable(tableName(target))}`;
  await waitForLock(what, claim, signal, async () => {
    const holder = await tryLock();
    return holder === undefined ? { held: true } : { holder };
  }, GRACE_MS);
}
