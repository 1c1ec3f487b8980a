/** Exit codes of the process, and which result or error leads to which. */
import {
  ConcurrentRunError,
  ConfigurationError,
  ExpectationError,
  LossyConversionError,
  RejectedRowsError,
  SelectorError,
  StalePlanError,
  StaleRangeError,
  UnknownOutcomeError,
  VerificationError,
} from "../../core/errors.ts";
import type { RunResult, StreamResult } from "../../models/result.ts";
import type { Signal } from "./stdio.ts";

/** Exit codes, as src/cli/README.md lists them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  someFailed: 3,
  mismatch: 4,
  unexpected: 5,
  unknownOutcome: 6,
  otherRun: 7,
  SIGINT: 130,
  SIGTERM: 143,
} as const;

/**
 * Exit code of a run. A mismatch takes precedence over everything, then a load whose outcome is
 * unknown, then data outside the bounds of `expect` or `max_errors`: a retry repairs none of them. `otherRun` means
 * that only streams failed that another run has locked.
 */
export function runExitCode({ status, streams }: RunResult, signal: Signal = "SIGINT"): number {
  const failedWith = (...names: string[]) => ({ error }: StreamResult) =>
    error !== undefined && names.includes(error.type);
  if (streams.some(failedWith(VerificationError.name))) return EXIT.mismatch;
  if (streams.some(failedWith(UnknownOutcomeError.name))) return EXIT.unknownOutcome;
  if (status === "cancelled") return EXIT[signal];
  if (streams.some(failedWith(ExpectationError.name, RejectedRowsError.name))) {
    return EXIT.unexpected;
  }
  const failed = streams.filter((stream) => stream.status === "failed");
  const isLocked = failedWith(ConcurrentRunError.name, StaleRangeError.name);
  if (failed.length > 0 && failed.every(isLocked)) return EXIT.otherRun;
  switch (status) {
    case "succeeded":
      return EXIT.done;
    case "partial":
      return EXIT.someFailed;
    case "failed":
      return streams.every(isAcceptable) ? EXIT.usage : EXIT.failed;
  }
}

/** Did not fail, or failed only by a loss that the pipeline has to accept: a fault of the file. */
function isAcceptable({ status, error }: StreamResult): boolean {
  return status !== "failed" || error?.type === LossyConversionError.name;
}

/** Exit code of an error that ended the command. */
export function errorExitCode(error: unknown): number {
  const isUsage = error instanceof ConfigurationError || error instanceof SelectorError ||
    error instanceof Deno.errors.NotCapable;
  if (isUsage) return EXIT.usage;
  if (error instanceof ConcurrentRunError) return EXIT.otherRun;
  if (error instanceof UnknownOutcomeError) return EXIT.unknownOutcome;
  if (error instanceof StalePlanError) return EXIT.unexpected;
  return error instanceof VerificationError ? EXIT.mismatch : EXIT.failed;
}
