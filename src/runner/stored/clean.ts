/** Removes what runs left, by rules that keep what a later run needs. */
import { ConcurrentRunError, messageOf } from "../../core/errors.ts";
import { runOwner } from "../../core/files/run_lock.ts";
import type { CleanedEntry, StoredEntry } from "../../models/stored.ts";
import type { Survey } from "./survey.ts";

export interface CleanRules {
  /** Keep what was written later; milliseconds. */
  readonly olderThanMs?: number | undefined;
  /** Also remove stages that are complete. */
  readonly staged: boolean;
  /** Also remove stages whose load is in doubt, and the record of that load. */
  readonly inDoubt: boolean;
}

/**
 * Removes what the rules allow, or only says what it would remove.
 *
 * @param removes whether anything is removed
 */
export async function cleanSurvey(
  { items }: Survey,
  rules: CleanRules,
  removes: boolean,
  signal: AbortSignal,
): Promise<CleanedEntry[]> {
  const now = Temporal.Now.instant();
  const claim = { owner: runOwner(crypto.randomUUID(), now), waitMs: 0 };
  const cleaned: CleanedEntry[] = [];
  for (const { entry, remove } of items) {
    signal.throwIfAborted();
    const reason = findReason(entry, rules, now);
    if (reason !== undefined) cleaned.push({ ...entry, action: "kept", reason });
    else if (!removes) cleaned.push({ ...entry, action: "would be removed" });
    else cleaned.push({ ...entry, ...await removeItem(() => remove(claim, signal)) });
  }
  return cleaned;
}

async function removeItem(
  remove: () => Promise<boolean>,
): Promise<Pick<CleanedEntry, "action" | "reason">> {
  try {
    if (await remove()) return { action: "removed" };
    return { action: "kept", reason: "another run has changed or removed it" };
  } catch (error) {
    const action = error instanceof ConcurrentRunError ? "kept" : "failed";
    return { action, reason: messageOf(error) };
  }
}

/** Why an entry is kept; undefined if the rules allow to remove it. */
function findReason(
  { kind, state, changed, problem }: StoredEntry,
  { olderThanMs, staged, inDoubt }: CleanRules,
  now: Temporal.Instant,
): string | undefined {
  if (kind === "letters") return "it holds rejected rows; dxt dlq drop removes it";
  if (state === "in use") return "a run uses it";
  if (state === "abandoned" && problem !== undefined) return problem;
  if (state === "staged" && !staged) return "it can be loaded; --staged removes it";
  if (state === "unusable" && !staged) {
    return "it was complete when written, another version of dxt may load it; --staged removes it";
  }
  if (state === "in doubt" && !inDoubt) return "dxt load asks the target; --in-doubt removes it";
  if (olderThanMs === undefined) return undefined;
  if (changed === undefined) return "its age is unknown";
  const age = now.epochMilliseconds - Temporal.Instant.from(changed).epochMilliseconds;
  return age < olderThanMs ? "it is younger" : undefined;
}
