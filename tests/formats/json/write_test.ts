import assert from "node:assert/strict";
import { ValueError } from "../../../src/core/errors.ts";
import { type DXTRecord, JSONText } from "../../../src/core/values/values.ts";
import json from "../../../src/formats/json/json.ts";
import jsonl from "../../../src/formats/json/jsonl.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { field, inputOf, readAll, writeAll } from "./support.ts";

const text = async (...args: Parameters<typeof writeAll>) =>
  new TextDecoder().decode(await writeAll(...args));

for (const format of [json, jsonl]) {
  Deno.test(`${format.name}: every type survives, extremes and nulls too`, async () => {
    const [lowest, ...others] = extremes();
    const records = [
      { ...lowest, f_json: new JSONText("false") },
      ...others,
      { ...extremes()[2], f_float64: NaN, f_float32: NaN, f_string: "\u0000\u2028\ud83e\udd95" },
      { ...extremes()[2], f_float32: -0, f_date: "infinity", f_timestamp_tz: "-infinity" },
      { ...extremes()[2], f_float32: Math.fround(0.1), f_float64: 1e23, f_uint64: 2n ** 53n },
    ] as DXTRecord[];
    const bytes = await writeAll(format, FIELDS_OF_EVERY_TYPE, records);
    const back = await readAll(format, inputOf(bytes, 1000), FIELDS_OF_EVERY_TYPE);
    assert.deepEqual(comparableRecords(back), comparableRecords(records));
    const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
    assert.equal(lines.length, records.length + (format === json ? 2 : 0));
    assert.match(lines.join(""), /"f_float32":0\.1[,}]/);
    for (const line of format === json ? [lines.join("")] : lines) JSON.parse(line);
  });
}

const fields = [
  field("a", "int64"),
  field("b", "decimal", { precision: 10, scale: 2 }),
  field("c", "json"),
  field("d", "float64"),
];
const records = [
  { a: 9007199254740993n, b: "1.10", c: new JSONText('{"x": [1.0]}'), d: -0 },
  { a: -1n, b: null, c: null, d: NaN },
  { a: null, b: "0.00", c: new JSONText('"null"'), d: 1e21 },
];
const lines = [
  '{"a":9007199254740993,"b":1.10,"c":{"x": [1.0]},"d":-0.0}',
  '{"a":-1,"b":null,"c":null,"d":"NaN"}',
  '{"a":null,"b":0.00,"c":"null","d":1e+21}',
];

Deno.test("records are written with exact numbers and their JSON as it is", async () => {
  assert.equal(await text(jsonl, fields, records), `${lines.join("\n")}\n`);
  assert.equal(
    await text(jsonl, fields, records, { line_end: "\r\n" }),
    `${lines.join("\r\n")}\r\n`,
  );
  assert.equal(await text(json, fields, records), `[\n${lines.join(",\n")}\n]\n`);
});

Deno.test("no records are an empty array, or an empty file of JSON Lines", async () => {
  assert.equal(await text(json, fields, []), "[]\n");
  assert.equal(await text(jsonl, fields, []), "");
  assert.equal(await text(jsonl, [field("c", "json")], [{ c: null }]), '{"c":null}\n');
});

Deno.test("keys are escaped", async () => {
  const name = 'a"\\\n\u2028ż';
  const bytes = await writeAll(jsonl, [field(name, "int8")], [{ [name]: 1 }]);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(bytes)), { [name]: 1 });
  assert.deepEqual(await readAll(jsonl, inputOf(bytes), [field(name, "int8")]), [{ [name]: 1 }]);
});

Deno.test("line ends inside JSON text become spaces on a line of their record", async () => {
  const pretty = new JSONText('{\r\n  "a": "\\n"\n}');
  assert.equal(
    await text(jsonl, [field("c", "object")], [{ c: pretty }]),
    '{"c":{    "a": "\\n" }}\n',
  );
  assert.ok((await text(json, [field("c", "object")], [{ c: pretty }])).includes(pretty.text));
});

Deno.test("text of a json field that is no JSON is an error with field and row", async () => {
  for (const wrong of ["", "{", "1 2", '"\n"', "[".repeat(512) + "]".repeat(512)]) {
    await assert.rejects(
      writeAll(jsonl, [field("c", "json")], [{ c: null }, { c: new JSONText(wrong) }]),
      (error: unknown) => error instanceof ValueError && error.field === "c" && error.row === 2,
    );
  }
});

Deno.test("JSON's null is an error where it would be read as NULL", async () => {
  const records = [{ c: null }, { c: new JSONText(" null") }];
  await assert.rejects(
    writeAll(jsonl, [field("c", "json")], records),
    /"c", row 2: it would be read as NULL/,
  );
  const strict = [field("c", "json", { nullable: false })];
  assert.equal(await text(jsonl, strict, records.slice(1)), '{"c": null}\n');
});

Deno.test("encodings are written", async () => {
  const accents = [{ s: "é" }];
  const bytes = await writeAll(jsonl, [field("s", "string")], accents, { encoding: "latin-1" });
  assert.deepEqual(bytes, Uint8Array.from('{"s":"é"}\n', (c) => c.charCodeAt(0)));
  const wide = await writeAll(json, [field("s", "string")], accents, { encoding: "utf-16le" });
  assert.deepEqual(
    await readAll(json, inputOf(wide, 5), [field("s", "string")], { encoding: "utf-16le" }),
    accents,
  );
});

Deno.test("chunks are about 64 KiB", async () => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ s: "x".repeat(100) + i }));
  const { buildBatches } = await import("../../../src/arrow/mod.ts");
  const request = { fields: [field("s", "string")], compression: "none", options: {} } as const;
  const sizes: number[] = [];
  const batches = buildBatches(request.fields, many, { rows: 5000, bytes: 1 << 24 });
  for await (const chunk of jsonl.write(batches, request)) sizes.push(chunk.length);
  assert.ok(sizes.length > 5);
  for (const size of sizes.slice(0, -1)) assert.ok(size >= 65_536 && size < 70_000, String(size));
});
