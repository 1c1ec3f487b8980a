/** Cancels a stream that takes longer than `timeout_seconds`. */
import { isUnknownOutcome, StreamTimeoutError } from "../core/errors.ts";
import type { StreamPlan } from "./plan/pipeline_plan.ts";

export interface TimeLimit extends Disposable {
  /** Aborts when the run's signal does, or when the time is over. */
  readonly signal: AbortSignal;
  /** Returns the timeout instead of an error that it has caused; any other error unchanged. */
  explain(error: unknown): unknown;
}

/** Starts the timer of a stream. */
export function limitTime(
  { stream: { timeout_seconds: seconds } }: Pick<StreamPlan, "stream">,
  signal: AbortSignal,
): TimeLimit {
  if (seconds === undefined) {
    return { signal, explain: (error) => error, [Symbol.dispose]() {} };
  }
  const stop = new AbortController();
  const reason = new StreamTimeoutError(
    `it took longer than ${seconds} s, expected it to end in that time (timeout_seconds)`,
  );
  const timer = setTimeout(() => stop.abort(reason), seconds * 1000);
  return {
    signal: AbortSignal.any([signal, stop.signal]),
    // Only the target knows whether it took a load that was cut off at its commit.
    explain: (error) => stop.signal.aborted && !isUnknownOutcome(error) ? reason : error,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
