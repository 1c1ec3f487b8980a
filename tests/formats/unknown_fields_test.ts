/** Columns and keys that no field of a stream is for: refused, or left out where that is wanted. */
import assert from "node:assert/strict";
import { readRecords } from "../../src/arrow/mod.ts";
import type { Projection } from "../../src/core/contracts/extractor.ts";
import csv from "../../src/formats/csv/csv.ts";
import type { FileFormat } from "../../src/formats/format.ts";
import json from "../../src/formats/json/json.ts";
import jsonl from "../../src/formats/json/jsonl.ts";
import { field, inputOf } from "./json/support.ts";

const A: Projection = { field: field("a", "json"), column: "a" };
const PATH: Projection = { field: field("city", "string"), column: "address.city" };
const FLAT: Projection = { field: field("x", "json"), column: "a.b", guess: "json" };

interface Case {
  readonly what: string;
  readonly format: FileFormat;
  readonly content: string;
  readonly projections?: readonly Projection[];
  /** Names that the stream leaves out. */
  readonly excluded?: readonly string[];
  /** The error where all fields are wanted; none when it is read all the same. */
  readonly error?: RegExp;
}

const UNKNOWN = (key: string) =>
  new RegExp(`key "${key}" is not among the fields of the first records`);

const CASES: readonly Case[] = [
  {
    what: "a key in a later line",
    format: jsonl,
    content: '{"a":1}\n\n{"a":2,"b":3}\n',
    error: /"test", line 3, record 2: key "b" is not among the fields/,
  },
  { what: "a key whose value is null", format: jsonl, content: '{"b":null}', error: UNKNOWN("b") },
  { what: "a key with escapes", format: jsonl, content: '{"\\u0062":1}', error: UNKNOWN("b") },
  { what: "a key that differs in case", format: jsonl, content: '{"A":1}', error: UNKNOWN("A") },
  { what: "a key without a name", format: jsonl, content: '{"a":1,"":1}', error: UNKNOWN("") },
  {
    what: "an own name of objects",
    format: json,
    content: '{"__proto__":1}',
    error: UNKNOWN("__proto__"),
  },
  {
    what: "a key in an element of an array",
    format: json,
    content: '[{"a":1},\n{"a":2,"b":3}]',
    error: /"test", record 2: key "b"/,
  },
  { what: "a key that is known by its escapes", format: jsonl, content: '{"\\u0061":1}' },
  { what: "keys inside a value", format: jsonl, content: '{"a":{"b":1,"c":[{"d":2}]}}' },
  { what: "a record without keys", format: jsonl, content: '{"a":1}\n{}\n' },
  {
    what: "the first key of a path alone",
    format: jsonl,
    content: '{"a":1,"address":{"city":"x","zip":"y"}}',
    projections: [A, PATH],
    error: UNKNOWN("address"),
  },
  {
    what: "a path in a field that is kept",
    format: jsonl,
    content: '{"a":1,"address":{"city":"x","zip":"y"}}',
    projections: [A, PATH, { field: field("address", "object"), column: "address" }],
  },
  {
    what: "an object where the sample had a key with a dot",
    format: jsonl,
    content: '{"a":{"b":1}}\n',
    projections: [FLAT],
    error: UNKNOWN("a"),
  },
  {
    what: "a column",
    format: csv,
    content: "a,b\n1,2\n",
    error: /"test": column "b" is not among/,
  },
  { what: "a column with a made name", format: csv, content: ",a\n1,2\n", error: /"column_1"/ },
  {
    what: "an excluded key",
    format: jsonl,
    content: '{"a":1}\n{"b":{"c":1},"a":2}\n',
    excluded: ["b"],
  },
  {
    what: "an excluded key with escapes",
    format: json,
    content: '[{"a":1,"\\u0062":2}]',
    excluded: ["b"],
  },
  {
    what: "a key besides an excluded one",
    format: jsonl,
    content: '{"b":1,"c":2}',
    excluded: ["b"],
    error: UNKNOWN("c"),
  },
  { what: "an excluded column", format: csv, content: "b,a\n1,2\n", excluded: ["b"] },
  {
    what: "a column besides an excluded one",
    format: csv,
    content: "a,b,c\n1,2,3\n",
    excluded: ["b"],
    error: /"test": column "c" is not among/,
  },
  { what: "columns in another order", format: csv, content: "a\n1\n" },
];

async function read(
  { format, content, projections = [A], excluded = [] }: Case,
  complete: boolean,
  chunk: number,
): Promise<unknown[]> {
  const bounds = { batchRows: 2, batchBytes: 1 << 20, compression: "none", options: {} } as const;
  const input = inputOf(content, chunk);
  const batches = await Array.fromAsync(
    format.read(input, { projections, complete, excluded, ...bounds }),
  );
  return batches.flatMap((batch) => [...readRecords(batch)]);
}

for (const one of CASES) {
  Deno.test(`${one.format.name}: ${one.what} is ${one.error === undefined ? "read" : "refused"}`, async () => {
    for (const chunk of [1, 7, 65_536]) {
      if (one.error !== undefined) await assert.rejects(read(one, true, chunk), one.error);
      else assert.deepEqual(await read(one, true, chunk), await read(one, false, chunk));
      // Where only some fields are wanted the others are left out.
      assert.ok((await read(one, false, chunk)).length > 0);
    }
  });
}

Deno.test("a key that was found is no path, whatever other records have", async () => {
  const content = '{"a":{"b":1}}\n{"a.b":2}\n';
  const records = await read({ what: "", format: jsonl, content, projections: [A, FLAT] }, true, 9);
  assert.equal(JSON.stringify(records), '[{"a":{"b":1},"x":null},{"a":null,"x":2}]');
});
