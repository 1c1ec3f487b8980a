import assert from "node:assert/strict";
import fc from "fast-check";
import { SelectorError } from "../../src/core/errors.ts";
import { formatToken, parseSelector, type Token } from "../../src/selector/mod.ts";
import { tokens } from "./arbitraries.ts";

const print = (parsed: readonly Token[]) => parsed.map(formatToken).join(",");

Deno.test("each kind of selector is parsed", () => {
  assert.deepEqual(parseSelector("orders, sales_*,day_?, tag:x ,tag:a+b,all"), [
    { kind: "id", id: "orders" },
    { kind: "pattern", pattern: "sales_*" },
    { kind: "pattern", pattern: "day_?" },
    { kind: "tags", tags: ["x"] },
    { kind: "tags", tags: ["a", "b"] },
    { kind: "all" },
  ]);
});

Deno.test("a space means or, as in dbt, and a comma means the same", () => {
  const ids = (text: string) => print(parseSelector(text));
  for (const text of ["a b", " a  b ", "a,b", "a , b", "a\tb"]) {
    assert.equal(ids(text), "a,b", text);
  }
  assert.equal(ids("tag:x+y a*, all"), "tag:x+y,a*,all");
});

Deno.test("an id may hold a plus sign, dots, slashes and any letter", () => {
  assert.deepEqual(parseSelector("a+b,public.orders,a/b,größe,All,tag"), [
    { kind: "id", id: "a+b" },
    { kind: "id", id: "public.orders" },
    { kind: "id", id: "a/b" },
    { kind: "id", id: "größe" },
    { kind: "id", id: "All" },
    { kind: "id", id: "tag" },
  ]);
});

/** Selector, the column from 0 that the caret must stand at, what the message must say. */
const WRONG: readonly [string, number, RegExp][] = [
  ["", 0, /expected a stream id/],
  ["   ", 3, /expected a stream id/],
  ["a,,b", 2, /expected a stream id/],
  ["a, ,b", 3, /expected a stream id/],
  ["a,", 2, /expected a stream id/],
  [",a", 0, /expected a stream id/],
  ["tag:a+,b", 6, /expected a tag after "\+"/],
  ["tag:", 4, /expected a tag after ":"/],
  ["tag:,b", 4, /expected a tag after ":"/],
  ["tag:+a", 4, /expected a tag after ":"/],
  ["tag:a++b", 6, /expected a tag after "\+"/],
  ["tag:day_*", 8, /a tag has no "\*"/],
  ["a,tag:b:c", 7, /a tag has no ":"/],
  ["tags:a", 4, /expected "tag:" before a colon, found "tags:"/],
  ["a, b:c", 4, /found "b:"/],
  ["größe,:", 6, /found ":"/],
];

for (const [text, column, says] of WRONG) {
  Deno.test(`the caret stands at column ${column} of selector ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSelector(text), (error) => {
      assert.ok(error instanceof SelectorError);
      const [first, shown, caret] = error.message.split("\n");
      assert.ok(first!.startsWith(`Cannot parse selector ${JSON.stringify(text)}: `));
      assert.match(first!, says);
      assert.equal(shown, `  ${text}`);
      assert.equal(caret, `${" ".repeat(column + 2)}^`);
      return true;
    });
  });
}

Deno.test("control characters of a wrong selector are not printed", () => {
  assert.throws(() => parseSelector("a\u001b[2Jb:"), (error) => {
    assert.ok(error instanceof SelectorError);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(error.message.replaceAll("\n", ""), /[\u0000-\u001f]/);
    return true;
  });
});

Deno.test("what is printed is parsed to the same tokens", () => {
  fc.assert(fc.property(fc.array(tokens(), { minLength: 1, maxLength: 6 }), (expected) => {
    assert.deepEqual(parseSelector(print(expected)), expected);
  }));
});

Deno.test("spaces around commas mean nothing", () => {
  const space = fc.stringMatching(/^[ \t]{0,3}$/);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(space, tokens(), space), { minLength: 1, maxLength: 6 }),
      (spaced) => {
        const text = spaced.map(([before, token, after]) => before + formatToken(token) + after);
        assert.deepEqual(parseSelector(text.join(",")), spaced.map(([, token]) => token));
      },
    ),
  );
});

Deno.test("any text is parsed or refused with a caret inside or just after it", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."ab:+*?, tg".split("")) }), (text) => {
    try {
      const parsed = parseSelector(text);
      assert.deepEqual(parseSelector(print(parsed)), parsed);
    } catch (error) {
      assert.ok(error instanceof SelectorError, String(error));
      const column = error.message.split("\n")[2]!.length - 3;
      assert.ok(column >= 0 && column <= text.length);
    }
  }));
});
