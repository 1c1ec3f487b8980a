/** One load of a database at a time: SQLite's own lock, which ends with its process. */
import { ConcurrentRunError } from "../../../../core/errors.ts";
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import { type DatabaseFile, retryWhileBusy } from "../sql/database_file.ts";

/**
 * Does what takes the lock, or waits for it, as long as `busy_timeout_ms` says, or as the run waits for others.
 *
 * @throws {ConcurrentRunError} when it stays locked; SQLite does not tell by whom
 */
export async function lockLoads<T>(
  file: DatabaseFile,
  { claim, signal }: LoadTask,
  begin: () => T,
): Promise<T> {
  const busyTimeout = Math.max(file.busyTimeout, claim?.waitMs ?? 0);
  return await retryWhileBusy({ ...file, busyTimeout }, signal, begin, refuseLoad);
}

function refuseLoad({ path, busyTimeout }: DatabaseFile, cause: unknown): Error {
  return new ConcurrentRunError(
    `Cannot write to database "${path}": another run or program holds it locked, waited ${busyTimeout} ms; run again when that has ended, or with --wait`,
    { cause },
  );
}
