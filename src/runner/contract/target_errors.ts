/** Marks errors of a target that occur during extraction, so that messages name the right system. */

const TARGET_ERRORS = new WeakSet<object>();

/** Marks an error as one of the target and returns it. */
export function asTargetError(error: unknown): unknown {
  if (typeof error === "object" && error !== null) TARGET_ERRORS.add(error);
  return error;
}

export function isTargetError(error: unknown): boolean {
  return typeof error === "object" && error !== null && TARGET_ERRORS.has(error);
}
