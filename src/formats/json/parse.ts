/** One JSON text, parsed strictly. */
import { ValidationError } from "../../core/errors.ts";
import { JSONText } from "../../core/values/values.ts";
import { INCOMPLETE, Malformed, skipSpace, skipValue, throwMalformed } from "./scan.ts";

/**
 * Checks JSON whose top level is any value, and keeps its text. A byte order mark is skipped;
 * what JSON allows but few can hold is kept: numbers beyond a double, half a surrogate pair as
 * escape, a key that comes twice.
 *
 * @throws {ValidationError} when it is no correct UTF-8 or JSON, or nested more than 512 deep
 */
export function parseJSONText(bytes: Uint8Array): JSONText {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ValidationError("Cannot parse JSON: the bytes are no correct UTF-8");
  }
  const checked = new TextEncoder().encode(`${text}\0`);
  const mistake = mistakeIn(checked, 0, checked.length - 1);
  if (mistake !== undefined) throw new ValidationError(`Cannot parse JSON: ${mistake}`);
  return new JSONText(text);
}

/**
 * What keeps the bytes from being one JSON text; a zero byte must stand at `end`.
 *
 * @returns undefined when they are JSON
 */
export function mistakeIn(
  bytes: Uint8Array,
  start: number,
  end: number,
  depth = 0,
): string | undefined {
  try {
    const at = skipSpace(bytes, skipValue(bytes, skipSpace(bytes, start), end, depth));
    if (at !== end) throwMalformed(bytes, at, end, "the end of the text");
    return undefined;
  } catch (error) {
    if (error === INCOMPLETE) return "the text ends in the middle of a value";
    if (error instanceof Malformed) return error.message;
    throw error;
  }
}
