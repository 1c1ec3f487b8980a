/** Finds nested values of a record by paths such as `address.city`. */
import { CLOSE_OBJECT, OPEN_OBJECT } from "../../../core/values/ascii.ts";
import { quoteValue, ValueError } from "../../../core/errors.ts";
import { skipColon, skipKey, skipSpace, skipValue } from "../syntax/scan.ts";
import { keyName } from "./record.ts";
import { decode } from "../syntax/text.ts";

/** Returns the position of the value at the end of a path; -1 where the record lacks the path. */
export function findPath(
  bytes: Uint8Array,
  start: number,
  end: number,
  steps: readonly string[],
  field: string,
): number {
  let at = start;
  for (const step of steps) {
    if (bytes[at] !== OPEN_OBJECT) return -1;
    at = findMember(bytes, at, end, step, field);
    if (at === -1) return -1;
  }
  return at;
}

/** Returns the position of a key's value in the valid object at `start`; -1 if missing. */
function findMember(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: string,
  field: string,
): number {
  let found = -1;
  let at = skipSpace(bytes, start + 1);
  while (bytes[at] !== CLOSE_OBJECT) {
    const close = skipKey(bytes, at, end);
    const value = skipColon(bytes, close, end);
    if (keyName(bytes, at, close) === name) {
      if (found !== -1) {
        const text = decode(bytes, start, end);
        throw new ValueError(`expected key ${quoteValue(name)} once`, field, undefined, text);
      }
      found = value;
    }
    at = skipSpace(bytes, skipValue(bytes, value, end));
    if (bytes[at] !== CLOSE_OBJECT) at = skipSpace(bytes, at + 1);
  }
  return found;
}
