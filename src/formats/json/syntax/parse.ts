/** Explains why bytes are not a single JSON text. */
import { INCOMPLETE, Malformed, skipSpace, skipValue, throwMalformed } from "./scan.ts";

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
