import {
  ConcurrentRunError,
  ConfigurationError,
  LossyConversionError,
  SelectorError,
  StaleRangeError,
  UnknownOutcomeError,
  VerificationError,
} from "../../core/errors.ts";
import type { RunResult, StreamResult } from "../../models/result.ts";
import type { Signal } from "./stdio.ts";

/** What the process says when it ends. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  someFailed: 3,
  mismatch: 4,
  unknownOutcome: 6,
  otherRun: 7,
  SIGINT: 130,
  SIGTERM: 143,
} as const;

/**
 * A mismatch outranks everything, then a load in doubt: neither must be taken for a failure that a
 * retry mends. Streams that another run keeps from their turn are told where nothing else failed.
 */
export function exitOfRun({ status, streams }: RunResult, signal: Signal = "SIGINT"): number {
  const are = (...names: string[]) => ({ error }: StreamResult) =>
    error !== undefined && names.includes(error.type);
  if (streams.some(are(VerificationError.name))) return EXIT.mismatch;
  if (streams.some(are(UnknownOutcomeError.name))) return EXIT.unknownOutcome;
  if (status === "cancelled") return EXIT[signal];
  const failed = streams.filter((stream) => stream.status === "failed");
  if (failed.length > 0 && failed.every(are(ConcurrentRunError.name, StaleRangeError.name))) {
    return EXIT.otherRun;
  }
  switch (status) {
    case "succeeded":
      return EXIT.done;
    case "partial":
      return EXIT.someFailed;
    case "failed":
      return streams.every(isLossy) ? EXIT.usage : EXIT.failed;
  }
}

/** The pipeline's author has to accept the loss, or to change the target. */
function isLossy({ status, error }: StreamResult): boolean {
  return status !== "failed" || error?.type === LossyConversionError.name;
}

export function exitOfError(error: unknown): number {
  const isUsage = error instanceof ConfigurationError || error instanceof SelectorError ||
    error instanceof Deno.errors.NotCapable;
  if (isUsage) return EXIT.usage;
  if (error instanceof ConcurrentRunError) return EXIT.otherRun;
  if (error instanceof UnknownOutcomeError) return EXIT.unknownOutcome;
  return error instanceof VerificationError ? EXIT.mismatch : EXIT.failed;
}
