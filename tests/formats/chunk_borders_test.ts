/** Files longer than what a reader looks at once: every byte of a record may be its last. */
import assert from "node:assert/strict";
import { ValidationError, ValueError } from "../../src/core/errors.ts";
import csv from "../../src/formats/csv/csv.ts";
import type { FileFormat } from "../../src/formats/format.ts";
import jsonl from "../../src/formats/json/jsonl.ts";
import { comparableRecords } from "../conformance/values.ts";
import { field, inputOf, readAll } from "./json/support.ts";

const FIELDS = [
  field("a", "string"),
  field("b", "int64"),
  field("c", "decimal", { precision: 12, scale: 2 }),
  field("d", "timestamp_tz"),
];

/** Chunks of a disk; the readers look at some whole ones together. */
const CHUNK = 65_536;

/** Records behind a first one so long that each of their bytes is once the first of a new look. */
async function readShifted(
  format: FileFormat,
  head: string,
  long: (text: string) => string,
  records: string,
  look: number,
): Promise<void> {
  const read = (size: number) => {
    const content = head + long("x".repeat(size)) + records;
    return readAll(format, inputOf(content, CHUNK), FIELDS);
  };
  const wanted = comparableRecords((await read(1)).slice(1));
  const before = new TextEncoder().encode(head + long("")).length;
  const length = new TextEncoder().encode(records).length;
  for (let shift = 0; shift <= length; shift++) {
    const got = await read(look - before - shift);
    assert.deepEqual(comparableRecords(got.slice(1)), wanted, `after ${shift} bytes`);
  }
}

Deno.test("CSV is read alike wherever a look at it ends", async () => {
  const records = [
    '"say ""ż""",12345678901,-1.50,2024-02-29 12:30:00.5Z',
    '"two\r\nlines",,,',
    '"",-7,0.01,2024-02-29T00:00:00+02:00',
    "🦕,,1,",
  ].join("\r\n");
  for (const end of ["", "\r\n", "\r"]) {
    await readShifted(csv, "a,b,c,d\r\n", (text) => `${text},1,1,\r\n`, records + end, 4 * CHUNK);
  }
});

Deno.test("JSON Lines are read alike wherever a look at them ends", async () => {
  const records = [
    '{"a":"say \\"ż\\" \\u20ac","b":12345678901,"c":-1.50,"d":"2024-02-29 12:30:00.5Z"}',
    '{ "b" : null , "d":"2024-02-29T00:00:00+02:00", "a":"" }\r',
    "",
    '{"a":"🦕","c":"1","other":[1,{"x":"}"}]}',
  ].join("\n");
  for (const end of ["", "\n"]) {
    await readShifted(jsonl, "", (text) => `{"a":"${text}"}\n`, records + end, CHUNK);
  }
});

Deno.test("an error behind many records tells its row and line", async () => {
  const rows = 20_000;
  const lines = Array.from({ length: rows }, (_, i) => `"${i}\nx",${i},1,`);
  const content = `a,b,c,d\n${lines.join("\n")}\n`;
  await assert.rejects(readAll(csv, inputOf(`${content}x,y,1,\n`), FIELDS), (error) => {
    assert.ok(error instanceof ValueError, String(error));
    assert.deepEqual([error.field, error.row, error.value], ["b", rows + 1, "y"]);
    return true;
  });
  await assert.rejects(readAll(csv, inputOf(`${content}x\n`), FIELDS), (error) => {
    assert.ok(error instanceof ValidationError, String(error));
    assert.match(error.message, new RegExp(`line ${2 * rows + 2}: it has 1 fields, expected 4`));
    return true;
  });
  const objects = Array.from({ length: rows }, (_, i) => `{"b":${i}}`).join("\n");
  await assert.rejects(readAll(jsonl, inputOf(`${objects}\n{"b":"y"}\n`), FIELDS), (error) => {
    assert.ok(error instanceof ValueError, String(error));
    assert.deepEqual([error.field, error.row, error.value], ["b", rows + 1, "y"]);
    return true;
  });
  await assert.rejects(
    readAll(jsonl, inputOf(`${objects}\n{"b":\n}\n`), FIELDS),
    new RegExp(`line ${rows + 1}, record ${rows + 1}: the line ends within a value`),
  );
});

Deno.test("what is wrong with a value is reported before what is wrong behind it", async () => {
  await assert.rejects(readAll(csv, inputOf('a,b,c,d\nx,y,1,\n"z'), FIELDS), ValueError);
  await assert.rejects(readAll(jsonl, inputOf('{"b":"y"}\n{"b"'), FIELDS), ValueError);
});
