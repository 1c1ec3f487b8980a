/** TypeScript → JavaScript. */
import { stripTypeScriptTypes } from "node:module";
import { ConfigurationError, messageOf } from "../../core/errors.ts";

/**
 * The parser below is recursive, and ends the process when its stack does: it is not asked about
 * text that no person writes. Measured, it bears several times as much.
 */
const MOST_NESTED = 500;
const MOST_CHAINED = 1000;

/**
 * JavaScript of a TypeScript module; imports that are used as types alone are left out, as
 * TypeScript does.
 *
 * @throws {ConfigurationError} when it is not TypeScript
 */
export function stripTypes(url: string, source: string): string {
  const problem = tooDeep(source);
  if (problem !== undefined) {
    throw new ConfigurationError(`Cannot read module "${url}": ${problem}`);
  }
  try {
    return stripTypeScriptTypes(source, { mode: "transform" });
  } catch (error) {
    const detail = messageOf(error).split("\n")[0]!.replace(/^(\[\w+\]|SyntaxError:) /, "");
    throw new ConfigurationError(`Cannot read module "${url}": ${detail}`, { cause: error });
  }
}

const TOKENS = new RegExp(
  [
    // What is long and harmless: embedded base64, lines drawn in comments.
    /"[A-Za-z0-9+/=]{64,}"/,
    /[-=*/#~.]{3,}/,
    /\b(?:as|await|delete|do|else|extends|in|infer|instanceof|is|keyof|new|readonly|typeof|void)\b/,
    /\$\{|[^\w\s"'`\\]/,
  ].map(({ source }) => source).join("|"),
  "g",
);

/** Why the text would take too much of a recursive parser's stack. */
function tooDeep(source: string): string | undefined {
  let depth = 0;
  let chain = 0;
  let branches = 0;
  for (const [token] of source.matchAll(TOKENS)) {
    if (token === "(" || token === "[" || token.endsWith("{")) depth++;
    else if (token === ")" || token === "]" || token === "}") depth = Math.max(0, depth - 1);
    chain = /^[;,{}]$/.test(token) ? 0 : chain + 1;
    if (token === "else" || token === "do") branches++;
    if (depth > MOST_NESTED) return `brackets are nested deeper than ${MOST_NESTED}`;
    if (chain > MOST_CHAINED) return `one expression has more than ${MOST_CHAINED} operators`;
    if (branches > MOST_CHAINED) return `it has more than ${MOST_CHAINED} branches`;
  }
  return undefined;
}
