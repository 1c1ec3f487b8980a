/**
 * The language of `--select` and `--exclude`: tokens between commas, each one of
 *
 * - `orders` — the stream of this id
 * - `sales_*`, `day_?` — ids that the pattern matches; `*` any characters, `?` one
 * - `tag:daily` — streams with the tag
 * - `tag:daily+critical` — streams with all of the tags
 * - `all` — every stream, also where a stream has the id `all`: that one alone is meant by its tags
 *   or by a pattern such as `al?`
 */
import { SelectorError } from "../core/errors.ts";

export type Token =
  | { readonly kind: "all" }
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "pattern"; readonly pattern: string }
  | { readonly kind: "tags"; readonly tags: readonly string[] };

const TAG_PREFIX = "tag:";

/** Throws the error that points at the character at `offset`. */
type Fail = (offset: number, detail: string) => never;

/** @throws {SelectorError} that points at the character that is wrong */
export function parseSelector(text: string): Token[] {
  let end = -1;
  return text.split(",").map((part) => {
    const start = end + 1;
    end = start + part.length;
    const lead = part.length - part.trimStart().length;
    const fail: Fail = (offset, detail) => {
      throw syntaxError(text, start + lead + offset, detail);
    };
    return parseToken(part.trim(), fail);
  });
}

/** The token as it is written in a selector. */
export function textOfToken(token: Token): string {
  switch (token.kind) {
    case "all":
      return "all";
    case "id":
      return token.id;
    case "pattern":
      return token.pattern;
    case "tags":
      return `${TAG_PREFIX}${token.tags.join("+")}`;
  }
}

function parseToken(word: string, fail: Fail): Token {
  if (word === "") return fail(0, "expected a stream id, a pattern, tag:… or all");
  const space = /\s+/.exec(word);
  if (space !== null) fail(space.index + space[0].length, "expected a comma between selectors");
  if (word.startsWith(TAG_PREFIX)) return { kind: "tags", tags: parseTags(word, fail) };
  const colon = word.indexOf(":");
  if (colon >= 0) {
    const found = JSON.stringify(word.slice(0, colon + 1));
    fail(colon, `expected "tag:" before a colon, found ${found}`);
  }
  if (word === "all") return { kind: "all" };
  return /[*?]/.test(word) ? { kind: "pattern", pattern: word } : { kind: "id", id: word };
}

function parseTags(word: string, fail: Fail): string[] {
  let offset = TAG_PREFIX.length;
  return word.slice(offset).split("+").map((tag) => {
    if (tag === "") fail(offset, `expected a tag after "${word[offset - 1]}"`);
    const wrong = /[:*?]/.exec(tag);
    if (wrong !== null) {
      fail(offset + wrong.index, `expected a tag, a tag has no "${wrong[0]}"`);
    }
    offset += tag.length + 1;
    return tag;
  });
}

function syntaxError(text: string, offset: number, detail: string): SelectorError {
  const before = printable(text.slice(0, offset));
  return new SelectorError(
    `Cannot parse selector ${JSON.stringify(text)}: ${detail}\n` +
      `  ${printable(text)}\n  ${" ".repeat([...before].length)}^`,
  );
}

/** One column a character, so that the caret stands where it should. */
function printable(text: string): string {
  return text.replace(/[\p{C}\s]/gu, " ").replace(/\p{M}/gu, "");
}
