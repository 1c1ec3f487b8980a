/** Waits for a lock that only one run can hold at a time. */
import { ConcurrentRunError } from "../errors.ts";

/** The run that holds a lock, for messages of other runs. Sent to workers and written to files. */
export interface RunOwner {
  /** Undefined without the permission to read the host name. */
  readonly host?: string | undefined;
  readonly pid: number;
  readonly run_id: string;
  /** Start of the run, in ISO 8601. */
  readonly since: string;
}

/** The run that requests a lock, and how long it waits while another run holds the lock. */
export interface Claim {
  readonly owner: RunOwner;
  /** Milliseconds; 0 throws at once. */
  readonly waitMs: number;
  /** Reports a long wait, once. Each thread sets its own function, since claims are sent as data. */
  readonly onWait?: ((message: string) => void) | undefined;
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

/** Text for messages: `process 4711 on "etl-1" (run 0f3a9c2e, since 2026-01-31T12:00:00Z)`. */
export function describeOwner({ host, pid, run_id, since }: RunOwner): string {
  const where = host === undefined ? "" : ` on ${JSON.stringify(host)}`;
  return `process ${pid}${where} (run ${run_id.slice(0, 8)}, since ${since})`;
}

/** The acquired lock, or a description of its holder. */
export type Attempt<T> = { readonly held: T } | { readonly holder: string };

/** Milliseconds between two attempts. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [50, 1000];

/** Milliseconds after which a wait is reported. Most locks are free sooner. */
export const REPORTED_WAIT_MS = 3000;

/**
 * Tries to acquire a lock until it is free or the claim's time has passed.
 *
 * @param what the locked thing in messages, for example `stage "…"`
 * @param grace milliseconds for which a run that has ended may still hold the lock
 * @throws {ConcurrentRunError} that names the holder
 */
export async function waitForLock<T>(
  what: string,
  claim: Pick<Claim, "waitMs" | "onWait"> | undefined,
  signal: AbortSignal,
  attempt: () => Promise<Attempt<T>>,
  grace = 0,
): Promise<T> {
  const { waitMs = 0, onWait } = claim ?? {};
  const start = performance.now();
  let isReported = false;
  for (let pause = FIRST_PAUSE;; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    signal.throwIfAborted();
    const tried = await attempt();
    if ("held" in tried) return tried.held;
    const waited = performance.now() - start;
    const left = Math.max(waitMs, grace) - waited;
    if (left <= 0) throw inUse(what, tried.holder, waitMs);
    if (!isReported && waited >= REPORTED_WAIT_MS) {
      onWait?.(
        `Waiting for ${what}: another run holds it, ${tried.holder}${describeLimit(waitMs)}`,
      );
      isReported = true;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
  }
}

function describeLimit(waitMs: number): string {
  return waitMs === Infinity ? "" : `; gives up after ${Math.round(waitMs / 1000)} s (--wait)`;
}

function inUse(what: string, holder: string, waitMs: number): ConcurrentRunError {
  const waited = waitMs > 0 ? `, waited ${Math.round(waitMs / 1000)} s` : "";
  return new ConcurrentRunError(
    `Cannot use ${what}: another run holds it, ${holder}${waited}; run again when that has ended, or with --wait`,
  );
}
