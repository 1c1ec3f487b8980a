import assert from "node:assert/strict";
import fc from "fast-check";
import { isJSON } from "../../../src/formats/parquet/reader/json_text.ts";

const utf8 = new TextEncoder();
const isParsed = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Between other bytes, which belong to other values. */
function check(text: string, before = '"[{1', after = '1"}],e0.5'): boolean {
  const bytes = utf8.encode(before + text + after);
  const start = utf8.encode(before).length;
  return isJSON(bytes, start, start + utf8.encode(text).length);
}

Deno.test("JSON of any shape is JSON", () => {
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), fc.nat(4), (text, indent) => {
    assert.ok(check(text));
    assert.ok(check(` ${JSON.stringify(JSON.parse(text), null, indent)}\r\n\t`));
  }));
});

Deno.test("what is no JSON is none, as JSON.parse has it", () => {
  const part = fc.constantFrom(
    ...'{}[]",: \t\n\\0123-+.eE',
    "true",
    "nul",
    "null",
    '"a"',
    "\\u00e9",
    "\\u12",
    "\u0001",
    "ż",
    "1.5e-7",
    '{"k":',
    "[1,",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const text = parts.join("");
      assert.equal(check(text), isParsed(text), text);
    }),
    { numRuns: 20_000 },
  );
  for (const text of ["", " ", "01", "1.", ".5", "-", "+1", "1e", '"', '"\\', "[", "{", "[1,]"]) {
    assert.equal(check(text), false, text);
  }
});

Deno.test("a changed byte of JSON is told as JSON.parse tells it", () => {
  const byte = fc.integer({ min: 0x20, max: 0x7e });
  fc.assert(
    fc.property(fc.json({ maxDepth: 3 }), fc.nat(), byte, (json, at, byte) => {
      const bytes = utf8.encode(json.replaceAll(/[^ -~]/g, "x"));
      bytes[at % bytes.length] = byte;
      const text = new TextDecoder().decode(bytes);
      assert.equal(check(text), isParsed(text), text);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("text of a kind begins with its bracket, and hostile depth ends nothing", () => {
  const bytes = utf8.encode(' {"a": 1}');
  assert.ok(isJSON(bytes, 0, bytes.length, 0x7b));
  assert.ok(!isJSON(bytes, 0, bytes.length, 0x5b));
  const deep = utf8.encode("[".repeat(100_000) + "]".repeat(100_000));
  assert.equal(isJSON(deep, 0, deep.length), false);
  const shallow = utf8.encode("[".repeat(500) + "]".repeat(500));
  assert.equal(isJSON(shallow, 0, shallow.length), true);
});
