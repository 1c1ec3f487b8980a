/**
 * Parses the language of `--select` and `--exclude`: tokens separated by commas or spaces, of which a
 * stream matches at least one. In dbt a comma means that it matches both; a space is the same there.
 * Each token is one of
 *
 * - `orders` — the stream with this id
 * - `sales_*`, `day_?` — ids that match the pattern; `*` is any characters, `?` is one
 * - `tag:daily` — streams with the tag
 * - `tag:daily+critical` — streams with all of these tags
 * - `all` — every stream; a stream with the id `all` can only be selected by its tags or by a
 * pattern such as `al?`
 */
import { SelectorError } from "../core/errors.ts";

export type Token =
  | { readonly kind: "all" }
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "pattern"; readonly pattern: string }
  | { readonly kind: "tags"; readonly tags: readonly string[] };

const TAG_PREFIX = "tag:";

/** Throws the error that points to the character at `offset`. */
type Fail = (offset: number, detail: string) => never;

/** @throws {SelectorError} that points to the wrong character */
export function parseSelector(text: string): Token[] {
  // A word, or an empty place beside a comma.
  const words = [...text.matchAll(/[^\s,]+|(?<=^|,)\s*(?=,|$)/g)];
  return words.map(({ 0: word, index }) => {
    const fail: Fail = (offset, detail) => {
      throw syntaxError(text, index + offset, detail);
    };
    return word.trim() === "" ? fail(word.length, MISSING) : parseToken(word, fail);
  });
}

const MISSING = "expected a stream id, a pattern, tag:… or all";

/** Formats a token as it is written in a selector. */
export function formatToken(token: Token): string {
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
    const invalid = /[:*?]/.exec(tag);
    if (invalid !== null) {
      fail(offset + invalid.index, `expected a tag, a tag has no "${invalid[0]}"`);
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

/** Replaces characters that are not one column wide, so that the caret points to the right one. */
function printable(text: string): string {
  return text.replace(/[\p{C}\s]/gu, " ").replace(/\p{M}/gu, "");
}
