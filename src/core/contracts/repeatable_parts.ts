/** Parts of a source that a later run may go on reading after a kill: their size, and when its moment is known. */
import type { PartitionSettings } from "./extractor.ts";

/** About the most bytes of a part: after a kill, each connection reads so many again. */
const REPEATED_BYTES = 512 * 1024 * 1024;

/**
 * Counts the parts of a source: one for each connection, or several of a large source. None is smaller than
 * `least`.
 *
 * @param bytes size of the source
 * @param least bytes of a part
 */
export function countParts(
  bytes: number,
  least: number,
  { most }: Pick<PartitionSettings, "most">,
): number {
  const rounds = Math.max(1, Math.ceil(bytes / (most * REPEATED_BYTES)));
  return Math.min(most * rounds, Math.floor(bytes / least));
}

/** Milliseconds in which two changes of a file may get the same time from the clock of its file system. */
const TICK_MS = 2000;

/** Whether the time of a file's last change identifies its content: a change from now on gets another time. */
export function isSettled(changedMs: number): boolean {
  return Date.now() - changedMs > TICK_MS;
}
