/** Tries a stream again after a failure that may pass. */
import { isConcurrentRun, isTransient, messageOf } from "../core/errors.ts";
import type { RetrySettings } from "../models/stream.ts";

/** How a stream is retried; times in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, at least 1. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** @param retries attempts after the first, as the command line has them; they override the stream's */
export function retryPolicy(settings: RetrySettings = {}, retries?: number): RetryPolicy {
  const { attempts = 3, backoff = 1, max_backoff = 60 } = settings;
  return {
    attempts: retries === undefined ? attempts : retries + 1,
    backoffMs: backoff * 1000,
    maxBackoffMs: max_backoff * 1000,
  };
}

/**
 * Milliseconds to wait after a failed attempt, counted from 1: twice as long after each, of which a random half
 * is left out, so that streams that failed together do not come back together.
 */
export function retryDelay(
  { backoffMs, maxBackoffMs }: RetryPolicy,
  attempt: number,
  random: () => number = Math.random,
): number {
  const most = Math.min(backoffMs * 2 ** (attempt - 1), maxBackoffMs);
  return Math.round(most * (0.5 + random() / 2));
}

/** What a retry needs of its stream. */
export interface Retrying {
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal;
  /** Called before each wait with what failed. */
  warn(message: string): void;
  /** Called before each attempt but the first. @returns whether the stream may be tried again */
  prepare(attempt: number): boolean;
}

/**
 * Calls `work` until it succeeds, fails for a reason that stays, or was tried as often as the policy says.
 *
 * @throws the error of the last attempt
 */
export async function withRetries(
  { policy, signal, warn, prepare }: Retrying,
  work: () => Promise<void>,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isLast = attempt >= policy.attempts || signal.aborted;
      if (isLast || !mayPass(error, attempt) || !prepare(attempt + 1)) throw error;
      const delay = retryDelay(policy, attempt);
      warn(
        `attempt ${attempt} of ${policy.attempts} failed, the next one starts in ${
          secondsText(delay)
        }: ${messageOf(error)}`,
      );
      await wait(delay, signal);
    }
  }
}

/** The server may hold the locks of a connection that was lost a while longer. */
function mayPass(error: unknown, attempt: number): boolean {
  return isTransient(error) || attempt > 1 && isConcurrentRun(error);
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** @throws the signal's reason when it is aborted meanwhile */
async function wait(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  signal.throwIfAborted();
}
