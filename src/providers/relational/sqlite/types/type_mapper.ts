/**
 * SQLite's declared types ↔ DXTTypes. SQLite keeps any value in any column and takes from a
 * declared type only an affinity (https://sqlite.org/datatype3.html), so what dxt declares tells
 * the DXTType when it is read again. The names are those of SQLite, PostgreSQL and MySQL, where one
 * of them has the affinity that keeps all values and is not used for wider ones:
 *
 * | DXTType | dxt declares | a value is kept as |
 * |---|---|---|
 * | int8, int16, int32 | INT1, INT2, INT4 | integer |
 * | uint8, uint16, uint32 | TINYINT UNSIGNED, SMALLINT UNSIGNED, INTEGER UNSIGNED | integer |
 * | int64 | INTEGER | integer |
 * | any of these as the only key | INTEGER PRIMARY KEY | the row's number |
 * | uint64 | UNSIGNED64_TEXT | text, digits |
 * | float32, float64 | FLOAT4, REAL | real; NaN is the text NaN, -0 the text -0.0f |
 * | decimal to 15 digits | NUMERIC(p,s) | real or integer, exact: a double keeps 15 digits |
 * | decimal beyond | DECIMAL_TEXT(p,s) | text, digits |
 * | a number without bounds, a guessed decimal | NUMERIC_ANY | integer to 64 bits, else real to 15 digits |
 * | the same, where a value needs more | NUMERIC_TEXT | text, as it is |
 * | string | TEXT | text |
 * | bool | BOOLEAN | integer, 0 or 1 |
 * | date | DATE | text, YYYY-MM-DD |
 * | time | TIME | text, HH:MM:SS[.ffffff] |
 * | timestamp | TIMESTAMP | text, YYYY-MM-DD HH:MM:SS[.ffffff] |
 * | timestamp_tz | TIMESTAMPTZ | text, YYYY-MM-DD HH:MM:SS[.ffffff]+00:00 |
 * | binary | BLOB | blob |
 * | json, array, object | JSON_TEXT, JSON_ARRAY_TEXT, JSON_OBJECT_TEXT | text |
 *
 * A float32 is kept as the double that is the same number: SQLite prints 0.1 as 0.100000001490116.
 *
 * A fraction of a second has no closing zeros, and +00:00 sorts before a point: text in these
 * shapes sorts as time does. Infinite dates are the texts infinity and -infinity. Years outside 0
 * to 9999 have a sign and six digits: dxt orders them as the days that they are, SQLite as text.
 * Those that need more digits are refused, since nothing would read them again.
 *
 * The only key of a table is int64 when it is read again. TIMESTAMPTZ is one word, since Python's
 * `sqlite3` takes the first word of a type, and would fail to read an offset in a TIMESTAMP.
 *
 * What others declare: the names above; TINYINT, SMALLINT and INTEGER SIGNED as INT1, INT2 and INT4,
 * and DOUBLE as REAL, which dxt declared formerly; INT, BIGINT, TINYINT, … any name with INT → int64, since
 * SQLite holds 64 bits in all of them (the sized UNSIGNED ones as above); CHAR, CLOB, TEXT → string;
 * REAL, FLOAT, DOUBLE, and NUMERIC or DECIMAL without digits → float64; NUMERIC(p,s) → decimal;
 * BOOL, BOOLEAN → bool; DATETIME, TIMESTAMP → timestamp; TIMESTAMP WITH TIME ZONE → timestamp_tz;
 * JSON, JSONB → json; BLOB, BINARY, VARBINARY → binary. Any other declared type, none, and the
 * columns of views and queries that are computed: the type that the first values have.
 */
import { TypeMappingError } from "../../../../core/errors.ts";
import { isIntegerType } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import {
  isUnbounded,
  type MappedType,
  type TypeMapper,
  UNBOUNDED_NUMBER,
} from "../../../../core/contracts/type_mapper.ts";
import {
  decimalType,
  DOUBLE_DIGITS,
  keptType,
  nativeTypes,
  splitTypeName,
} from "../../type_name.ts";

/** A number without bounds: as one, or as text where one of its values is none of SQLite's numbers. */
export const ANY_NUMBER = "NUMERIC_ANY";
export const NUMBER_TEXT = "NUMERIC_TEXT";

const DECLARED = {
  int8: "INT1",
  int16: "INT2",
  int32: "INT4",
  int64: "INTEGER",
  uint8: "TINYINT UNSIGNED",
  uint16: "SMALLINT UNSIGNED",
  uint32: "INTEGER UNSIGNED",
  uint64: "UNSIGNED64_TEXT",
  float32: "FLOAT4",
  float64: "REAL",
  string: "TEXT",
  bool: "BOOLEAN",
  date: "DATE",
  time: "TIME",
  timestamp: "TIMESTAMP",
  timestamp_tz: "TIMESTAMPTZ",
  binary: "BLOB",
  json: "JSON_TEXT",
  array: "JSON_ARRAY_TEXT",
  object: "JSON_OBJECT_TEXT",
} as const;

type PlainType = keyof typeof DECLARED;

const READ: ReadonlyMap<string, PlainType> = new Map<string, PlainType>([
  ...Object.entries(DECLARED).map(([dtype, name]) => [name, dtype as PlainType] as const),
  ["TINYINT SIGNED", "int8"],
  ["SMALLINT SIGNED", "int16"],
  ["INTEGER SIGNED", "int32"],
  ["INT UNSIGNED", "uint32"],
  ["BOOL", "bool"],
  ["DATETIME", "timestamp"],
  ["TIMESTAMP WITHOUT TIME ZONE", "timestamp"],
  ["TIMESTAMP WITH TIME ZONE", "timestamp_tz"],
  ["TIME WITHOUT TIME ZONE", "time"],
  ["JSON", "json"],
  ["JSONB", "json"],
  ["BINARY", "binary"],
  ["VARBINARY", "binary"],
  ["NUMERIC", "float64"],
  ["DECIMAL", "float64"],
  ["DEC", "float64"],
]);

const DECIMALS = new Set(["NUMERIC", "DECIMAL", "DEC", "DECIMAL_TEXT"]);

/** How SQLite turns a value that is put into a column. */
export type Affinity = "integer" | "text" | "none" | "real" | "numeric";

/** The affinity of a declared type: https://sqlite.org/datatype3.html#determination_of_column_affinity */
export function findAffinity(declared: string): Affinity {
  const name = declared.toUpperCase();
  if (name.includes("INT")) return "integer";
  if (/CHAR|CLOB|TEXT/.test(name)) return "text";
  if (name === "" || name.includes("BLOB")) return "none";
  return /REAL|FLOA|DOUB/.test(name) ? "real" : "numeric";
}

/** The type that a declared one means; undefined when only the values tell. */
export function declaredType(declared: string): MappedType | undefined {
  const { words, args } = splitTypeName(declared);
  const name = words.toUpperCase();
  if (name === ANY_NUMBER || name === NUMBER_TEXT) return UNBOUNDED_NUMBER;
  if (DECIMALS.has(name) && args.length > 0) return decimalType(args);
  const known = READ.get(name);
  if (known !== undefined) return { dtype: known };
  switch (findAffinity(name)) {
    case "integer":
      return { dtype: "int64" };
    case "text":
      return { dtype: "string" };
    case "real":
      return { dtype: "float64" };
    case "none":
      return name === "" ? undefined : { dtype: "binary" };
    case "numeric":
      return undefined;
  }
}

export const { sourceType, nativeType } = nativeTypes("sqlite");

export const typeMapper: TypeMapper = {
  fromSource(nativeType) {
    const type = declaredType(nativeType);
    if (type !== undefined) return type;
    throw new TypeMappingError(
      `Cannot map SQLite type "${nativeType}": only its values tell, expected a declared dtype`,
    );
  },

  toTarget(field) {
    if (field.target_type !== undefined) return field.target_type;
    const again = keptType(field, nativeType(field), declaredType);
    if (again !== undefined) return again;
    if (isUnbounded(field)) return ANY_NUMBER;
    if (field.dtype !== "decimal") return DECLARED[field.dtype];
    const { precision = 38, scale = 0 } = field;
    const name = precision <= DOUBLE_DIGITS ? "NUMERIC" : "DECIMAL_TEXT";
    return `${name}(${precision},${scale})`;
  },
};

/** The type of a column in a new table: its only key, if an integer, is the number of the row. */
export function newColumnType(field: Field, keys: readonly string[]): string {
  const isRowNumber = keys.length === 1 && keys[0] === field.name &&
    isIntegerType(field.dtype) && field.dtype !== "uint64" &&
    field.target_type === undefined && nativeType(field) === undefined;
  return isRowNumber ? DECLARED.int64 : typeMapper.toTarget(field);
}
