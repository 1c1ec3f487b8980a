/** Retries a stream after a transient failure. */
import { findRetryAfter, isConcurrentRun, isTransient, messageOf } from "../core/errors.ts";
import type { RetrySettings } from "../models/stream.ts";

/** The number of attempts of a stream, and its waits in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, at least 1. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** @param retries attempts after the first, from the command line; overrides the stream's attempts */
export function createRetryPolicy(settings: RetrySettings = {}, retries?: number): RetryPolicy {
  const { attempts = 3, backoff = 1, max_backoff = 60 } = settings;
  return {
    attempts: retries === undefined ? attempts : retries + 1,
    backoffMs: backoff * 1000,
    maxBackoffMs: max_backoff * 1000,
  };
}

/**
 * Returns the wait after a failed attempt in milliseconds. It doubles after each attempt. Up to half of it is
 * left out at random, so that streams that failed together do not retry together.
 *
 * @param attempt counted from 1
 */
export function computeRetryDelay(
  { backoffMs, maxBackoffMs }: RetryPolicy,
  attempt: number,
  random: () => number = Math.random,
): number {
  const most = Math.min(backoffMs * 2 ** (attempt - 1), maxBackoffMs);
  return Math.round(most * (0.5 + random() / 2));
}

/** The wait that the system asks for if it is longer, but at most the policy's longest wait. */
function chooseDelay(policy: RetryPolicy, attempt: number, asked = 0): number {
  const delay = computeRetryDelay(policy, attempt);
  return Math.max(delay, Math.min(asked, policy.maxBackoffMs));
}

/** What a retry needs of its stream. */
export interface Retrying {
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal;
  /** Called before each wait, with the failure. */
  warn(message: string): void;
  /** Called after a transient failure. @returns whether the stream may be tried again */
  prepare(attempt: number): boolean;
}

/**
 * Calls `work` until it succeeds, fails for a permanent reason, or has used all attempts of the policy.
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
      if (isLast || !isRetryable(error, attempt) || !prepare(attempt + 1)) throw error;
      const asked = findRetryAfter(error);
      const delay = chooseDelay(policy, attempt, asked);
      const limit = asked === undefined || asked <= delay
        ? ""
        : ` (max_backoff; the server asks for ${formatSeconds(asked)})`;
      warn(
        `attempt ${attempt} of ${policy.attempts} failed, the next one starts in ${
          formatSeconds(delay)
        }${limit}: ${messageOf(error)}`,
      );
      await wait(delay, signal);
    }
  }
}

/** A retry may find its lock taken: the server holds the locks of a lost connection for a while. */
function isRetryable(error: unknown, attempt: number): boolean {
  return isTransient(error) || attempt > 1 && isConcurrentRun(error);
}

function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** @throws the signal's reason when it aborts */
async function wait(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  signal.throwIfAborted();
}
