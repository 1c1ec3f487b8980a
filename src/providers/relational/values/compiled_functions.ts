/**
 * A cache of generated functions: V8 takes a tenth of a second to optimise a large one, and starts again
 * with each new function, even of the same source.
 */

/** Size of the cache. The oldest functions are dropped: a worker may read many tables. */
const MAX_FUNCTIONS = 64;

const functions = new Map<string, unknown>();

/** Returns the function of this source. Its body must contain no name or value from outside but numbers. */
export function compileFunction<F>(parameters: readonly string[], body: string): F {
  const known = functions.get(body);
  if (known !== undefined) return known as F;
  if (functions.size === MAX_FUNCTIONS) functions.delete(functions.keys().next().value!);
  const made = new Function(...parameters, body) as F;
  functions.set(body, made);
  return made;
}
