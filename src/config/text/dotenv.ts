/**
 * Parses `.env` files: `NAME=value`, an optional `export`, comments, and quotes, which may span
 * lines. Single quotes have no escapes; double quotes have \n \r \t \" \\ \$. Variables are not
 * expanded.
 */
import type { Issues } from "./issues.ts";
import type { SourceText } from "./source_text.ts";

const NAME = /(?:export[ \t]+)?([A-Za-z_][\w.]*)[ \t]*=/y;
const BLANK = /[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y;
const SINGLE = /'([^']*)'/y;
const DOUBLE = /"((?:[^"\\]|\\[^])*)"/y;
const BARE = /(?:(?![ \t]+#)[^\r\n])*/y;

export function parseDotenv(source: SourceText, issues: Issues): Record<string, string> {
  const { text } = source;
  const values = new Map<string, string>();
  let offset = 0;
  const consume = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = offset;
    const match = pattern.exec(text);
    if (match !== null) offset = pattern.lastIndex;
    return match;
  };
  const skipLine = (message: string): void => {
    issues.add({ source, offset }, message);
    offset = text.indexOf("\n", offset) < 0 ? text.length : text.indexOf("\n", offset) + 1;
  };
  while (offset < text.length) {
    consume(/[ \t]*/y);
    if (consume(BLANK) !== null) continue;
    const name = consume(NAME)?.[1];
    if (name === undefined) {
      skipLine("expected NAME=value or a comment");
      continue;
    }
    const quote = consume(/[ \t]*(?=(['"]))/y)?.[1];
    const quoted = consume(SINGLE)?.[1] ?? unescape(consume(DOUBLE)?.[1]);
    if (quoted === undefined && quote !== undefined) {
      skipLine(`the quote ${quote} is not closed`);
      continue;
    }
    values.set(name, quoted ?? consume(BARE)![0].trim());
    consume(/[ \t]*/y);
    if (consume(BLANK) === null) skipLine("unexpected text after the closing quote");
  }
  return Object.fromEntries(values);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

function unescape(text: string | undefined): string | undefined {
  return text?.replace(/\\([nrt"\\$])/g, (_, char: string) => ESCAPES[char] ?? char);
}
