/** One writer at a time for a target. */
import { type Claim, runOwner } from "../../../core/files/run_lock.ts";
import { lockFile } from "../../../core/files/file_lock.ts";

/** How a writer asks for the lock of its target. */
export interface LockRequest {
  /** Unset for a writer that is no run, such as a trial of the connection. */
  readonly claim: Claim | undefined;
  readonly signal: AbortSignal;
}

/**
 * Locks a target by a file beside it, which is gone afterwards.
 *
 * @throws {ConcurrentRunError} when another run writes to the target for longer than the claim waits
 */
export async function lockTarget(
  path: string,
  shown: string,
  { claim, signal }: LockRequest,
): Promise<AsyncDisposable> {
  const { owner, waitMs } = claim ??
    { owner: runOwner(crypto.randomUUID(), Temporal.Now.instant()), waitMs: 0 };
  return await lockFile(path, `target "${shown}"`, { owner, waitMs }, signal);
}

/** Removes a file or folder with all that is in it, if there is one. */
export async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
