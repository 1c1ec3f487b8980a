/** Locks a target, so that only one run writes to it at a time. */
import { type Claim, runOwner } from "../../../core/files/run_lock.ts";
import { lockFile } from "../../../core/files/file_lock.ts";

/** A request for the lock of a target. */
export interface LockRequest {
  /** Undefined for a writer that is not a run, such as `dxt test`. */
  readonly claim: Claim | undefined;
  readonly signal: AbortSignal;
}

/**
 * Locks a target with a lock file next to it, which disposing the result removes.
 *
 * @param shown the target in messages
 * @throws {ConcurrentRunError} when another run holds the lock for longer than the claim waits
 */
export async function lockTarget(
  path: string,
  shown: string,
  { claim, signal }: LockRequest,
): Promise<AsyncDisposable> {
  const own = () => ({
    owner: runOwner(crypto.randomUUID(), Temporal.Now.instant()),
    waitMs: 0,
  });
  return await lockFile(path, `target "${shown}"`, claim ?? own(), signal);
}

/** Removes a file, or a folder with its content, if it exists. */
export async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
