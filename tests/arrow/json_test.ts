import assert from "node:assert/strict";
import fc from "fast-check";
import { isJSON } from "../../src/arrow/json.ts";

const utf8 = new TextEncoder();

/** With bytes around that would go on with the value. */
function told(text: string, first?: number): boolean {
  const bytes = utf8.encode(`[1,"${text}"]00}`);
  return isJSON(bytes, 4, bytes.length - 5, first);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

Deno.test("what JSON.parse reads is JSON, of its kind", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "binary" }), fc.constantFrom(0, 1, 4), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), null, indent);
      assert.ok(told(text), text);
      const value: unknown = JSON.parse(text);
      const isArray = Array.isArray(value);
      assert.equal(told(text, 0x5b), isArray);
      assert.equal(
        told(text, 0x7b),
        !isArray && typeof value === "object" && value !== null,
      );
    }),
    { numRuns: 1000 },
  );
});

Deno.test("JSON with some of its text changed is JSON where JSON.parse reads it", () => {
  const pieces = fc.constantFrom(
    ...[
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "-",
      "+",
      ".",
      "e",
      "E",
      "0",
      "1",
      "00",
      " ",
      "\t",
    ],
    ...[
      "\n",
      "\r",
      "\u0001",
      "\u00a0",
      "true",
      "nul",
      "\\u12",
      "\\u00zz",
      "\\ud800",
      "\\x",
      "é",
      "{}",
    ],
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.nat({ max: 3 }), pieces, (json, at, cut, piece) => {
      const place = at % (json.length + 1);
      const text = json.slice(0, place) + piece + json.slice(place + cut);
      assert.equal(told(text), parsed(text) !== undefined, JSON.stringify(text));
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("short texts are JSON where JSON.parse reads them", () => {
  const unit = fc.constantFrom(...'"\\{}[],:-+.eE01 \ntruefalsn');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 7 }), (text) => {
      assert.equal(told(text), parsed(text) !== undefined, JSON.stringify(text));
    }),
    { numRuns: 20_000 },
  );
  for (
    const text of ["", " ", "1 2", "-", "01", "1.", ".5", "1e", "1e+", "tru", "truex", "\ufeff1"]
  ) {
    assert.equal(told(text), false, text);
  }
});

Deno.test("depth has no end", () => {
  const depth = 100_000;
  const deep = "[".repeat(depth) + "]".repeat(depth);
  assert.ok(told(deep));
  assert.ok(!told(deep.slice(1)));
  assert.ok(!told(deep.slice(0, -1)));
  assert.ok(told('{"a":'.repeat(depth) + "1" + "}".repeat(depth)));
});
