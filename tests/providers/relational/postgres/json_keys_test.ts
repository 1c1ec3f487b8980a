import assert from "node:assert/strict";
import { ValueError } from "../../../../src/core/errors.ts";
import { refuseRepeatedKeys } from "../../../../src/providers/relational/postgres/types/json_keys.ts";

const TWICE = [
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":1}',
  '[{"b":{"a":null,"c":[],"a":[]}}]',
  '{"":0,"":0}',
  '{"__proto__":1,"__proto__":2}',
  '{"a:":1,"a:":2}',
  '{"1":1,"1":2}',
];
const ONCE = [
  '{"a":1,"A":2}',
  '{"a":{"a":1}}',
  '[{"a":1},{"a":1}]',
  '{"a":"x:\\"y\\":","b\\"":[":"]}',
  '{"__proto__":1}',
  '"a:b"',
  "{}",
  "not JSON: the server says so",
];

Deno.test("a key that an object of JSON has twice is refused, others are not", () => {
  for (const text of TWICE) {
    assert.throws(() => refuseRepeatedKeys(text, "f"), (error) => {
      assert.ok(error instanceof ValueError, text);
      return error.field === "f" && error.value === text;
    });
  }
  for (const text of ONCE) refuseRepeatedKeys(text, "f");
});
