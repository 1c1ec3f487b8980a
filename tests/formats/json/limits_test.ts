import assert from "node:assert/strict";
import { ValidationError } from "../../../src/core/errors.ts";
import json from "../../../src/formats/json/json.ts";
import jsonl from "../../../src/formats/json/jsonl.ts";
import type { FileInput } from "../../../src/formats/format.ts";
import { field, inputOf, readAll } from "./support.ts";

const refused = (run: Promise<unknown>, message: RegExp) =>
  assert.rejects(run, (error: unknown) => {
    assert.ok(error instanceof ValidationError, String(error));
    assert.match(error.message, message);
    return true;
  });

/** A file of pieces that are made while it is read. */
function endless(pieces: () => Generator<Uint8Array>): FileInput {
  return { ...inputOf(""), open: () => Promise.resolve(ReadableStream.from(pieces())) };
}

Deno.test("nesting is bounded by 512", async () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const fields = [field("v", "array")];
  for (
    const [format, wrap] of [
      [json, (text: string) => `[{"v":${text}}]`],
      [jsonl, (text: string) => `{"v":${text}}`],
    ] as const
  ) {
    const records = await readAll(format, inputOf(wrap(nested(511))), fields);
    assert.equal(String(records[0]!.v), nested(511));
    await refused(readAll(format, inputOf(wrap(nested(512))), fields), /nested more than 512 deep/);
    await refused(readAll(format, inputOf(wrap(nested(100_000))), []), /nested more than 512/);
    await refused(readAll(format, inputOf('{"a":'.repeat(100_000)), []), /nested more than 512/);
  }
  await refused(readAll(json, inputOf("[".repeat(100_000)), []), /expected an object as record/);
});

Deno.test("a string of 50 MB is read", async () => {
  const long = "0123456789abcdéf".repeat(3_125_000);
  for (
    const [format, wrap] of [
      [json, (text: string) => `[{"v":1},{"v":"${text}"}]`],
      [jsonl, (text: string) => `{"v":1}\n{"v":"${text}"}`],
    ] as const
  ) {
    const records = await readAll(format, inputOf(wrap(long)), [field("v", "string")]);
    assert.deepEqual(records.map(({ v }) => (v as string).length), [1, long.length]);
    assert.ok(records[1]!.v === long);
  }
});

Deno.test("a number of a million digits is kept as text and refused as number", async () => {
  const digits = "7".repeat(1_000_000);
  const read = (dtype: "json" | "int64" | "float64" | "decimal") =>
    readAll(jsonl, inputOf(`{"v":${digits}}`), [field("v", dtype)]);
  assert.equal(String((await read("json"))[0]!.v), digits);
  for (const dtype of ["int64", "float64", "decimal"] as const) {
    await refused(read(dtype), /field "v", row 1: expected/);
  }
});

Deno.test("a record beyond 64 MiB is an error before memory runs out", async () => {
  const piece = new Uint8Array(1 << 20).fill(0x61);
  const pieces = function* () {
    yield new TextEncoder().encode('{"v":"');
    for (let i = 0; i < 2000; i++) yield piece;
  };
  for (const format of [json, jsonl]) {
    await refused(
      readAll(format, endless(pieces), [field("v", "string")]),
      /record 1: more than 67108864 bytes in one record/,
    );
  }
});
