import assert from "node:assert/strict";
import {
  Binary,
  type Data,
  type DataType,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field as ArrowField,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Int16,
  Int32,
  Int64,
  IntervalYearMonth,
  LargeBinary,
  LargeUtf8,
  List,
  makeData,
  Map_,
  Null,
  RecordBatch,
  Schema,
  Struct,
  TimeMicrosecond,
  TimeMillisecond,
  TimeNanosecond,
  TimeSecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Utf8,
  Utf8View,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import {
  arrowSchema,
  buildBatches,
  canonicalFields,
  createCanonicalizer,
  readRecords,
} from "../../src/arrow/mod.ts";
import type { Batch } from "../../src/core/contracts/batch.ts";
import { SchemaError, ValueError } from "../../src/core/errors.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";
import {
  comparable,
  comparableRecords,
  extremes,
  FIELDS_OF_EVERY_TYPE,
} from "../conformance/values.ts";

/** A batch of one column, `v`. */
function batchOf(data: Data, metadata = new Map<string, string>()): Batch {
  const schema = new Schema([new ArrowField("v", data.type, true, metadata)]);
  const struct = makeData({
    type: new Struct(schema.fields),
    length: data.length,
    children: [data],
  });
  return new RecordBatch(schema, struct) as Batch;
}

function read(batches: readonly Batch[], field?: Field): unknown[] {
  const { schema } = batches[0]!;
  const fields = field === undefined ? canonicalFields(schema) : [field];
  const canonical = createCanonicalizer(schema, fields.map((field) => ({ field, column: "v" })));
  const records: DXTRecord[] = batches.flatMap((batch) => [...readRecords(canonical(batch))]);
  return records.map((record) => comparable(Object.values(record)[0]));
}

const vector = (values: readonly unknown[], type: DataType): Data =>
  vectorFromArray(values, type as never).data[0]!;

const raw = (type: DataType, values: ArrayLike<unknown>, length: number, nulls?: number): Data =>
  makeData({
    type,
    length,
    nullCount: nulls === undefined ? 0 : 1,
    nullBitmap: nulls === undefined ? null : Uint8Array.of(nulls),
    data: values,
  } as never);

const item = (type: DataType) => new ArrowField("item", type, true);

/** An unscaled value in so many bits, lowest word first. */
function words(values: readonly bigint[], bits: number): Uint32Array {
  return Uint32Array.from(
    values.flatMap((value) =>
      Array.from({ length: bits / 32 }, (_, i) => Number((value >> BigInt(32 * i)) & 0xffffffffn))
    ),
  );
}

const LAYOUTS: Record<string, readonly [Data, Field["dtype"], readonly unknown[]]> = {
  "dictionary": [
    vector(["a", "b", null, "a"], new Dictionary(new Utf8(), new Int32())),
    "string",
    ["a", "b", null, "a"],
  ],
  "dictionary with a NULL word, in two parts": [
    makeData({
      type: new Dictionary(new Utf8(), new Int16()),
      length: 5,
      nullCount: 1,
      nullBitmap: Uint8Array.of(0b01111),
      data: Int16Array.of(3, 1, 0, 2, 99),
      dictionary: new Vector([vector(["a", null], new Utf8()), vector(["c", "ż"], new Utf8())]),
    } as never),
    "string",
    ["ż", null, "a", "c", null],
  ],
  "LargeUtf8": [vector(["", null, "ż"], new LargeUtf8()), "string", ["", null, "ż"]],
  "Utf8View": [
    vector(["short", null, "a text of more than twelve bytes"], new Utf8View()),
    "string",
    ["short", null, "a text of more than twelve bytes"],
  ],
  "LargeBinary": [
    vector([Uint8Array.of(0, 255), null, new Uint8Array()], new LargeBinary()),
    "binary",
    ["binary 00ff", null, "binary "],
  ],
  "FixedSizeBinary": [
    raw(new FixedSizeBinary(2), Uint8Array.of(1, 2, 9, 9, 255, 0), 3, 0b101),
    "binary",
    ["binary 0102", null, "binary ff00"],
  ],
  "Float16": [
    raw(new Float16(), Uint16Array.of(0x3800, 0xc000, 0, 0x7c00), 4, 0b1011),
    "float32",
    [0.5, -2, null, Infinity],
  ],
  "Null": [makeData({ type: new Null(), length: 2 }), "string", [null, null]],
  "Date64": [
    raw(new DateMillisecond(), BigInt64Array.of(0n, -1n), 2),
    "timestamp",
    ["PlainDateTime 1970-01-01T00:00:00", "PlainDateTime 1969-12-31T23:59:59.999"],
  ],
  "Time32 of seconds": [raw(new TimeSecond(), Int32Array.of(0, 86399), 2), "time", [
    "PlainTime 00:00:00",
    "PlainTime 23:59:59",
  ]],
  "Time32 of milliseconds": [
    raw(new TimeMillisecond(), Int32Array.of(1), 1),
    "time",
    ["PlainTime 00:00:00.001"],
  ],
  "Time64 of microseconds": [
    raw(new TimeMicrosecond(), BigInt64Array.of(86_399_999_999n), 1),
    "time",
    ["PlainTime 23:59:59.999999"],
  ],
  "Time64 of nanoseconds": [
    raw(new TimeNanosecond(), BigInt64Array.of(1000n), 1),
    "time",
    ["PlainTime 00:00:00.000001"],
  ],
  "Timestamp of seconds": [
    raw(new TimestampSecond(), BigInt64Array.of(-62135596800n), 1),
    "timestamp",
    ["PlainDateTime 0001-01-01T00:00:00"],
  ],
  "Timestamp of milliseconds with a zone": [
    raw(new TimestampMillisecond("Europe/Warsaw"), BigInt64Array.of(-1n), 1),
    "timestamp_tz",
    ["Instant 1969-12-31T23:59:59.999Z"],
  ],
  "Timestamp of microseconds": [
    raw(new TimestampMicrosecond(), BigInt64Array.of(253402300799999999n), 1),
    "timestamp",
    ["PlainDateTime 9999-12-31T23:59:59.999999"],
  ],
  "Timestamp of nanoseconds with a zone": [
    raw(new TimestampNanosecond("+02:00"), BigInt64Array.of(-1000n, 1500000n), 2),
    "timestamp_tz",
    ["Instant 1969-12-31T23:59:59.999999Z", "Instant 1970-01-01T00:00:00.0015Z"],
  ],
  "Decimal128": [
    raw(new Decimal(2, 38, 128), words([10n ** 38n - 1n, -1n, 0n], 128), 3),
    "decimal",
    [`${"9".repeat(36)}.99`, "-0.01", "0.00"],
  ],
  "Decimal128 of a negative scale": [
    raw(new Decimal(-3, 5, 128), words([-12n, 0n], 128), 2),
    "decimal",
    ["-12000", "0"],
  ],
  "Decimal256 of a negative scale": [
    raw(new Decimal(-6, 70, 256), words([10n ** 70n - 1n], 256), 1),
    "decimal",
    [`${"9".repeat(70)}000000`],
  ],
  "list of large integers": [
    vector([[9007199254740993n, null], null, []], new List(item(new Int64()))),
    "array",
    ["JSONText [9007199254740993,null]", null, "JSONText []"],
  ],
  "list of lists of decimals": [
    makeData({
      type: new List(item(new List(item(new Decimal(2, 20, 128))))),
      length: 2,
      nullCount: 0,
      valueOffsets: Int32Array.of(0, 1, 2),
      child: makeData({
        type: new List(item(new Decimal(2, 20, 128))),
        length: 2,
        nullCount: 0,
        valueOffsets: Int32Array.of(0, 2, 2),
        child: raw(new Decimal(2, 20, 128), words([12345678901234567890n, -5n], 128), 2),
      }),
    }),
    "array",
    ["JSONText [[123456789012345678.90,-0.05]]", "JSONText [[]]"],
  ],
  "fixed list": [
    makeData({
      type: new FixedSizeList(2, item(new Int64())),
      length: 2,
      nullCount: 1,
      nullBitmap: Uint8Array.of(0b10),
      child: raw(new Int64(), BigInt64Array.of(0n, 0n, -(2n ** 63n), 1n), 4),
    }),
    "array",
    [null, "JSONText [-9223372036854775808,1]"],
  ],
  "struct with a name to escape, text and bytes": [
    makeData({
      type: new Struct([
        new ArrowField('a"b', new Utf8(), true),
        new ArrowField("c", new Binary(), true),
        new ArrowField("d", new TimestampSecond(), true),
      ]),
      length: 2,
      nullCount: 0,
      children: [
        vector(['say "ż"\n', null], new Utf8()),
        vector([Uint8Array.of(171), null], new Binary()),
        raw(new TimestampSecond(), BigInt64Array.of(0n, 1n), 2),
      ],
    } as never),
    "object",
    [
      String.raw`JSONText {"a\"b":"say \"ż\"\n","c":"ab","d":"1970-01-01T00:00:00"}`,
      'JSONText {"a\\"b":null,"c":null,"d":"1970-01-01T00:00:01"}',
    ],
  ],
  "map with keys that are no text": [
    makeData({
      type: new Map_(
        new ArrowField(
          "entries",
          new Struct({ key: new Int64(), value: new Utf8() } as never) as never,
          false,
        ) as never,
      ),
      length: 2,
      nullCount: 0,
      valueOffsets: Int32Array.of(0, 2, 2),
      child: makeData({
        type: new Struct([
          new ArrowField("key", new Int64(), false),
          new ArrowField("value", new Utf8(), true),
        ]),
        length: 2,
        nullCount: 0,
        children: [
          raw(new Int64(), BigInt64Array.of(9007199254740993n, -1n), 2),
          vector(["x", null], new Utf8()),
        ],
      } as never),
    } as never),
    "object",
    ['JSONText {"9007199254740993":"x","-1":null}', "JSONText {}"],
  ],
};

for (const [name, [data, dtype, values]] of Object.entries(LAYOUTS)) {
  Deno.test(`${name} is read as ${dtype}, whole and in parts`, () => {
    const batch = batchOf(data);
    assert.equal(canonicalFields(batch.schema)[0]!.dtype, dtype);
    assert.deepEqual(read([batch]), values);
    for (let from = 0; from < values.length; from++) {
      for (let to = from + 1; to <= values.length; to++) {
        assert.deepEqual(read([batch.slice(from, to)]), values.slice(from, to), `${from}, ${to}`);
      }
    }
  });
}

Deno.test("parts of batches hold the values of their rows, of every DXTType", async () => {
  const records = extremes();
  const batches = buildBatches(FIELDS_OF_EVERY_TYPE, records, { rows: 100, bytes: 1 << 20 });
  for await (const batch of batches) {
    for (let from = 0; from < records.length; from++) {
      const canonical = createCanonicalizer(
        batch.schema,
        FIELDS_OF_EVERY_TYPE.map((field) => ({ field, column: field.name })),
      );
      const part = canonical(batch.slice(from, records.length));
      assert.deepEqual(
        comparableRecords(readRecords(part)),
        comparableRecords(records.slice(from)),
      );
    }
  }
});

/** The ValueError of a reading. */
function refusal(batches: readonly Batch[], field?: Field): ValueError {
  try {
    read(batches, field);
  } catch (error) {
    assert.ok(error instanceof ValueError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}

const v = (dtype: Field["dtype"], more: Partial<Field> = {}): Field => ({
  name: "v",
  dtype,
  nullable: true,
  ...more,
});

Deno.test("nanoseconds that are no whole microseconds are refused with their row", () => {
  for (
    const type of [new TimestampNanosecond(), new TimestampNanosecond("UTC"), new TimeNanosecond()]
  ) {
    const good = batchOf(raw(type, BigInt64Array.of(0n, 1000n), 2));
    const error = refusal([good, batchOf(raw(type, BigInt64Array.of(2000n, 1001n), 2))]);
    assert.deepEqual([error.field, error.row, error.value], ["v", 4, "1001 ns"]);
  }
});

Deno.test("times beyond a day and dates beyond Temporal's are refused with their row", () => {
  for (
    const data of [
      raw(new TimeSecond(), Int32Array.of(0, 86400), 2),
      raw(new TimeMillisecond(), Int32Array.of(0, -1), 2),
      raw(new TimestampSecond(), BigInt64Array.of(0n, 2n ** 62n), 2),
      raw(new TimestampMillisecond("UTC"), BigInt64Array.of(0n, 2n ** 62n), 2),
      raw(new DateMillisecond(), BigInt64Array.of(0n, -(2n ** 63n)), 2),
    ]
  ) assert.equal(refusal([batchOf(data)]).row, 2);
});

Deno.test("another type is given where it holds the very value", () => {
  const numbers = batchOf(vector([1, null, -5], new Int32()));
  assert.deepEqual(read([numbers], v("int64")), [1n, null, -5n]);
  assert.deepEqual(read([numbers], v("int8")), [1, null, -5]);
  assert.deepEqual(read([numbers], v("string")), ["1", null, "-5"]);
  assert.deepEqual(read([numbers], v("json")), ["JSONText 1", null, "JSONText -5"]);
  assert.deepEqual(read([numbers], v("decimal", { precision: 4, scale: 2 })), [
    "1.00",
    null,
    "-5.00",
  ]);
  const prices = batchOf(raw(new Decimal(2, 10, 128), words([150n], 128), 1));
  assert.deepEqual(read([prices], v("decimal", { precision: 40, scale: 3 })), ["1.500"]);
  assert.deepEqual(read([prices], v("decimal", { precision: 2, scale: 1 })), ["1.5"]);
});

Deno.test("another type is refused where it does not, with the row over all batches", () => {
  const numbers = [[1, 2], [null, 300]].map((values) => batchOf(vector(values, new Int32())));
  const error = refusal(numbers, v("int8"));
  assert.deepEqual([error.field, error.row], ["v", 4]);
  const prices = batchOf(raw(new Decimal(2, 10, 128), words([150n, 151n], 128), 2));
  assert.equal(refusal([prices], v("decimal", { precision: 2, scale: 1 })).row, 2);
  assert.equal(refusal([prices], v("int32")).row, 1);
  const texts = batchOf(vector(["1", "x"], new Utf8()));
  assert.equal(refusal([texts], v("int32")).row, 2);
});

Deno.test("a NULL in a field that is not nullable is refused with its row", () => {
  const numbers = [[1, 2], [3, null]].map((values) => batchOf(vector(values, new Int32())));
  assert.equal(refusal(numbers, v("int32", { nullable: false })).row, 4);
});

Deno.test("a missing column is a SchemaError that names the nearest", () => {
  const { schema } = batchOf(vector([1], new Int32()));
  const named = new Schema([new ArrowField("total", schema.fields[0]!.type, true)]);
  assert.throws(
    () => createCanonicalizer(named, [{ field: v("int32"), column: "totl" }]),
    (error) => error instanceof SchemaError && /"totl".*"total"/.test(error.message),
  );
});

Deno.test("a column of a type that no DXTType holds is a SchemaError with its name", () => {
  const batch = batchOf(raw(new IntervalYearMonth(), Int32Array.of(1), 1));
  const named = (error: unknown) => error instanceof SchemaError && /"v"/.test(error.message);
  assert.throws(() => canonicalFields(batch.schema), named);
  assert.throws(() => read([batch], v("string")), named);
});

function kept(field: Field): Map<string, string> {
  return arrowSchema([field]).fields[0]!.metadata as Map<string, string>;
}

Deno.test("a kept field is believed where its column has that layout", () => {
  const batch = batchOf(vector(['{"a":1.0}'], new Utf8()), kept(v("json", { key: true })));
  assert.deepEqual(canonicalFields(batch.schema), [v("json", { key: true })]);
  assert.deepEqual(read([batch]), ['JSONText {"a":1.0}']);
});

Deno.test("a kept field of another layout, or none at all, is not believed", () => {
  const text = (metadata: Map<string, string>) => batchOf(vector(["x"], new Utf8()), metadata);
  for (
    const field of [v("int64"), v("binary"), v("decimal", { precision: 40, scale: 0 }), v("bool")]
  ) {
    const batch = text(kept(field));
    assert.equal(canonicalFields(batch.schema)[0]!.dtype, "string");
    assert.deepEqual(read([batch]), ["x"]);
  }
  const wide = batchOf(
    raw(new Decimal(2, 40, 256), words([150n], 256), 1),
    kept(v("decimal", { precision: 12, scale: 2 })),
  );
  assert.deepEqual(read([wide]), ["1.50"]);
  const zoned = batchOf(
    raw(new TimestampMillisecond(), BigInt64Array.of(1n), 1),
    kept(v("timestamp")),
  );
  assert.deepEqual(read([zoned]), ["PlainDateTime 1970-01-01T00:00:00.001"]);
  for (const broken of ["{", "[]", '{"dtype":"int32"}']) {
    assert.deepEqual(read([text(new Map([["dxt.field", broken]]))]), ["x"]);
  }
});

Deno.test("a kept field has the name that its column has now", () => {
  const batch = batchOf(vector(["x"], new Utf8()), kept({ ...v("string"), name: "before" }));
  assert.equal(canonicalFields(batch.schema)[0]!.name, "v");
});

Deno.test("text that is kept as JSON and is none is refused with its row", () => {
  const batch = batchOf(vector(["[1]", null, "[1"], new Utf8()), kept(v("array")));
  assert.equal(refusal([batch]).row, 3);
});
