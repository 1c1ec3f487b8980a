/** Random streams and selectors for property tests. */
import fc from "fast-check";
import type { Stream } from "../../src/models/stream.ts";
import type { Token } from "../../src/selector/mod.ts";

const word = (units: string) =>
  fc.string({ unit: fc.constantFrom(...units.split("")), minLength: 1, maxLength: 6 });

const ids = () => word("abco_.+é").filter((id) => id !== "all");
const tags = () => word("abcö_-");

export function tokens(): fc.Arbitrary<Token> {
  return fc.oneof(
    fc.constant({ kind: "all" } as const),
    ids().map((id) => ({ kind: "id", id } as const)),
    word("ab*?_").filter((pattern) => /[*?]/.test(pattern))
      .map((pattern) => ({ kind: "pattern", pattern } as const)),
    fc.array(tags(), { minLength: 1, maxLength: 3 })
      .map((tags) => ({ kind: "tags", tags } as const)),
  );
}

export function streams(): fc.Arbitrary<Stream[]> {
  const stream = fc.record({
    id: ids(),
    source: fc.constant("t"),
    tags: fc.uniqueArray(fc.constantFrom("x", "y", "z"), { maxLength: 3 }),
  });
  return fc.uniqueArray(stream, { minLength: 1, maxLength: 8, selector: ({ id }) => id });
}

/** Selectors that each mean at least one of the streams. */
export function selectorsOf(streams: readonly Stream[]): fc.Arbitrary<string> {
  const stream = fc.constantFrom(...streams);
  const token = fc.oneof(
    stream.map(({ id }) => id),
    stream.map(({ id }) => `${id.slice(0, 1)}*`),
    stream.map(({ id }) => `?${id.slice(1)}`),
    stream.filter(({ tags = [] }) => tags.length > 0).map(({ tags = [] }) =>
      `tag:${tags.join("+")}`
    ),
  );
  const tagged = streams.some(({ tags = [] }) => tags.length > 0);
  const safe = tagged ? token : stream.map(({ id }) => id);
  return fc.array(safe, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join(","));
}
