/** Keys that an object of JSON has twice, of which jsonb would keep the last. */
import { ValueError } from "../../../../core/errors.ts";

/** @throws {ValueError} when an object in the JSON text has a key twice */
export function refuseRepeatedKeys(text: string, field: string): void {
  if (!text.includes(":")) return;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The server refuses invalid JSON with a better message.
    return;
  }
  if (countColons(text) === countKeys(value)) return;
  throw new ValueError(
    "expected JSON without repeated keys, of which jsonb keeps only one",
    field,
    undefined,
    text,
  );
}

/** Colons outside of strings: one for each key that is written. */
function countColons(text: string): number {
  let count = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|:/gs)) if (token === ":") count++;
  return count;
}

/** Keys of all objects in a value. */
function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inside = Object.values(value);
  const own = Array.isArray(value) ? 0 : inside.length;
  return inside.reduce((sum: number, one) => sum + countKeys(one), own);
}
