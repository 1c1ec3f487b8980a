/**
 * MySQL's types ↔ DXTTypes.
 *
 * | MySQL | DXTType |
 * |---|---|
 * | tinyint, smallint, int (mediumint), bigint | int8, int16, int32, int64; unsigned: uint8 … uint64 |
 * | tinyint(1), bit(1) | bool; another value than 0 and 1 is refused |
 * | bit(n) | uint64 |
 * | year | int16 |
 * | decimal(p,s) | decimal(p,s) |
 * | float, double | float32, float64; there is no NaN and no infinity, and in MariaDB no negative zero |
 * | date, datetime | date, timestamp; dates of zeros are refused |
 * | timestamp | timestamp_tz: sessions are in UTC |
 * | time | time; a span beyond a day or below zero is refused |
 * | char, varchar, text, enum, set, uuid, inet | string; the server gives char without closing blanks |
 * | binary, varbinary, blob, geometry | binary; a geometry as the server keeps it, SRID before WKB |
 * | json | json; MariaDB's is longtext: string |
 *
 * A float32 in a double column is the same number, 0.10000000149011612 for 0.1; in a text column it is 0.1.
 *
 * What is refused is read as text where `dtype: string` is declared. What dxt declares: the types above; for
 * timestamp_tz datetime(6) in UTC, since a timestamp ends in 2038; for text and JSON longtext with a binary
 * collation, and for keys varchar(191) and varbinary(191), which an index can hold; for a decimal beyond
 * 65 digits, or 30 after the point, longtext.
 */
import { TypeMappingError } from "../../../core/errors.ts";
import { type MappedType, type TypeMapper, UUID } from "../../../core/contracts/type_mapper.ts";
import type { DXTType } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import { decimalType, keptType, nativeTypes, splitTypeName } from "../type_name.ts";

export const { sourceType, nativeType } = nativeTypes("mysql");

const INTEGERS: Readonly<Record<string, 8 | 16 | 32 | 64>> = {
  tinyint: 8,
  smallint: 16,
  mediumint: 32,
  int: 32,
  integer: 32,
  bigint: 64,
};

const READ: Readonly<Record<string, DXTType>> = {
  year: "int16",
  float: "float32",
  double: "float64",
  real: "float64",
  date: "date",
  datetime: "timestamp",
  timestamp: "timestamp_tz",
  time: "time",
  json: "json",
  binary: "binary",
  varbinary: "binary",
  tinyblob: "binary",
  blob: "binary",
  mediumblob: "binary",
  longblob: "binary",
  geometry: "binary",
  point: "binary",
  linestring: "binary",
  polygon: "binary",
  multipoint: "binary",
  multilinestring: "binary",
  multipolygon: "binary",
  geomcollection: "binary",
  geometrycollection: "binary",
  char: "string",
  varchar: "string",
  tinytext: "string",
  text: "string",
  mediumtext: "string",
  longtext: "string",
  enum: "string",
  set: "string",
  inet4: "string",
  inet6: "string",
};

/** The first word of a type, for example `varchar`. */
export function typeWord(type: string): string {
  return /^\w+/.exec(type)?.[0].toLowerCase() ?? "";
}

function fromSource(type: string): MappedType {
  const word = typeWord(type);
  const { args } = splitTypeName(type);
  const isUnsigned = / unsigned/i.test(type);
  const bits = INTEGERS[word];
  if (bits === 8 && args[0] === 1 && !isUnsigned) return { dtype: "bool" };
  if (bits !== undefined) return { dtype: `${isUnsigned ? "uint" : "int"}${bits}` };
  if (word === "bit") return { dtype: (args[0] ?? 1) === 1 ? "bool" : "uint64" };
  if (word === "decimal") {
    const decimal = decimalType(args.length === 0 ? [10, 0] : args);
    if (decimal !== undefined) return decimal;
  }
  if (word === "uuid") return UUID;
  const dtype = READ[word];
  if (dtype !== undefined) return { dtype };
  throw new TypeMappingError(`Cannot map MySQL type "${type}": dxt has no type for it`);
}

const TEXT = "longtext character set utf8mb4 collate utf8mb4_bin";

const WRITTEN: Readonly<Record<Exclude<DXTType, "decimal">, string>> = {
  int8: "tinyint",
  int16: "smallint",
  int32: "int",
  int64: "bigint",
  uint8: "tinyint unsigned",
  uint16: "smallint unsigned",
  uint32: "int unsigned",
  uint64: "bigint unsigned",
  float32: "float",
  float64: "double",
  bool: "tinyint(1)",
  date: "date",
  time: "time(6)",
  timestamp: "datetime(6)",
  timestamp_tz: "datetime(6)",
  string: TEXT,
  json: TEXT,
  array: TEXT,
  object: TEXT,
  binary: "longblob",
};

/** Longest text that every server's index holds, in characters of four bytes. */
const KEY_TYPES: Readonly<Record<string, string>> = {
  [TEXT]: "varchar(191) character set utf8mb4 collate utf8mb4_bin",
  longblob: "varbinary(191)",
};

function toTarget(field: Field): string {
  if (field.target_type !== undefined) return field.target_type;
  const native = keptType(field, nativeType(field), fromSource);
  // A timestamp column may fill itself.
  if (native !== undefined && !/^(timestamp|json)/.test(native)) {
    return /char|text/.test(native)
      ? `${native} character set utf8mb4 collate utf8mb4_bin`
      : native;
  }
  if (field.dtype !== "decimal") return WRITTEN[field.dtype];
  const { precision = 38, scale = 0 } = field;
  return precision <= 65 && scale <= 30 ? `decimal(${precision},${scale})` : TEXT;
}

/** The type of a column of a new table; that of a key can be indexed. */
export function columnType(field: Field, isKey: boolean): string {
  const type = toTarget(field);
  return isKey ? KEY_TYPES[type] ?? type : type;
}

export const typeMapper: TypeMapper = { fromSource, toTarget };
