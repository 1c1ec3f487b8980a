import assert from "node:assert/strict";
import fc from "fast-check";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import { JSONText } from "../../../src/core/values/values.ts";
import { ValidationError } from "../../../src/core/errors.ts";
import json from "../../../src/formats/json/json.ts";
import jsonl from "../../../src/formats/json/jsonl.ts";
import type { Field } from "../../../src/models/field.ts";
import { comparableRecords } from "../../conformance/values.ts";
import { field, inputOf, parseJSONText, readAll, writeAll } from "./support.ts";

const string = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());
const key = fc.oneof(fc.constantFrom("a", "b", "x.y", "ż", 'q"\\'), string).filter((k) =>
  k !== "__proto__" && k !== "" && k !== "x"
);
const anyValue = fc.jsonValue({ maxDepth: 4, noUnicodeString: false });
const objects = fc.array(fc.dictionary(key, anyValue, { noNullPrototype: true }), { maxLength: 8 });
const chunk = fc.integer({ min: 1, max: 40 });
const indent = fc.constantFrom(undefined, 1, "\t");

Deno.test("any array of objects is read value by value, wherever chunks end", async () => {
  await fc.assert(
    fc.asyncProperty(objects, chunk, indent, async (values, size, space) => {
      const names = [...new Set(values.flatMap(Object.keys))];
      const columns = names.map((name) => field(name, "json"));
      const expected = values.map((value) =>
        Object.fromEntries(names.map((name) => [name, text(ownValue(value, name))]))
      );
      const files = [
        [json, JSON.stringify(values, null, space)],
        [jsonl, values.map((value) => `${JSON.stringify(value)}\n`).join("")],
      ] as const;
      for (const [format, content] of files) {
        const records = await readAll(format, inputOf(content, size), columns);
        const found = records.map((record) =>
          Object.fromEntries(names.map((name) => [name, text(valueOf(record[name]))]))
        );
        assert.deepEqual(found, expected);
      }
    }),
    { numRuns: 150 },
  );
});

const text = (value: unknown) => JSON.stringify(value);
const valueOf = (value: unknown) => (value as JSONText | null)?.value ?? null;
const ownValue = (value: Record<string, unknown>, name: string) =>
  Object.hasOwn(value, name) ? value[name] : null;

Deno.test("inferred fields read every value of the file", async () => {
  await fc.assert(
    fc.asyncProperty(objects, async (values) => {
      fc.pre(values.length === 0 || values.some((value) => Object.keys(value).length > 0));
      const content = JSON.stringify(values);
      const request = { compression: "none", options: {} } as const;
      const found = await json.inferFields(inputOf(content), request);
      const fields = found.map(({ valueless: _valueless, ...field }) => field);
      const records = await readAll(json, inputOf(content), fields);
      const bytes = await writeAll(json, fields, records);
      const back = await readAll(json, inputOf(bytes), fields);
      assert.deepEqual(comparableRecords(back), comparableRecords(records));
      assert.equal(records.length, values.length);
    }),
    { numRuns: 150 },
  );
});

Deno.test("a file cut anywhere is an error, or in JSON Lines whole lines", async () => {
  const content = '[{"a":"x\\u00e9","b":[1,-2.5e3,{"c":null}]},\n{"a":true,"b":{}}]';
  for (let size = 0; size < content.length; size++) {
    const cut = readAll(json, inputOf(content.slice(0, size)), [field("a", "json")]);
    await assert.rejects(cut, ValidationError);
  }
  const line = content.slice(1, content.indexOf(",\n"));
  for (let size = 1; size < line.length; size++) {
    const cut = readAll(jsonl, inputOf(line.slice(0, size)), [field("a", "json")]);
    await assert.rejects(cut, ValidationError);
  }
});

Deno.test("texts are JSON to dxt exactly where they are to JSON.parse", () => {
  const piece = fc.constantFrom(
    ...'{}[],:"\\ \n0123456789-+.eEtrufalsn/b',
    "true",
    "null",
    '"a"',
    "1.5",
    "\\u00",
    "\u0000",
    "é",
  );
  const soup = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  const bent = fc.tuple(anyValue, fc.nat(), fc.oneof(piece, fc.constant(""))).map(
    ([value, at, extra]) => {
      const whole = JSON.stringify(value);
      const from = at % (whole.length + 1);
      return (whole.slice(0, from) + extra + whole.slice(from + 1)).toWellFormed();
    },
  );
  fc.assert(
    fc.property(fc.oneof(soup, bent), (candidate) => {
      const accepts = (parse: () => unknown) => {
        try {
          parse();
          return true;
        } catch (error) {
          assert.ok(error instanceof ValidationError || error instanceof SyntaxError);
          return false;
        }
      };
      assert.equal(
        accepts(() => parseJSONText(new TextEncoder().encode(candidate))),
        accepts(() => JSON.parse(candidate)),
        JSON.stringify(candidate),
      );
    }),
    { numRuns: 5000 },
  );
});

const FIELDS: readonly Field[] = [
  field("i", "int64"),
  field("u", "uint64"),
  field("n", "int16"),
  field("f", "float64"),
  field("g", "float32"),
  field("d", "decimal", { precision: 40, scale: 7 }),
  field("s", "string"),
  field("o", "bool"),
  field("b", "binary"),
  field("t", "timestamp_tz"),
  field("j", "json"),
];
const or = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 6 });
const decimal = fc.tuple(fc.bigInt(0n, 10n ** 33n - 1n), fc.integer({ min: 0, max: 9_999_999 }))
  .map(([whole, rest]) => `${whole}.${String(rest).padStart(7, "0")}`);
const record: fc.Arbitrary<DXTRecord> = fc.record({
  i: or(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  u: or(fc.bigInt(0n, 2n ** 64n - 1n)),
  n: or(fc.integer({ min: -32768, max: 32767 })),
  f: or(fc.double()),
  g: or(fc.float()),
  d: or(decimal),
  s: or(string),
  o: or(fc.boolean()),
  b: or(fc.uint8Array({ maxLength: 8 })),
  t: or(
    fc.bigInt(-(10n ** 16n), 10n ** 17n).map((micros) => new Temporal.Instant(micros * 1000n)),
  ),
  j: or(anyValue.filter((value) => value !== null).map((value) => JSONText.of(value))),
}, { noNullPrototype: true });

Deno.test("what is written is read back, whatever the records", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 20 }), chunk, async (records, size) => {
      for (const format of [json, jsonl]) {
        const bytes = await writeAll(format, FIELDS, records);
        const back = await readAll(format, inputOf(bytes, size * 10), FIELDS);
        assert.deepEqual(comparableRecords(back), comparableRecords(records));
      }
    }),
    { numRuns: 150 },
  );
});
