/** Converts TypeScript to JavaScript. */
import { stripTypeScriptTypes } from "node:module";
import { ConfigurationError, messageOf } from "../../../core/errors.ts";

/**
 * Limits on the source. The parser is recursive and ends the process on a stack overflow. It was
 * measured to bear several times these limits, which no handwritten code reaches.
 */
const MAX_NESTED = 500;
const MAX_CHAINED = 1000;

/**
 * Converts a TypeScript module to JavaScript. As in TypeScript, imports that are only used as types
 * are removed.
 *
 * @throws {ConfigurationError} when the source is not valid TypeScript
 */
export function stripTypes(url: string, source: string): string {
  const problem = findExcess(source);
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
    // Long but harmless: embedded base64, lines drawn in comments.
    /"[A-Za-z0-9+/=]{64,}"/,
    /[-=*/#~.]{3,}/,
    /\b(?:as|await|delete|do|else|extends|in|infer|instanceof|is|keyof|new|readonly|typeof|void)\b/,
    /\$\{|[^\w\s"'`\\]/,
  ].map(({ source }) => source).join("|"),
  "g",
);

/** Describes why the source would exhaust the parser's stack; undefined when it would not. */
function findExcess(source: string): string | undefined {
  let depth = 0;
  let chain = 0;
  let branches = 0;
  for (const [token] of source.matchAll(TOKENS)) {
    if (token === "(" || token === "[" || token.endsWith("{")) depth++;
    else if (token === ")" || token === "]" || token === "}") depth = Math.max(0, depth - 1);
    chain = /^[;,{}]$/.test(token) ? 0 : chain + 1;
    if (token === "else" || token === "do") branches++;
    if (depth > MAX_NESTED) return `brackets are nested deeper than ${MAX_NESTED}`;
    if (chain > MAX_CHAINED) return `one expression has more than ${MAX_CHAINED} operators`;
    if (branches > MAX_CHAINED) return `it has more than ${MAX_CHAINED} branches`;
  }
  return undefined;
}
