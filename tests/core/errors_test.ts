import assert from "node:assert/strict";
import { LoaderError, quoteValue, ValueError, withoutSecrets } from "../../src/core/errors.ts";
import { suggestWord } from "../../src/core/did_you_mean.ts";

Deno.test("an error is named after its class", () => {
  assert.equal(new LoaderError("x").name, "LoaderError");
  assert.equal(
    String(new ValueError("expected int8", "a", 3, "ü")),
    'ValueError: Cannot represent value of field "a", row 3: expected int8, value is "ü"',
  );
});

Deno.test("a value is shown on one short line", () => {
  assert.equal(quoteValue(null), "NULL");
  assert.equal(quoteValue("a\n\u001b[31m"), '"a\\n\\u001b[31m"');
  assert.equal(quoteValue("x".repeat(100)).length, 63);
  assert.equal(quoteValue(new Uint8Array([1, 255])), "0x01ff");
  assert.equal(quoteValue(12n), '"12"');
  assert.equal(quoteValue({ a: 1 }), '"{\\"a\\":1}"');
  assert.equal(quoteValue(new Temporal.PlainDate(2024, 1, 2)), '"2024-01-02"');
});

Deno.test("a URL is shown without user, password and query", () => {
  assert.equal(
    withoutSecrets("postgres://me:p@ss:w@rd@host:5432/db?sslmode=require&password=x"),
    "postgres://host:5432/db",
  );
  assert.equal(withoutSecrets("sqlite:a.db"), "sqlite:a.db");
});

Deno.test("a mistyped word finds its nearest, a foreign one none", () => {
  const known = ["upsert_keys", "watermark_field", "mode"];
  assert.equal(suggestWord("upsert_key", known), ', did you mean "upsert_keys"');
  assert.equal(suggestWord("mdoe", known), ', did you mean "mode"');
  assert.equal(suggestWord("banana", known), "");
});
