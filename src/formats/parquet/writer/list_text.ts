/** Parses JSON arrays as lists whose elements have one type. */
import type { PushValue } from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import { typeText } from "../../../core/values/conversion.ts";
import { readCanonicalUUID, UUID_BYTES, UUID_CHARACTERS } from "../../../core/values/uuid.ts";
import { INFINITY, NEGATIVE_INFINITY, parseText, type Value } from "../../../core/values/values.ts";
import type { Field } from "../../../models/field.ts";
import { parseBare } from "../../json/syntax/scalar.ts";

const EMPTY = /^\s*\[\s*\]\s*$/;
/** An element that is no array or object, and the comma or bracket behind it. */
const ELEMENT = /\s*(?:("[^"\\]*(?:\\.[^"\\]*)*")|([^\s"[\]{},]+))\s*([,\]])/y;

/**
 * Pushes the elements of a JSON array.
 *
 * @throws {ValueError} for an element that is not of the type, such as an array in an array
 */
export function parseList(json: string, element: Field, push: PushValue): void {
  if (EMPTY.test(json)) return;
  const fail = (value: string): never => {
    const type = element.uuid === true ? "uuid" : typeText(element);
    throw new ValueError(
      `expected a list of ${type} (declare the field as array to keep JSON)`,
      element.name,
      undefined,
      value,
    );
  };
  ELEMENT.lastIndex = json.indexOf("[") + 1;
  for (;;) {
    const match = ELEMENT.exec(json);
    if (match === null) return fail(json);
    const [, quoted, bare, mark] = match;
    const value = bare === "null" ? null : parseElement(quoted, bare, element);
    if (value === undefined) fail((quoted ?? bare)!);
    push(value);
    if (mark === "]") return;
  }
}

/** Returns undefined for a value that the type has not in a file. */
function parseElement(
  quoted: string | undefined,
  bare: string | undefined,
  element: Field,
): Value | undefined {
  if (element.dtype === "string") {
    const text: string | undefined = quoted && JSON.parse(quoted);
    return text === undefined || (element.uuid === true && !isCanonicalUUID(text))
      ? undefined
      : text;
  }
  const value = quoted === undefined
    ? parseBare(bare!, element)
    : parseText(JSON.parse(quoted), element);
  // Other readers of the file would show infinity as a day in the year 5881580.
  const isInfinite = value === INFINITY || value === NEGATIVE_INFINITY;
  return isInfinite ? undefined : value;
}

const bytes = new Uint8Array(UUID_CHARACTERS);
const uuid = new Uint8Array(UUID_BYTES);

function isCanonicalUUID(text: string): boolean {
  if (text.length !== UUID_CHARACTERS) return false;
  const { read } = new TextEncoder().encodeInto(text, bytes);
  return read === UUID_CHARACTERS && readCanonicalUUID(bytes, 0, UUID_CHARACTERS, uuid, 0);
}
