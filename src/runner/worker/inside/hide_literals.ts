/** Hides the values in a statement that goes into the log. */

/** What replaces a value. */
const HIDDEN = "…";

/** Quoted names and comments, which are kept; then strings and numbers, which are hidden. */
const PARTS =
  /"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|(?<![\w$])\.?\d[\w.]*/gs;

/** What makes it uncertain where a string ends: escapes, and comments that only some systems have. */
const UNCERTAIN = /[\\#]|\/\*|--\S/;

/** From the first quote of a string to the end. */
const QUOTED = /(?:'|\$\w*\$).*/s;

/** The same in systems where a double quote encloses a string, too. */
const DOUBLE_QUOTED = /(?:['"]|\$\w*\$).*/s;

/** Statements whose numbers are the sizes of types. */
const DEFINITION = /^\s*(?:CREATE|ALTER)\b/i;

/**
 * Returns a statement with its strings and numbers hidden; a definition keeps its numbers.
 *
 * @param doubleQuoted a double quote encloses a string, not a name
 */
export function hideLiterals(statement: string, doubleQuoted = false): string {
  const isUncertain = UNCERTAIN.test(statement) || (doubleQuoted && statement.includes('"'));
  const certain = isUncertain
    ? statement.replace(doubleQuoted ? DOUBLE_QUOTED : QUOTED, `'${HIDDEN}'`)
    : statement;
  return certain.replace(PARTS, (part) => {
    if (/^["`-]/.test(part)) return part;
    if (/^['$]/.test(part)) return `'${HIDDEN}'`;
    return DEFINITION.test(statement) ? part : HIDDEN;
  });
}
