/**
 * A cache of generated functions: V8 takes a tenth of a second to optimise a large one, and starts again
 * with each new function, even of the same source.
 */

/** Size of the cache. The oldest functions are dropped: a worker may read many tables. */
const MOST = 64;

const kept = new Map<string, unknown>();

/** Returns the function of this source, whose body holds no name or value from outside, only numbers. */
export function compileFunction<F>(parameters: readonly string[], body: string): F {
  const known = kept.get(body);
  if (known !== undefined) return known as F;
  if (kept.size === MOST) kept.delete(kept.keys().next().value!);
  const made = new Function(...parameters, body) as F;
  kept.set(body, made);
  return made;
}
