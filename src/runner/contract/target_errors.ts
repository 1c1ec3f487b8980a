/** Errors of a target that arise while its stream is extracted: messages blame the right side. */

const TARGET_ERRORS = new WeakSet<object>();

/** Returns the same error, known as one of the target. */
export function asTargetError(error: unknown): unknown {
  if (typeof error === "object" && error !== null) TARGET_ERRORS.add(error);
  return error;
}

export function isTargetError(error: unknown): boolean {
  return typeof error === "object" && error !== null && TARGET_ERRORS.has(error);
}
