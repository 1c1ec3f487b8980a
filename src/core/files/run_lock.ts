/** How a run requests a lock that one run at a time holds. */
import { ConcurrentRunError } from "../errors.ts";

/** The run that holds a lock, for messages of other runs. Plain data: sent to workers, written into locks. */
export interface RunOwner {
  /** Unset where the runtime may not ask for it. */
  readonly host?: string | undefined;
  readonly pid: number;
  readonly run_id: string;
  /** When the run started, in ISO 8601. */
  readonly since: string;
}

/** Who asks for a lock, and how long it waits for one that another run holds. Plain data. */
export interface Claim {
  readonly owner: RunOwner;
  /** Milliseconds; 0: refused at once. */
  readonly waitMs: number;
}

/** The run of this process. */
export function runOwner(runId: string, since: Temporal.Instant): RunOwner {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return {
    ...(state === "granted" ? { host: Deno.hostname() } : {}),
    pid: Deno.pid,
    run_id: runId,
    since: since.toString({ smallestUnit: "second" }),
  };
}

/** A run in a message: `process 4711 on "etl-1" (run 0f3a9c2e, since 2026-01-31T12:00:00Z)`. */
export function describeOwner({ host, pid, run_id, since }: RunOwner): string {
  const where = host === undefined ? "" : ` on ${JSON.stringify(host)}`;
  return `process ${pid}${where} (run ${run_id.slice(0, 8)}, since ${since})`;
}

/** A lock that was taken, or who holds it, in words. */
export type Attempt<T> = { readonly held: T } | { readonly holder: string };

/** Milliseconds between two attempts. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [50, 1000];

/**
 * Tries to take a lock until it is free or `waitMs` have passed.
 *
 * @param what the locked thing in a message, for example `stage "…"`
 * @param grace milliseconds in which a run that has ended may still hold the lock
 * @throws {ConcurrentRunError} that names the holder
 */
export async function waitForLock<T>(
  what: string,
  waitMs: number,
  signal: AbortSignal,
  attempt: () => Promise<Attempt<T>>,
  grace = 0,
): Promise<T> {
  const start = performance.now();
  for (let pause = FIRST_PAUSE;; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    signal.throwIfAborted();
    const tried = await attempt();
    if ("held" in tried) return tried.held;
    const left = start + Math.max(waitMs, grace) - performance.now();
    if (left <= 0) throw inUse(what, tried.holder, waitMs);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
  }
}

/** The refusal of a lock. */
function inUse(what: string, holder: string, waitMs: number): ConcurrentRunError {
  const waited = waitMs > 0 ? `, waited ${Math.round(waitMs / 1000)} s` : "";
  return new ConcurrentRunError(
    `Cannot use ${what}: another run holds it, ${holder}${waited}; run again when that has ended, or with --wait`,
  );
}
