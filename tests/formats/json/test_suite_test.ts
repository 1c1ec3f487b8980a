/** https://github.com/nst/JSONTestSuite: what a JSON reader must, must not and may accept. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ValidationError } from "../../../src/core/errors.ts";
import json from "../../../src/formats/json/json.ts";
import jsonl from "../../../src/formats/json/jsonl.ts";
import { field, inputOf, parseJSONText, readAll } from "./support.ts";

const suite = join(import.meta.dirname!, "../../data/json-test-suite");
const files = [...Deno.readDirSync(suite)].map(({ name }) => name)
  .filter((name) => name.endsWith(".json")).sort();
const bytesOf = (name: string) => Deno.readFileSync(join(suite, name));
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** JSON that is no records, or has keys that no field can have. */
const NO_RECORDS =
  /expected an (array of objects, or one object|object as record)|key .* (appears twice|contains a lone surrogate)/;

/**
 * Files where the standard leaves the choice, and what dxt does: bytes that are no UTF-8 are
 * refused; numbers of any size and halves of surrogate pairs are grammar, kept as text, and
 * refused where a field's type cannot hold them.
 */
const REFUSED = new Set([
  "i_string_UTF-16LE_with_BOM.json",
  "i_string_UTF-8_invalid_sequence.json",
  "i_string_UTF8_surrogate_U+D800.json",
  "i_string_invalid_utf-8.json",
  "i_string_iso_latin_1.json",
  "i_string_lone_utf8_continuation_byte.json",
  "i_string_not_in_unicode_range.json",
  "i_string_overlong_sequence_2_bytes.json",
  "i_string_overlong_sequence_6_bytes.json",
  "i_string_overlong_sequence_6_bytes_null.json",
  "i_string_truncated-utf-8.json",
  "i_string_utf16BE_no_BOM.json",
  "i_string_utf16LE_no_BOM.json",
]);

const oneLine = (text: string) => text.replace(/[\r\n]/g, " ");
const value = [field("v", "json")];

Deno.test("all files of the suite are there", () => {
  const count = (prefix: string) => files.filter((name) => name.startsWith(prefix)).length;
  assert.deepEqual([count("y_"), count("n_"), count("i_")], [95, 188, 35]);
});

for (const name of files) {
  const bytes = bytesOf(name);
  const accepted = name.startsWith("y_") || (name.startsWith("i_") && !REFUSED.has(name));
  if (accepted) {
    Deno.test(`${name} is accepted and its text kept`, async () => {
      const text = utf8.decode(bytes);
      assert.equal(parseJSONText(bytes).text, text);
      for (
        const [format, wrapped] of [
          [json, `[{"v":${text}}]`],
          [jsonl, `{"v":${oneLine(text)}}\n`],
        ] as const
      ) {
        const records = await readAll(format, inputOf(wrapped, 7), value);
        assert.equal(oneLine(String(records[0]!.v)), oneLine(text.trim()));
      }
      await readAll(json, inputOf(bytes, 3), []).catch((error) => {
        assert.ok(error instanceof ValidationError);
        assert.match(error.message, NO_RECORDS);
      });
    });
  } else {
    Deno.test(`${name} is a ValidationError`, async () => {
      assert.throws(() => parseJSONText(bytes), ValidationError);
      for (const chunk of [1, 65_536]) {
        await assert.rejects(readAll(json, inputOf(bytes, chunk), []), ValidationError);
      }
    });
  }
}
