/** Arrays of a known type: JSON in records, lists in a file. */
import assert from "node:assert/strict";
import { schemaFromIPC } from "../../../src/arrow/mod.ts";
import { ValueError } from "../../../src/core/errors.ts";
import { type DXTRecord, JSONText } from "../../../src/core/values/values.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { readFooter } from "../../../src/formats/parquet/reader/footer.ts";
import {
  FileMetaData,
  KeyValue,
  LogicalType,
  SchemaElement,
} from "../../../src/formats/parquet/thrift/metadata.ts";
import type { Element, Field } from "../../../src/models/field.ts";
import { field, inputOf, readAll } from "../json/support.ts";
import { duckdb, noDuckDB, noPyarrow, pyarrow, readerTest } from "./other_readers.ts";
import { asForeign, withFile, writeParquet } from "./support.ts";

/** JSON of each type of elements, with its Arrow type; one is NULL where `null` stands. */
const LISTS: readonly [name: string, element: Element, json: string, arrow: string][] = [
  ["int8", { dtype: "int8" }, "[-128,null,127]", "Int8"],
  ["int16", { dtype: "int16" }, "[-32768,32767]", "Int16"],
  ["int32", { dtype: "int32" }, "[1,null,-2147483648]", "Int32"],
  ["int64", { dtype: "int64" }, "[9223372036854775807,-9223372036854775808]", "Int64"],
  ["uint32", { dtype: "uint32" }, "[4294967295]", "Uint32"],
  ["uint64", { dtype: "uint64" }, "[18446744073709551615,0]", "Uint64"],
  ["float32", { dtype: "float32" }, '[0.1,-0.0,"NaN",1e+30]', "Float32"],
  ["float64", { dtype: "float64" }, '[0.1,"Infinity",null,"-Infinity"]', "Float64"],
  ["bool", { dtype: "bool" }, "[true,false,null,true,true,false,false,true,true,true]", "Bool"],
  ["small", { dtype: "decimal", precision: 9, scale: 2 }, "[1234567.89,-0.01]", "Decimal[9e+2]"],
  ["middle", { dtype: "decimal", precision: 18, scale: 3 }, "[-123456789012345.678]", ""],
  ["large", { dtype: "decimal", precision: 38, scale: 0 }, `[-${"9".repeat(38)},1]`, ""],
  ["huge", { dtype: "decimal", precision: 50, scale: 4 }, `[${"9".repeat(46)}.5678]`, ""],
  ["text", { dtype: "string" }, '["é\\"",null,"","a,b]"]', "Utf8"],
  [
    "ids",
    { dtype: "string", uuid: true },
    '["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",null]',
    "FixedSizeBinary[16]",
  ],
  ["bytes", { dtype: "binary" }, '["00ff",""]', "Binary"],
  ["day", { dtype: "date" }, '["2024-02-29","0001-01-01",null]', "Date32<DAY>"],
  ["time", { dtype: "time" }, '["23:59:59.999999","00:00:00"]', "Time64<MICROSECOND>"],
  ["at", { dtype: "timestamp" }, '["2024-02-29T00:00:00.000001"]', "Timestamp<MICROSECOND>"],
  ["moment", { dtype: "timestamp_tz" }, '["2024-02-29T00:00:00Z"]', "Timestamp<MICROSECOND, UTC>"],
];
const FIELDS: readonly Field[] = LISTS.flatMap(([name, element]) => [
  field(name, "array", { element }),
  { ...field(`${name}_required`, "array", { element }), nullable: false },
]);

const json = (text: string) => new JSONText(text);
const rowOf = (text: (json: string) => JSONText | null): DXTRecord =>
  Object.fromEntries(
    LISTS.flatMap(([name, , list]) => [[name, text(list)], [
      `${name}_required`,
      text(list) ?? json("[]"),
    ]]),
  );
const ROWS = [rowOf(json), rowOf(() => json("[]")), rowOf(() => null), rowOf(json)];
/** Rows of all lengths over many pages. */
const MANY = Array.from({ length: 20_000 }, (_, i) => ({
  n: i % 11 === 0
    ? null
    : json(JSON.stringify(Array.from({ length: i % 9 }, (_, j) => j % 4 === 3 ? null : i * j))),
  s: json(JSON.stringify(Array.from({ length: i % 3 }, (_, j) => "x".repeat(i % 50) + j))),
}));
const MANY_FIELDS: readonly Field[] = [
  field("n", "array", { element: { dtype: "int64" } }),
  { ...field("s", "array", { element: { dtype: "string" } }), nullable: false },
];

const infer = (bytes: Uint8Array) =>
  parquet.inferFields(inputOf(bytes), { compression: "none", options: {} });
const textOf = (rows: readonly DXTRecord[]) =>
  rows.map((row) => Object.values(row).map((value) => value === null ? null : String(value)));

Deno.test("arrays of a known type are lists of three levels", async () => {
  const { columns, metadata } = await readFooter(inputOf(await writeParquet(FIELDS, ROWS)));
  const pairs = metadata.structs(FileMetaData.keyValues);
  const arrow = pairs.find((pair) => pair.text(KeyValue.key) === "ARROW:schema")!;
  const schema = schemaFromIPC(Uint8Array.fromBase64(arrow.text(KeyValue.value)!));
  LISTS.forEach(([name, , , type], i) => {
    const { declared } = columns[i * 2]!;
    const names = declared.map((element) => element.text(SchemaElement.name));
    assert.deepEqual(names, [name, "list", "element"]);
    const logical = declared[0]!.struct(SchemaElement.logicalType)!;
    assert.deepEqual([...logical.fields.keys()], [LogicalType.LIST]);
    const [list] = (schema.fields[i * 2]!.type as unknown as { children: { type: unknown }[] })
      .children;
    if (type !== "") assert.equal(String(list!.type), type);
  });
});

Deno.test("lists read back as their JSON, with the fields of the writer", async () => {
  for (const compression of parquet.compressions) {
    const bytes = await writeParquet(FIELDS, ROWS, { compression, batchRows: 3 });
    const fields = await infer(bytes);
    assert.deepEqual(fields, FIELDS);
    assert.deepEqual(textOf(await readAll(parquet, inputOf(bytes), fields)), textOf(ROWS));
  }
});

Deno.test("lists of other programs have elements, too", async () => {
  const bytes = asForeign(await writeParquet(FIELDS, ROWS));
  const wider: Partial<Record<string, Element>> = {
    // The library has no narrower integers inside a list.
    int8: { dtype: "int32" },
    int16: { dtype: "int32" },
  };
  const fields = await infer(bytes);
  assert.deepEqual(
    fields.map(({ element }) => element),
    LISTS.flatMap(([name, element]) => [wider[name] ?? element, wider[name] ?? element]),
  );
  assert.deepEqual(textOf(await readAll(parquet, inputOf(bytes), fields)), textOf(ROWS));
});

Deno.test("pages end between rows, whatever the lengths of the lists", async () => {
  for (const options of [{}, { row_group_rows: 999 }]) {
    const bytes = await writeParquet(MANY_FIELDS, MANY, { options, batchRows: 7000 });
    const rows = await readAll(parquet, inputOf(bytes), MANY_FIELDS);
    assert.deepEqual(textOf(rows), textOf(MANY));
  }
});

Deno.test("a list is larger than a page", async () => {
  const n = json(`[${Array.from({ length: 300_000 }, (_, i) => i).join(",")}]`);
  const rows = [{ n: json("[1]"), s: json("[]") }, { n, s: json('["x"]') }, MANY[2]!];
  const bytes = await writeParquet(MANY_FIELDS, rows);
  assert.deepEqual(textOf(await readAll(parquet, inputOf(bytes), MANY_FIELDS)), textOf(rows));
});

for (
  const [what, element, list] of [
    ["an array in an array", { dtype: "int32" }, "[[1],[2]]"],
    ["an empty array in an array", { dtype: "int32" }, "[[]]"],
    ["an object", { dtype: "string" }, '["a",{"b":1}]'],
    ["a number beyond the type", { dtype: "int16" }, "[1,32768]"],
    ["a fraction", { dtype: "int32" }, "[1.5]"],
    ["text for a number", { dtype: "int32" }, '["x"]'],
    ["a number for text", { dtype: "string" }, "[1]"],
    ["true for text", { dtype: "string" }, "[true]"],
    ["a UUID in upper case", { dtype: "string", uuid: true }, `["${"A".repeat(36)}"]`],
    ["text of 36 bytes", { dtype: "string", uuid: true }, `["${"é".repeat(18)}"]`],
    ["more digits", { dtype: "decimal", precision: 4, scale: 1 }, "[1.25]"],
    ["an infinite date", { dtype: "date" }, '["infinity"]'],
    ["an infinite moment", { dtype: "timestamp_tz" }, '["-infinity"]'],
    ["hour 24", { dtype: "time" }, '["24:00:00"]'],
    ["a lone surrogate", { dtype: "string" }, '["\\ud800"]'],
  ] as const
) {
  Deno.test(`a list of one type is refused with field and row: ${what}`, async () => {
    const rows = ["[]", null, list].map((text) => ({ l: text === null ? null : json(text) }));
    const written = writeParquet([field("l", "array", { element })], rows, { batchRows: 2 });
    await assert.rejects(written, (error: unknown) => {
      assert.ok(error instanceof ValueError, String(error));
      assert.deepEqual([error.field, error.row], ["l", 3]);
      return true;
    });
  });
}

Deno.test("NULL in a list field that is not nullable is refused", async () => {
  const rows = [{ n: null, s: json("[]") }, { n: null, s: null }];
  await assert.rejects(writeParquet(MANY_FIELDS, rows), (error: unknown) => {
    assert.ok(error instanceof ValueError, String(error));
    assert.deepEqual([error.field, error.row], ["s", 2]);
    return true;
  });
});

Deno.test("arrays without a known type stay JSON", async () => {
  const fields = [field("a", "array"), field("l", "array", { element: { dtype: "int32" } })];
  const rows = [{ a: json('[1,"x",[2]]'), l: json("[1]") }];
  const bytes = await writeParquet(fields, rows);
  const { columns } = await readFooter(inputOf(bytes));
  assert.deepEqual(columns.map(({ declared }) => declared.length), [1, 3]);
  assert.deepEqual(await infer(bytes), fields);
  assert.deepEqual(textOf(await readAll(parquet, inputOf(bytes), fields)), textOf(rows));
});

readerTest("DuckDB reads the lists", noDuckDB, async () => {
  await withFile(await writeParquet(MANY_FIELDS, MANY), async (path) => {
    const [rows] = await duckdb(
      `SELECT to_json(n)::VARCHAR, to_json(s)::VARCHAR FROM read_parquet('${path}')`,
    );
    assert.deepEqual(rows, textOf(MANY));
  });
  await withFile(await writeParquet(FIELDS, ROWS), async (path) => {
    const [rows] = await duckdb(
      `SELECT ids::VARCHAR, moment::VARCHAR, len(bool), time[1]::VARCHAR FROM read_parquet('${path}')`,
    );
    const first = [
      "[a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11, NULL]",
      "['2024-02-29 00:00:00+00']",
      "10",
      "23:59:59.999999",
    ];
    assert.deepEqual(rows!.map((row) => row.map((text) => text === null ? null : String(text))), [
      first,
      ["[]", "[]", "0", null],
      [null, null, null, null],
      first,
    ]);
  });
});

readerTest("pyarrow reads the lists", noPyarrow, async () => {
  await withFile(await writeParquet(FIELDS, ROWS), async (path) => {
    const { types, rows, nullable } = await pyarrow(path, FIELDS);
    assert.deepEqual(nullable, FIELDS.map((field) => field.nullable));
    const of = (name: string) => {
      const at = FIELDS.findIndex((field) => field.name === name);
      return [types[at], ...rows.map((row) => row[at])];
    };
    const ints = "[1, None, -2147483648]";
    assert.deepEqual(of("int32"), ["list<element: int32>", ints, "[]", null, ints]);
    assert.deepEqual(of("int32_required").slice(1), [ints, "[]", "[]", ints]);
    const ids = "[UUID('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), None]";
    assert.deepEqual(of("ids"), ["list<element: extension<arrow.uuid>>", ids, "[]", null, ids]);
    const decimals = "[Decimal('1234567.89'), Decimal('-0.01')]";
    const decimalType = "list<element: decimal128(9, 2)>";
    assert.deepEqual(of("small"), [decimalType, decimals, "[]", null, decimals]);
  });
  await withFile(await writeParquet(MANY_FIELDS, MANY), async (path) => {
    const { rows } = await pyarrow(path, MANY_FIELDS);
    const python = (text: string | null) =>
      text?.replaceAll("null", "None").replaceAll('"', "'").replaceAll(",", ", ") ?? null;
    assert.deepEqual(rows, textOf(MANY).map((row) => row.map(python)));
  });
});
