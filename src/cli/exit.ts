import {
  ConfigurationError,
  LossyConversionError,
  SelectorError,
  VerificationError,
} from "../core/errors.ts";
import type { RunResult, StreamResult } from "../models/result.ts";
import type { Signal } from "./io.ts";

/** What the process says when it ends. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  someFailed: 3,
  mismatch: 4,
  SIGINT: 130,
  SIGTERM: 143,
} as const;

/** A mismatch outranks everything: it must not be taken for a failure that a retry mends. */
export function exitOfRun({ status, streams }: RunResult, signal: Signal = "SIGINT"): number {
  if (streams.some(({ error }) => error?.type === VerificationError.name)) return EXIT.mismatch;
  switch (status) {
    case "cancelled":
      return EXIT[signal];
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
  return error instanceof VerificationError ? EXIT.mismatch : EXIT.failed;
}
