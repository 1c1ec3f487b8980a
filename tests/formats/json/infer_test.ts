import assert from "node:assert/strict";
import { ValidationError } from "../../../src/core/errors.ts";
import json from "../../../src/formats/json/json.ts";
import jsonl from "../../../src/formats/json/jsonl.ts";
import { inferAll, inputOf, readAll } from "./support.ts";

/** The type told from values of one key, as `dtype` or `decimal(p,s)`. */
async function typeOf(...values: string[]): Promise<string> {
  const lines = values.map((value) => `{"v":${value}}`).join("\n");
  const { dtype, precision, scale } = (await inferAll(jsonl, lines))[0]!;
  return precision === undefined ? dtype : `${dtype}(${precision},${scale})`;
}

Deno.test("integers are int64, uint64 or decimal, the first that holds them all", async () => {
  assert.equal(await typeOf("1", "-5", "0"), "int64");
  assert.equal(await typeOf("9223372036854775807", "-9223372036854775808"), "int64");
  assert.equal(await typeOf("9223372036854775808", "1"), "uint64");
  assert.equal(await typeOf("18446744073709551615"), "uint64");
  assert.equal(await typeOf("9223372036854775808", "-1"), "decimal(38,0)");
  assert.equal(await typeOf("18446744073709551616"), "decimal(38,0)");
  assert.equal(await typeOf("9".repeat(39)), "decimal(76,0)");
  assert.equal(await typeOf("9".repeat(77)), "json");
});

Deno.test("numbers are float64 where that changes none, else decimal", async () => {
  assert.equal(await typeOf("1.5", "2"), "float64");
  assert.equal(await typeOf("1.0"), "float64");
  assert.equal(await typeOf("1e3"), "float64");
  assert.equal(await typeOf("-0", "1"), "float64");
  assert.equal(await typeOf("0.1", "9007199254740992"), "float64");
  assert.equal(await typeOf("0.1", "9007199254740993"), "decimal(38,1)");
  assert.equal(await typeOf("12345678901234567.89"), "decimal(38,2)");
  assert.equal(await typeOf("3.14159265358979323846", "1000"), "decimal(38,20)");
  assert.equal(await typeOf("0." + "1".repeat(60)), "decimal(76,60)");
  assert.equal(await typeOf("1e400"), "json");
  assert.equal(await typeOf("1e-400"), "json");
  assert.equal(await typeOf("-0", "9007199254740993"), "json");
});

Deno.test("strings, booleans, objects and arrays are themselves, mixtures json", async () => {
  assert.equal(await typeOf('"2024-01-01"', "null"), "string");
  assert.equal(await typeOf("true", "false"), "bool");
  assert.equal(await typeOf('{"a":1}', "null", "{}"), "object");
  assert.equal(await typeOf("[1]", "[]"), "array");
  assert.equal(await typeOf("null"), "json");
  assert.equal(await typeOf("1", '"1"'), "json");
  assert.equal(await typeOf("1", "true"), "json");
  assert.equal(await typeOf("[]", "{}"), "json");
});

Deno.test("fields are the keys of all records in the order in which they come", async () => {
  const text = '[{"b":1,"a.b":2},{"c":null,"a.b":true,"b":2},{"d":[]}]';
  assert.deepEqual(await inferAll(json, text), [
    { name: "b", dtype: "int64", nullable: true, inferred: true, sparse: true },
    { name: "a.b", dtype: "json", nullable: true, inferred: true, sparse: true },
    { name: "c", dtype: "json", nullable: true, inferred: true, sparse: true, valueless: true },
    { name: "d", dtype: "array", nullable: true, inferred: true, sparse: true },
  ]);
  assert.deepEqual(await inferAll(json, "[]"), []);
  assert.deepEqual(await inferAll(jsonl, ""), []);
  await assert.rejects(inferAll(json, "[{},{}]"), /none of its first 2 records has a key/);
});

Deno.test("infer_rows bounds the records that are looked at", async () => {
  const text = '{"a":1}\n{"a":1.5}\n{"b":';
  const options = { infer_rows: 1 };
  assert.deepEqual(await inferAll(jsonl, text, options), [
    { name: "a", dtype: "int64", nullable: true, inferred: true, sparse: true },
  ]);
  await assert.rejects(inferAll(jsonl, text), /line 3, record 3/);
  const fields = await inferAll(jsonl, text, options);
  await assert.rejects(readAll(jsonl, inputOf(text), fields), /field "a", row 2: expected int64/);
});

Deno.test("a key without a name is an error", async () => {
  await assert.rejects(inferAll(json, '[{"":1}]'), ValidationError);
});
