/**
 * JSON arrays → array literals, token by token, so that numbers keep all their digits.
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
const TOKEN =
  /\s*(?:([[\],])|("(?:[^"\\]|\\.)*")|(null)|(true|false|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))\s*/y;

/**
 * The literal of a JSON array, arrays inside as more dimensions.
 *
 * @param strings whether the elements are text, so that a number or a boolean is none of them
 * @param convert what becomes of an element's text
 * @returns undefined when the text is no array of such values, or holds an object
 */
export function arrayLiteral(
  json: string,
  strings: boolean,
  convert: (text: string) => string = (text) => text,
): string | undefined {
  let literal = "";
  let depth = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < json.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(json);
    if (match === null || (depth === 0 && (at > 0 || match[1] !== "["))) return undefined;
    const [, mark, text, none, bare] = match;
    if (mark === "[") depth++;
    else if (mark === "]") depth--;
    if (bare !== undefined && strings) return undefined;
    if (mark !== undefined) literal += mark === "[" ? "{" : mark === "]" ? "}" : ",";
    else if (none !== undefined) literal += "NULL";
    else literal += bare === undefined ? quoted(convert(JSON.parse(text!))) : convert(bare);
  }
  return depth === 0 && literal !== "" ? literal : undefined;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
