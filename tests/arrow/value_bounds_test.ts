/** Values that Arrow's buffers hold and their types do not. */
import assert from "node:assert/strict";
import {
  type Data,
  DataType,
  DateDay,
  Decimal,
  Dictionary,
  Field as ArrowField,
  Int32,
  List,
  makeData,
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
  Vector,
} from "apache-arrow";
import { canonicalFields, createCanonicalizer, readRecords } from "../../src/arrow/mod.ts";
import { ValueError } from "../../src/core/errors.ts";
import { type Value } from "../../src/core/values/values.ts";

const DAY = 86_400_000_000n;

/** The last value of a column of another writer, read as the type that the column says. */
function lastOf(data: Data): Value {
  const schema = new Schema([new ArrowField("v", data.type, true)]);
  const type = new Struct(schema.fields);
  const struct = makeData({ type, length: data.length, nullCount: 0, children: [data] });
  const projections = canonicalFields(schema).map((field) => ({ field, column: field.name }));
  const batch = createCanonicalizer(schema, projections)(new RecordBatch(schema, struct as never));
  return Array.from(readRecords(batch)).at(-1)!["v"]!;
}

const ints = (type: DataType, ...values: number[]) =>
  makeData({ type, length: values.length, data: Int32Array.from(values) } as never);
const bigs = (type: DataType, ...values: bigint[]) =>
  makeData({ type, length: values.length, data: BigInt64Array.from(values) } as never);

/** A column with zero and one unscaled value. */
function decimal(precision: number, scale: number, bits: 32 | 64 | 128 | 256, value: bigint): Data {
  const width = bits / 32;
  const data = new Uint32Array(width * 2);
  for (let i = 0; i < width; i++) {
    data[width + i] = Number(BigInt.asUintN(32, value >> BigInt(32 * i)));
  }
  return makeData({ type: new Decimal(scale, precision, bits), length: 2, data } as never);
}

/** Columns whose last value is beyond its type, with the value as the error tells it. */
const BEYOND: Record<string, readonly [Data, string]> = {
  "2^100 in 20 digits": [decimal(20, 0, 128, 2n ** 100n), String(2n ** 100n)],
  "2^40 in 3 digits": [decimal(3, 2, 128, 2n ** 40n), "10995116277.76"],
  "the first with a digit more": [decimal(10, 0, 128, 10n ** 10n), "10000000000"],
  "the last with a digit more": [decimal(10, 4, 128, -(10n ** 10n)), "-1000000.0000"],
  "39 digits in 38": [decimal(38, 0, 128, 10n ** 38n), `1${"0".repeat(38)}`],
  "the lowest of 128 bits": [decimal(38, 0, 128, -(2n ** 127n)), String(-(2n ** 127n))],
  "77 digits in 76": [decimal(76, 0, 256, -(10n ** 76n)), `-1${"0".repeat(76)}`],
  "few digits in 256 bits": [decimal(5, 0, 256, 2n ** 200n), String(2n ** 200n).slice(0, 40)],
  "10 digits in 9, of 32 bits": [decimal(9, 0, 32, 2n ** 31n - 1n), "2147483647"],
  "19 digits in 18, of 64 bits": [decimal(18, 2, 64, -(2n ** 63n)), "-92233720368547758.08"],
  "a negative scale": [decimal(3, -2, 128, 1000n), "1000e2"],
  "a microsecond before midnight": [bigs(new TimeMicrosecond(), 0n, -1n), "-1 µs"],
  "midnight at the day's end": [bigs(new TimeMicrosecond(), 0n, DAY), `${DAY} µs`],
  "25 hours": [bigs(new TimeMicrosecond(), 0n, (DAY * 25n) / 24n), "90000000000 µs"],
  "the longest time": [bigs(new TimeMicrosecond(), 0n, 2n ** 63n - 1n), `${2n ** 63n - 1n} µs`],
  "25 hours in seconds": [ints(new TimeSecond(), 0, 90_000), "90000 s"],
  "-1 second": [ints(new TimeSecond(), 0, -1), "-1 s"],
  "-1 millisecond": [ints(new TimeMillisecond(), 0, -1), "-1 ms"],
  "24 hours in nanoseconds": [bigs(new TimeNanosecond(), 0n, DAY * 1000n), `${DAY}000 ns`],
  "a day after the calendar": [ints(new DateDay(), 0, 100_000_001), "100000001 days"],
  "a day before the calendar": [ints(new DateDay(), 0, -100_000_002), "-100000002 days"],
  "what is an infinite day elsewhere": [ints(new DateDay(), 0, 2 ** 31 - 1), "2147483647 days"],
  "the last microsecond": [bigs(new TimestampMicrosecond(), 0n, 2n ** 63n - 1n), "807 µs"],
  "the first microsecond": [bigs(new TimestampMicrosecond(), 0n, -(2n ** 63n)), "808 µs"],
  "a year too far": [bigs(new TimestampMicrosecond(), 0n, 100_000_001n * DAY), " µs"],
  "an instant too far": [bigs(new TimestampMicrosecond("UTC"), 0n, 100_000_000n * DAY + 1n), " µs"],
  "seconds too far": [bigs(new TimestampSecond(), 0n, 2n ** 60n), String(2n ** 60n)],
  "milliseconds too far": [bigs(new TimestampMillisecond("UTC"), 0n, 2n ** 60n), String(2n ** 60n)],
  "nanoseconds that are lost": [bigs(new TimestampNanosecond(), 0n, 1n), "1 ns"],
};

for (const [what, [data, value]] of Object.entries(BEYOND)) {
  Deno.test(`${what} is refused with its row and value`, () => {
    assert.throws(() => lastOf(data), (error) => {
      assert.ok(error instanceof ValueError, String(error));
      assert.deepEqual([error.field, error.row], ["v", 2]);
      assert.ok(String(error.value).includes(value), error.message);
      return true;
    });
  });

  Deno.test(`${what} is refused in a list and a dictionary`, () => {
    const list = new List(new ArrowField("item", data.type, true));
    const valueOffsets = Int32Array.of(0, 0, 2);
    assert.throws(
      () => lastOf(makeData({ type: list, length: 2, valueOffsets, child: data } as never)),
      ValueError,
    );
    const type = new Dictionary(data.type, new Int32());
    const dictionary = new Vector([data]);
    const codes = Int32Array.of(0, 1);
    assert.throws(
      () => lastOf(makeData({ type, length: 2, data: codes, dictionary } as never)),
      ValueError,
    );
  });
}

Deno.test("what a NULL's slot holds is no value", () => {
  for (const [data] of Object.values(BEYOND)) {
    const { type, length, values } = data;
    const nullBitmap = Uint8Array.of(1);
    const nulls = makeData({ type, length, nullCount: 1, nullBitmap, data: values } as never);
    assert.equal(lastOf(nulls), null);
  }
});

/** Columns whose last value is the outermost of its type. */
const WITHIN: readonly Data[] = [
  ...[3, 9, 10, 18, 19, 20, 28, 29, 38].flatMap((precision) =>
    [10n ** BigInt(precision) - 1n, 1n - 10n ** BigInt(precision), -1n, 1n].map((value) =>
      decimal(precision, 0, 128, value)
    )
  ),
  ...[39, 57, 76].flatMap((precision) =>
    [10n ** BigInt(precision) - 1n, 1n - 10n ** BigInt(precision), -1n, 2n ** 127n].map((value) =>
      decimal(precision, 0, 256, value)
    )
  ),
  bigs(new TimeMicrosecond(), 0n, DAY - 1n),
  ints(new TimeSecond(), 0, 86_399),
  ints(new DateDay(), 0, 100_000_000),
  ints(new DateDay(), 0, -100_000_001),
  bigs(new TimestampMicrosecond(), 0n, 100_000_001n * DAY - 1n),
  bigs(new TimestampMicrosecond(), 0n, 1n - 100_000_001n * DAY),
  bigs(new TimestampMicrosecond("UTC"), 0n, 100_000_000n * DAY),
  bigs(new TimestampMicrosecond("UTC"), 0n, -100_000_000n * DAY),
];

Deno.test("the outermost values of each type are read", () => {
  for (const data of WITHIN) assert.notEqual(lastOf(data), null);
});
