/** Records with every DXTType, and with UUIDs, which are strings: extremes, nulls and values that break things. */
import type { Field } from "../../src/models/field.ts";
import { type DXTRecord, INTEGER_BOUNDS, JSONText } from "../../src/core/values/values.ts";

export const FIELDS_OF_EVERY_TYPE: readonly Field[] = [
  { name: "f_int8", dtype: "int8", nullable: true },
  { name: "f_int16", dtype: "int16", nullable: true },
  { name: "f_int32", dtype: "int32", nullable: true },
  { name: "f_int64", dtype: "int64", nullable: true },
  { name: "f_uint8", dtype: "uint8", nullable: true },
  { name: "f_uint16", dtype: "uint16", nullable: true },
  { name: "f_uint32", dtype: "uint32", nullable: true },
  { name: "f_uint64", dtype: "uint64", nullable: true },
  { name: "f_float32", dtype: "float32", nullable: true },
  { name: "f_float64", dtype: "float64", nullable: true },
  { name: "f_decimal", dtype: "decimal", precision: 12, scale: 2, nullable: true },
  { name: "f_decimal38", dtype: "decimal", precision: 38, scale: 10, nullable: true },
  { name: "f_decimal76", dtype: "decimal", precision: 76, scale: 0, nullable: true },
  { name: "f_string", dtype: "string", nullable: true },
  { name: "f_bool", dtype: "bool", nullable: true },
  { name: "f_date", dtype: "date", nullable: true },
  { name: "f_time", dtype: "time", nullable: true },
  { name: "f_timestamp", dtype: "timestamp", nullable: true },
  { name: "f_timestamp_tz", dtype: "timestamp_tz", nullable: true },
  { name: "f_binary", dtype: "binary", nullable: true },
  { name: "f_json", dtype: "json", nullable: true },
  { name: "f_array", dtype: "array", nullable: true },
  { name: "f_object", dtype: "object", nullable: true },
  { name: "f_uuid", dtype: "string", uuid: true, nullable: true },
];

const bound = (dtype: keyof typeof INTEGER_BOUNDS, side: 0 | 1) => {
  const value = INTEGER_BOUNDS[dtype][side];
  return dtype.endsWith("64") ? value : Number(value);
};

const integers = (side: 0 | 1): DXTRecord =>
  Object.fromEntries(
    (Object.keys(INTEGER_BOUNDS) as (keyof typeof INTEGER_BOUNDS)[])
      .map((dtype) => [`f_${dtype}`, bound(dtype, side)]),
  );

/** Lowest, highest, all NULL, ordinary, infinite, empty. No NaN, no U+0000, no infinity of dates. */
export function extremes(): DXTRecord[] {
  return [
    {
      ...integers(0),
      f_float32: -3.4028234663852886e38,
      f_float64: -Number.MAX_VALUE,
      f_decimal: "-9999999999.99",
      f_decimal38: `-${"9".repeat(28)}.${"9".repeat(10)}`,
      f_decimal76: `-${"9".repeat(76)}`,
      f_string: "",
      f_bool: false,
      f_date: new Temporal.PlainDate(1, 1, 1),
      f_time: new Temporal.PlainTime(0, 0, 0),
      f_timestamp: new Temporal.PlainDateTime(1, 1, 1, 0, 0, 0, 0, 1),
      f_timestamp_tz: Temporal.Instant.from("0001-01-01T00:00:00.000001Z"),
      f_binary: new Uint8Array(),
      f_json: new JSONText("null"),
      f_array: new JSONText("[]"),
      f_object: new JSONText("{}"),
      f_uuid: "00000000-0000-0000-0000-000000000000",
    },
    {
      ...integers(1),
      f_float32: 3.4028234663852886e38,
      f_float64: Number.MAX_VALUE,
      f_decimal: "9999999999.99",
      f_decimal38: `${"9".repeat(28)}.${"9".repeat(10)}`,
      f_decimal76: "9".repeat(76),
      f_string: "żółć 日本語 🦕\t\"quoted\" 'single' \\ back, comma; semi\r\nnew line ",
      f_bool: true,
      f_date: new Temporal.PlainDate(9999, 12, 31),
      f_time: new Temporal.PlainTime(23, 59, 59, 999, 999),
      f_timestamp: new Temporal.PlainDateTime(9999, 12, 31, 23, 59, 59, 999, 999),
      f_timestamp_tz: Temporal.Instant.from("9999-12-31T23:59:59.999999Z"),
      f_binary: Uint8Array.from({ length: 256 }, (_, i) => i),
      f_json: new JSONText('{"b":[1,2.50,null,true,"x"],"a":{}}'),
      f_array: new JSONText('[1,"two",null,[3]]'),
      f_object: new JSONText('{"big":12345678901234567890}'),
      f_uuid: "ffffffff-ffff-ffff-ffff-ffffffffffff",
    },
    Object.fromEntries(FIELDS_OF_EVERY_TYPE.map(({ name }) => [name, null])),
    {
      f_int8: 0,
      f_int16: 0,
      f_int32: 0,
      f_int64: 9007199254740993n,
      f_uint8: 0,
      f_uint16: 0,
      f_uint32: 0,
      f_uint64: 9007199254740993n,
      f_float32: 0.5,
      f_float64: 5e-324,
      f_decimal: "0.10",
      f_decimal38: "0.0000000001",
      f_decimal76: "0",
      f_string: "NULL",
      f_bool: true,
      f_date: new Temporal.PlainDate(1970, 1, 1),
      f_time: new Temporal.PlainTime(12, 34, 56, 789, 12),
      f_timestamp: new Temporal.PlainDateTime(1969, 12, 31, 23, 59, 59, 999, 999),
      f_timestamp_tz: Temporal.Instant.from("2024-02-29T12:00:00.123456Z"),
      f_binary: new Uint8Array([0]),
      f_json: new JSONText('"text"'),
      f_array: new JSONText("[[]]"),
      f_object: new JSONText('{"":""}'),
      f_uuid: "01234567-89ab-cdef-7fff-80fedcba9876",
    },
    {
      ...Object.fromEntries(FIELDS_OF_EVERY_TYPE.map(({ name }) => [name, null])),
      f_float32: Infinity,
      f_float64: -Infinity,
      f_string: "-- '; DROP TABLE students; --",
    },
    {
      ...Object.fromEntries(FIELDS_OF_EVERY_TYPE.map(({ name }) => [name, null])),
      f_float64: -0,
      f_decimal: "-0.01",
      f_string: "\\N",
      f_date: new Temporal.PlainDate(2000, 2, 29),
    },
  ];
}

/**
 * A value that `deepEqual` tells from every other one: two Temporal objects are equal to it
 * whatever they hold.
 */
export function comparable(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return `binary ${value.toHex()}`;
  if (typeof value === "object") return `${value.constructor.name} ${String(value)}`;
  return value;
}

/** Records with {@linkcode comparable} values. */
export function comparableRecords(records: Iterable<DXTRecord>): Record<string, unknown>[] {
  return Array.from(
    records,
    (record) =>
      Object.fromEntries(Object.entries(record).map(([name, value]) => [name, comparable(value)])),
  );
}
