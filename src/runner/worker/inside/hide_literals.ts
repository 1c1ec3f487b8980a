/** Hides the values in a statement that goes into the log. */

/** What replaces a value. */
const HIDDEN = "…";

/** Quoted names and comments, which are kept; then strings, and numbers of conditions, limits and records. */
const PARTS =
  /"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|\/\*.*?\*\/|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|(?<=(?:[<>=]|\b(?:BETWEEN|AND|LIMIT|OFFSET|VALUES|IN))[\s(]*)[-+]?\d[\w.+]*/gis;

/** From the first quote to the last, where a backslash makes the ends of strings uncertain. */
const ALL_QUOTED = /'.*'/s;

/** Returns a statement with its strings and numbers hidden, except numbers in names and types. */
export function hideLiterals(statement: string): string {
  if (statement.includes("\\")) return statement.replace(ALL_QUOTED, `'${HIDDEN}'`);
  return statement.replace(PARTS, (part) => {
    if (/^["`]|^--|^\/\*/.test(part)) return part;
    return /^['$]/.test(part) ? `'${HIDDEN}'` : HIDDEN;
  });
}
