/** Strict parser of one JSON text. */
import { ValidationError } from "../../core/errors.ts";
import { JSONText } from "../../core/values/values.ts";
import { INCOMPLETE, Malformed, skipSpace, skipValue, throwMalformed } from "./scan.ts";

/**
 * Validates JSON of any kind and keeps its text. Skips a byte order mark. Keeps what JSON allows
 * but few systems can store: numbers beyond a double, escaped lone surrogates, duplicate keys.
 *
 * @throws {ValidationError} when it is not valid UTF-8 or JSON, or is nested more than 512 deep
 */
export function parseJSONText(bytes: Uint8Array): JSONText {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ValidationError("Cannot parse JSON: the bytes are not valid UTF-8");
  }
  const checked = new TextEncoder().encode(`${text}\0`);
  const mistake = findMistake(checked, 0, checked.length - 1);
  if (mistake !== undefined) throw new ValidationError(`Cannot parse JSON: ${mistake}`);
  return new JSONText(text);
}

/** Describes why bytes are not one JSON text; undefined if they are. A zero stands at `end`. */
export function findMistake(
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
    if (error === INCOMPLETE) return "the text ends within a value";
    if (error instanceof Malformed) return error.message;
    throw error;
  }
}
