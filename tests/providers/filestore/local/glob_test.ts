/** Patterns against names, and against another matcher. */
import assert from "node:assert/strict";
import { posix } from "node:path";
import fc from "fast-check";
import { ConfigurationError } from "../../../../src/core/errors.ts";
import { literalGlob, parseGlob } from "../../../../src/providers/filestore/source/glob.ts";

/** Pattern, names that it finds, names that it does not find. */
const CASES: [string, string[], string[]][] = [
  ["*", ["a", "a.csv"], [".a", "x/a"]],
  ["*.csv", ["a.csv", "a.b.csv", "a\nb.csv"], ["a.csv.gz", ".csv", "x/a.csv"]],
  ["a?c", ["abc", "ażc", "a🦕c", "a.c"], ["ac", "abbc", "a/c"]],
  ["?a", ["ba"], [".a"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "Ax"]],
  ["[!a-c]x", ["dx", "-x"], ["ax", "/x", ".x"]],
  ["[^a]x", ["bx"], ["ax"]],
  ["[]]x", ["]x"], ["x"]],
  ["[a-]x", ["ax", "-x"], ["bx"]],
  ["[\\]x", ["\\x"], ["x"]],
  ["a[", ["a["], ["a"]],
  ["{a,b}.csv", ["a.csv", "b.csv"], ["c.csv", "{a,b}.csv"]],
  ["{a,b{1,2}}", ["a", "b1", "b2"], ["b", "b12"]],
  ["a{,.gz}", ["a", "a.gz"], ["a."]],
  ["a{b", ["a{b"], ["ab"]],
  ["a,b}", ["a,b}"], ["a"]],
  ["**", ["a", "x/a", "x/y/a"], [".a", "x/.a", ".x/a"]],
  ["**/a", ["a", "x/a", "x/y/a"], ["xa", ".x/a"]],
  ["?/**/a", ["x/a", "x/y/a", "x/y/z/a"], ["xa", "a"]],
  ["?/**", ["x/a", "x/y/a"], ["x", "xa"]],
  ["{**/,}a", ["a", "x/a"], ["ba"]],
  ["a**b", ["ab", "axxb"], ["a/b"]],
  ["**/{.*,*}", [".a", "a", "x/.a"], [".x/a"]],
  [".*", [".a"], ["a"]],
  ["{x/,}*", ["x/a", "a"], ["x/.a", ".a"]],
  ["a+(b)|$^.csv", ["a+(b)|$^.csv"], ["aab.csv"]],
];

for (const [pattern, found, others] of CASES) {
  Deno.test(`the pattern ${JSON.stringify(pattern)} finds what it says`, () => {
    const { matches } = parseGlob(pattern);
    for (const name of found) assert.ok(matches(name), name);
    for (const name of others) assert.ok(!matches(name), name);
  });
}

Deno.test("patterns mean what they mean to the runtime's own matcher", () => {
  const pattern = fc.array(
    fc.constantFrom("a", "b", ".", "*", "?", "[ab]", "[!a]", "{a,b.}", "/", "**/"),
    { minLength: 1, maxLength: 6 },
  ).map((parts) => `*${parts.join("")}`.replace(/\/+/g, "/").replace(/\/$/, "/a"));
  const name = fc.array(fc.constantFrom("a", "b", ".", "/", "ab"), { minLength: 1, maxLength: 7 })
    .map((parts) => parts.join("").replace(/\/+/g, "/").replace(/^\/|\/$/g, ""))
    .filter((text) => text !== "" && !text.split("/").some((part) => /^\.+$/.test(part)));
  fc.assert(
    fc.property(pattern, name, (p, n) => {
      // Stars next to each other mean different things to different matchers.
      fc.pre(!/\*{2}[^/]|[^/]\*{2}|\*{3}|\/\.|\{[^}]*\./.test(`${p} `));
      assert.equal(parseGlob(p).matches(n), posix.matchesGlob(n, p), `${p} on ${n}`);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("a path made a pattern finds itself alone", () => {
  fc.assert(fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (text) => {
    const name = `n${text.replaceAll("/", "_")}.x`;
    fc.pre(!name.includes("~"));
    assert.ok(parseGlob(literalGlob(name)).matches(name));
    assert.ok(!parseGlob(literalGlob(name)).matches(`${name}x`));
  }));
});

Deno.test("a pattern's folder is what comes before its first wildcard", () => {
  const folders = ["a/b/*.csv", "*.csv", "/*.csv", "/a/*/b", "a/b.csv"].map((pattern) => {
    const { folder, depth } = parseGlob(pattern);
    return [folder, depth];
  });
  assert.deepEqual(folders, [["a/b", 0], [".", 0], ["/", 0], ["/a", 1], ["a", 0]]);
  assert.equal(parseGlob("a/**/b").depth, Infinity);
});

Deno.test("a range from high to low is refused", () => {
  assert.throws(() => parseGlob("[z-a]"), ConfigurationError);
});
