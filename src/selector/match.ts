/** Matches the streams of a pipeline against a selector. */
import { SelectorError } from "../core/errors.ts";
import { suggestWord } from "../core/did_you_mean.ts";
import type { Stream } from "../models/stream.ts";
import { isWildcard } from "../models/wildcard.ts";
import { formatToken, parseSelector, type Token } from "./parse.ts";

export interface Selection {
  /** Missing: all streams. */
  readonly select?: string;
  readonly exclude?: string;
}

/**
 * Returns the streams that `select` matches and `exclude` does not, in the order of the pipeline. A
 * wildcard is among them if one of its streams may be: their ids are known only when a run has asked the
 * source.
 *
 * @throws {SelectorError} for a selector that cannot be parsed, a token that matches no stream
 * (probably a typo, also in `exclude`), and when no stream is left
 */
export function selectStreams(
  streams: readonly Stream[],
  { select = "all", exclude }: Selection = {},
): Stream[] {
  const selected = findStreams(streams, select, true);
  if (exclude === undefined) return streams.filter((stream) => selected.has(stream));
  const excluded = findStreams(streams, exclude, false);
  const left = streams.filter((stream) => selected.has(stream) && !excluded.has(stream));
  if (left.length > 0) return left;
  throw new SelectorError(
    `Cannot exclude ${JSON.stringify(exclude)} from ${JSON.stringify(select)}: no stream is left`,
  );
}

/** Whether a token matches a stream. */
export function matches(token: Token, stream: Pick<Stream, "id" | "tags">): boolean {
  switch (token.kind) {
    case "all":
      return true;
    case "id":
      return token.id === stream.id;
    case "pattern":
      return matchesPattern(token.pattern, stream.id);
    case "tags":
      return token.tags.every((tag) => stream.tags?.includes(tag) ?? false);
  }
}

/** @param guess whether wildcards match a token that may be the id of one of their streams */
function findStreams(
  streams: readonly Stream[],
  selector: string,
  guess: boolean,
): Set<Stream> {
  const wildcards = streams.filter(isWildcard);
  const matched = parseSelector(selector).map((token) => {
    const found = streams.filter((stream) => matches(token, stream));
    const isId = token.kind === "pattern" || token.kind === "id" && found.length === 0;
    if (isId && wildcards.length > 0) return guess ? [...found, ...wildcards] : found;
    if (found.length === 0) throw noMatchError(token, streams);
    return found;
  });
  return new Set(matched.flat());
}

/** Matches `*` and `?`. Backtracks to the last `*` only, so that no pattern takes long. */
export function matchesPattern(pattern: string, text: string): boolean {
  const [patternChars, textChars] = [[...pattern], [...text]];
  let [p, t, star, resume] = [0, 0, -1, 0];
  while (t < textChars.length) {
    if (patternChars[p] === "*") [star, resume, p] = [p, t, p + 1];
    else if (patternChars[p] === "?" || patternChars[p] === textChars[t]) [p, t] = [p + 1, t + 1];
    else if (star >= 0) [p, t, resume] = [star + 1, resume + 1, resume + 1];
    else return false;
  }
  return patternChars.slice(p).every((character) => character === "*");
}

function noMatchError(token: Token, streams: readonly Stream[]): SelectorError {
  const ids = streams.map(({ id }) => id);
  const tags = [...new Set(streams.flatMap((stream) => stream.tags ?? []))];
  return new SelectorError(
    `Cannot select ${JSON.stringify(formatToken(token))}: ${describeMismatch(token, ids, tags)}`,
  );
}

function describeMismatch(token: Token, ids: readonly string[], tags: readonly string[]): string {
  switch (token.kind) {
    case "all":
      return "the pipeline has no streams";
    case "id": {
      const hint = tags.includes(token.id)
        ? `, did you mean "tag:${token.id}"`
        : suggestWord(token.id, ids);
      return `no stream has this id${hint || listNames("ids", ids)}`;
    }
    case "pattern":
      return `no stream's id matches${listNames("ids", ids)}`;
    case "tags": {
      const unknown = token.tags.find((tag) => !tags.includes(tag));
      if (unknown === undefined) return "no stream has all of these tags";
      const hint = ids.includes(unknown)
        ? `, did you mean "${unknown}"`
        : suggestWord(unknown, tags);
      return `no stream has the tag ${JSON.stringify(unknown)}${hint || listNames("tags", tags)}`;
    }
  }
}

const MAX_LISTED = 8;

function listNames(what: string, names: readonly string[]): string {
  if (names.length === 0) return `, there are no ${what}`;
  const shown = names.slice(0, MAX_LISTED).map((name) => JSON.stringify(name)).join(", ");
  const more = names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : "";
  return `, ${what} are ${shown}${more}`;
}
