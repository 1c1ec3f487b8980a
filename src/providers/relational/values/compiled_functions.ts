/**
 * Functions made of source, kept: V8 takes a tenth of a second to optimise a large one, and begins
 * anew with each that is made, even of the same source.
 */

/** Beyond these the first ones are let go: a thread may have met many tables. */
const MOST = 64;

const kept = new Map<string, unknown>();

/** The function with these parameters and this body, which is to be made of numbers alone. */
export function compileFunction<F>(parameters: readonly string[], body: string): F {
  const known = kept.get(body);
  if (known !== undefined) return known as F;
  if (kept.size === MOST) kept.delete(kept.keys().next().value!);
  const made = new Function(...parameters, body) as F;
  kept.set(body, made);
  return made;
}
