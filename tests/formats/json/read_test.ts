import assert from "node:assert/strict";
import { ValidationError, ValueError } from "../../../src/core/errors.ts";
import json from "../../../src/formats/json/json.ts";
import jsonl from "../../../src/formats/json/jsonl.ts";
import type { Field } from "../../../src/models/field.ts";
import { comparableRecords } from "../../conformance/values.ts";
import { type Column, field, inputOf, readAll } from "./support.ts";

const v = (dtype: Field["dtype"], more: Partial<Field> = {}) => [field("v", dtype, more)];

/** The value that a JSON text has in a field, as a comparable one. */
async function valueOf(text: string, dtype: Field["dtype"], more: Partial<Field> = {}) {
  const records = await readAll(jsonl, inputOf(`{"v":${text}}`), v(dtype, more));
  return comparableRecords(records)[0]!.v;
}

async function refused(text: string, dtype: Field["dtype"], message: RegExp) {
  await assert.rejects(valueOf(text, dtype), (error: unknown) => {
    assert.ok(error instanceof ValueError, String(error));
    assert.equal(error.row, 1);
    assert.match(error.message, message);
    return true;
  });
}

const malformed = (content: string | Uint8Array, message: RegExp, format = json) =>
  assert.rejects(readAll(format, inputOf(content), v("json")), (error: unknown) => {
    assert.ok(error instanceof ValidationError, String(error));
    assert.match(error.message, message);
    return true;
  });

Deno.test("an array's objects and a single object are records", async () => {
  const columns = [field("a", "int64"), field("b", "string")];
  const text = ' [ {"a":1,"b":"x"} ,\r\n{"b":"y","a":2},{"a":null},{}\t]\n';
  assert.deepEqual(await readAll(json, inputOf(text), columns), [
    { a: 1n, b: "x" },
    { a: 2n, b: "y" },
    { a: null, b: null },
    { a: null, b: null },
  ]);
  assert.deepEqual(await readAll(json, inputOf('{"a":1,"b":"x"} '), columns), [{ a: 1n, b: "x" }]);
  assert.deepEqual(await readAll(json, inputOf("[ ]"), columns), []);
});

Deno.test("lines are records, blank ones skipped, a line separator in a string is none", async () => {
  const text = '\n{"v":"a\u2028b"}\r\n  \t\r\n\r\n{"v":"c\\nd"}';
  assert.deepEqual(await readAll(jsonl, inputOf(text), v("string")), [
    { v: "a\u2028b" },
    { v: "c\nd" },
  ]);
  assert.deepEqual(await readAll(jsonl, inputOf(""), v("string")), []);
  assert.deepEqual(await readAll(jsonl, inputOf("\n \n"), v("string")), []);
});

Deno.test("a byte order mark is skipped, encodings are decoded", async () => {
  const content = '{"v":"żółć"}\n';
  assert.deepEqual(await readAll(jsonl, inputOf(`\ufeff${content}`), v("string")), [{ v: "żółć" }]);
  assert.deepEqual(await readAll(json, inputOf(`\ufeff${content}`), v("string")), [{ v: "żółć" }]);
  const latin = Uint8Array.from('{"v":"é"}', (c) => c.charCodeAt(0));
  assert.deepEqual(await readAll(jsonl, inputOf(latin), v("string"), { encoding: "latin-1" }), [
    { v: "é" },
  ]);
});

Deno.test("what is malformed is an error that tells the record, and the line of JSON Lines", async () => {
  await malformed("", /Cannot read "test", record 1: the file is empty/);
  await malformed('[{"v":1},{"v":2}', /record 2: the file ends early/);
  await malformed('[{"v":1},{"v":"ab', /record 2: the file ends early/);
  await malformed('[{"v":1}] x', /record 2: expected the end of the file .*found "x"/);
  await malformed('{"v":1}\n{"v":2}', /expected the end of the file .*jsonl/);
  await malformed('[{"v":1},]', /record 2: expected an object as record, found "\]"/);
  await malformed('[{"v":1} {"v":2}]', /record 1: expected "," or "\]" after a record, found "{/);
  await malformed("[1]", /record 1: expected an object as record, found "1\]"/);
  await malformed('"x"', /expected an array of objects, or one object/);
  await malformed('[{"v":01}]', /record 1: expected "," or "}", found "1}]"/);
  await malformed(
    '{"v":1}\n\n{"v":tru}\n',
    /line 3, record 2: expected a value, found "tru}/,
    jsonl,
  );
  await malformed('{"v":1,\n"w":2}\n', /line 1, record 1: the line ends within a value/, jsonl);
  await malformed('{"v":"cut', /line 1, record 1: the line ends within a value/, jsonl);
  await malformed('{"v":1}{"v":2}\n', /line 1, record 1: expected the end of the line/, jsonl);
  await malformed('{"v":"a\tb"}\n', /control character/, jsonl);
  await malformed('{"v":"\u0000"}\n', /control character/, jsonl);
  await malformed('{"v":1}\0\n', /expected the end of the line, found "\\u0000"/, jsonl);
  await malformed('[{"v":1,"\\u0076":2}]', /record 1: key "v" appears twice/);
  await malformed('[{"v":1,"w":1,"w":2}]', /record 1: key "w" appears twice/);
  await malformed('[{"\\ud800":1}]', /a lone surrogate/);
  const latin = Uint8Array.from('[{"v":"é"}]', (c) => c.charCodeAt(0));
  await malformed(latin, /Cannot read "test", after record 0: Cannot read text as utf-8/);
});

Deno.test("integers keep all digits", async () => {
  assert.equal(await valueOf("9223372036854775807", "int64"), 9223372036854775807n);
  assert.equal(await valueOf("-9223372036854775808", "int64"), -9223372036854775808n);
  assert.equal(await valueOf("9007199254740993", "int64"), 9007199254740993n);
  assert.equal(await valueOf("18446744073709551615", "uint64"), 18446744073709551615n);
  assert.equal(await valueOf("-999999999999999", "int64"), -999999999999999n);
  assert.equal(await valueOf('"9007199254740993"', "int64"), 9007199254740993n);
  assert.equal(await valueOf("-128", "int8"), -128);
  await refused(
    "9223372036854775808",
    "int64",
    /field "v", row 1: expected int64 .*9223372036854775808/,
  );
  await refused("-1", "uint64", /expected uint64/);
  await refused("128", "int8", /expected int8 \(-128 to 127\)/);
  await refused("true", "int64", /expected int64/);
  await refused("[1]", "int64", /expected int64/);
  await refused('""', "int64", /expected int64/);
});

Deno.test("a fraction or exponent that leaves an integer is one", async () => {
  assert.equal(await valueOf("1.0", "int64"), 1n);
  assert.equal(await valueOf("12e1", "int32"), 120);
  assert.equal(await valueOf("1200e-2", "int8"), 12);
  assert.equal(await valueOf("9223372036854775807.000", "int64"), 9223372036854775807n);
  assert.equal(await valueOf("-0", "int64"), 0n);
  await refused("1.5", "int64", /expected int64, line 1, value is "1.5"/);
  await refused("1e400", "int64", /expected int64/);
  await refused("1e-2", "int64", /expected int64/);
});

Deno.test("decimals keep all digits", async () => {
  const of = (text: string, precision = 38, scale = 10) =>
    valueOf(text, "decimal", { precision, scale });
  assert.equal(
    await of("1234567890123456789012345678.0123456789"),
    "1234567890123456789012345678.0123456789",
  );
  assert.equal(await of("-0.1", 10, 2), "-0.10");
  assert.equal(await of("1e3", 10, 2), "1000.00");
  assert.equal(await of("125E-2", 10, 2), "1.25");
  assert.equal(await of('"125.50"', 10, 2), "125.50");
  assert.equal(await of("9".repeat(76), 76, 0), "9".repeat(76));
  await assert.rejects(of("1.005", 10, 2), /expected decimal\(10,2\), line 1, value is "1.005"/);
  await assert.rejects(of("1e999999999999", 10, 2), ValueError);
});

Deno.test("floats are exact, or an error", async () => {
  const of = (text: string) => valueOf(text, "float64");
  assert.equal(await of("0.1"), 0.1);
  assert.ok(Object.is(await of("-0"), -0));
  assert.ok(Object.is(await of("-0.0"), -0));
  assert.ok(Object.is(await of("0"), 0));
  assert.equal(await of("123456.789"), 123456.789);
  assert.equal(await of("1.7976931348623157e308"), Number.MAX_VALUE);
  assert.equal(await of("5e-324"), 5e-324);
  assert.equal(await of("0.10000000000000001"), 0.1);
  assert.equal(await of("0.1000000000000000055511151231257827"), 0.1);
  assert.equal(await of("9007199254740992"), 2 ** 53);
  assert.equal(await of("100000000000000000000000"), 1e23);
  assert.ok(Number.isNaN(await of('"NaN"')));
  assert.equal(await of('"-Infinity"'), -Infinity);
  await refused("1e400", "float64", /expected float64 .*value is "1e400"/);
  await refused("1e-400", "float64", /expected float64/);
  await refused("9007199254740993", "float64", /declare the field as decimal or json/);
  await refused("3.14159265358979323846", "float64", /expected float64/);
  await refused("true", "float64", /expected float64/);
  assert.equal(await valueOf("0.1", "float32"), Math.fround(0.1));
  assert.equal(await valueOf("0.10000000149011612", "float32"), Math.fround(0.1));
  await refused("0.123456789", "float32", /expected float32/);
  await refused("1e39", "float32", /expected float32/);
});

Deno.test("strings are unescaped; a lone surrogate is an error", async () => {
  assert.equal(
    await valueOf('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\\u20AC\\ud83e\\udd95ż"', "string"),
    '"\\/\b\f\n\r\t\u0000é€🦕ż',
  );
  assert.equal(await valueOf("12.50", "string"), "12.50");
  assert.equal(await valueOf("true", "string"), "true");
  for (
    const half of [
      "\\ud800",
      "\\udc00",
      "\\ud800x",
      "\\ud800\\ud800",
      "\\ud800\\n",
      "\\udd95\\ud83e",
    ]
  ) {
    await refused(`"${half}"`, "string", /a lone surrogate/);
  }
  await refused('{"a":1}', "string", /declare the field as json/);
});

Deno.test("other types are read from strings", async () => {
  assert.equal(await valueOf('"2024-02-29"', "date"), "PlainDate 2024-02-29");
  assert.equal(await valueOf('"12:34:56.789012"', "time"), "PlainTime 12:34:56.789012");
  assert.equal(
    await valueOf('"2024-02-29T12:00:00.5"', "timestamp"),
    "PlainDateTime 2024-02-29T12:00:00.5",
  );
  assert.equal(
    await valueOf('"2024-02-29T12:00:00+02:00"', "timestamp_tz"),
    "Instant 2024-02-29T10:00:00Z",
  );
  assert.equal(await valueOf('"00ff"', "binary"), "binary 00ff");
  assert.equal(await valueOf("false", "bool"), false);
  assert.equal(await valueOf('"true"', "bool"), true);
  await refused("12", "binary", /expected binary as JSON string/);
  await refused("20240229", "date", /expected date as JSON string/);
  await refused('"2024-02-30"', "date", /expected date/);
});

Deno.test("json, array and object keep their very text", async () => {
  const text = '{"b":[1, 2.50,1e5],  "a":12345678901234567890,"a":"\\u0041\\ud800"}';
  assert.equal(await valueOf(text, "object"), `JSONText ${text}`);
  assert.equal(await valueOf(text, "json"), `JSONText ${text}`);
  assert.equal(await valueOf("[ 1 ]", "array"), "JSONText [ 1 ]");
  assert.equal(await valueOf("1.50", "json"), "JSONText 1.50");
  await refused("{}", "array", /expected array as JSON array/);
  await refused("1", "object", /expected object as JSON object/);
});

Deno.test("null and a missing key are NULL", async () => {
  for (const dtype of ["int64", "string", "object", "json"] as const) {
    assert.equal(await valueOf("null", dtype), null);
    assert.deepEqual(await readAll(jsonl, inputOf("{}"), v(dtype)), [{ v: null }]);
  }
  assert.equal(await valueOf('"null"', "string"), "null");
  const strict = v("int64", { nullable: false });
  await assert.rejects(readAll(jsonl, inputOf('{"v":1}\n{}'), strict), /row 2: expected a value/);
  await assert.rejects(readAll(jsonl, inputOf('{"v":null}'), strict), /row 1: expected a value/);
});

Deno.test("null in a json field that is not nullable is JSON's null", async () => {
  assert.equal(await valueOf("null", "json", { nullable: false }), "JSONText null");
  await assert.rejects(readAll(jsonl, inputOf("{}"), v("json", { nullable: false })), ValueError);
});

Deno.test("a column names a key, or a path where there is no such key", async () => {
  const columns: Column[] = [
    { ...field("city", "string"), column: "address.city" },
    { ...field("lat", "float64"), column: "address.geo.lat" },
    { ...field("address", "object"), column: "address" },
  ];
  const records = await readAll(
    jsonl,
    inputOf([
      '{"address":{"city":"Łódź","geo":{"lat":51.75}}}',
      '{"address":{"city":1e3}}',
      '{"address":null}',
      '{"address":{"geo":null}}',
      '{"address":{"ci\\u0074y":"escaped"}}',
    ].join("\n")),
    columns,
  );
  assert.deepEqual(records.map(({ city, lat }) => [city, lat]), [
    ["Łódź", 51.75],
    ["1e3", null],
    [null, null],
    [null, null],
    ["escaped", null],
  ]);
  assert.equal(String(records[1]!.address), '{"city":1e3}');
  const read = (text: string) => readAll(jsonl, inputOf(text), columns.slice(0, 1));
  assert.deepEqual(await read('{"address":"x"}'), [{ city: null }]);
  assert.deepEqual(await read('{"address.city":"a"}\n{"address":{"city":"b"}}'), [
    { city: "a" },
    { city: null },
  ]);
  await assert.rejects(
    read('{"address":{"city":"b"}}\n{"address.city":"a"}'),
    /field "city", row 2: expected "address.city" as a path, as in earlier records/,
  );
  await assert.rejects(read('{"address":{"city":1,"city":2}}'), /row 1: expected key "city" once/);
});

Deno.test("compressed files are read; what is no such file is an error with its name", async () => {
  const compressed = new Blob(['{"v":1}\n']).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(compressed).arrayBuffer());
  const read = (content: Uint8Array) =>
    Array.fromAsync(jsonl.read(inputOf(content, 10), {
      projections: [{ field: field("v", "int8"), column: "v" }],
      batchRows: 10,
      batchBytes: 1 << 20,
      compression: "gzip",
      options: {},
    }));
  assert.equal((await read(bytes))[0]!.numRows, 1);
  for (const wrong of [bytes.subarray(0, -9), new TextEncoder().encode('{"v":1}')]) {
    await assert.rejects(read(wrong), (error: unknown) => {
      assert.ok(error instanceof ValidationError, String(error));
      assert.match(error.message, /Cannot read "test", after record 0: Cannot decompress as gzip/);
      return true;
    });
  }
});

Deno.test("an expression is refused", async () => {
  const projections = [{ field: field("v", "string"), expression: "upper(v)" }];
  const read = () =>
    jsonl.read(inputOf("{}"), {
      projections,
      batchRows: 1,
      batchBytes: 1024,
      compression: "none",
      options: {},
    }).next();
  await assert.rejects(read, /Cannot read field "v" from JSON: it has expression "upper\(v\)"/);
});

Deno.test("batches are bounded by rows and bytes", async () => {
  const text = Array.from({ length: 100 }, (_, i) => `{"v":"${"x".repeat(1000)}${i}"}`).join("\n");
  const rows = async (batchRows: number, batchBytes: number) => {
    const sizes: number[] = [];
    const request = { projections: [{ field: field("v", "string"), column: "v" }] };
    for await (
      const batch of jsonl.read(inputOf(text), {
        ...request,
        batchRows,
        batchBytes,
        compression: "none",
        options: {},
      })
    ) sizes.push(batch.numRows);
    return sizes;
  };
  assert.deepEqual(await rows(40, 1 << 20), [40, 40, 20]);
  assert.deepEqual(await rows(1000, 25_000), [25, 25, 25, 25]);
});

Deno.test("records that are maps do not lose or mix up keys", async () => {
  const lines = Array.from({ length: 40_000 }, (_, i) => `{"k${i}":1,"v":${i},"x${i}":2}`);
  const records = await readAll(jsonl, inputOf(lines.join("\n")), v("int32"));
  assert.equal(records.length, 40_000);
  assert.ok(records.every((record, i) => record.v === i));
});

Deno.test("a reader that stops early closes the file", async () => {
  let cancelled = false;
  const input = inputOf('{"v":1}\n'.repeat(100_000), 1000);
  const open = async () => {
    const stream = await input.open();
    const reader = stream.getReader();
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel() {
        cancelled = true;
      },
    });
  };
  const batches = jsonl.read({ ...input, open }, {
    projections: [{ field: field("v", "int32"), column: "v" }],
    batchRows: 10,
    batchBytes: 1 << 20,
    compression: "none",
    options: {},
  });
  await batches.next();
  await batches.return();
  assert.equal(cancelled, true);
});
