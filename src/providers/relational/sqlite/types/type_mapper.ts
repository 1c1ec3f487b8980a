/**
 * SQLite's declared types ↔ DXTTypes. SQLite keeps any value in any column and takes from a
 * declared type only an affinity (https://sqlite.org/datatype3.html), so what dxt declares tells
 * the DXTType when it is read again:
 *
 * | DXTType | dxt declares | a value is kept as |
 * |---|---|---|
 * | int8, int16, int32 | TINYINT SIGNED, SMALLINT SIGNED, INTEGER SIGNED | integer |
 * | uint8, uint16, uint32 | TINYINT UNSIGNED, SMALLINT UNSIGNED, INTEGER UNSIGNED | integer |
 * | int64 | INTEGER | integer |
 * | uint64 | UNSIGNED64_TEXT | text, digits |
 * | float32, float64 | FLOAT4, DOUBLE | real; NaN is the text NaN, -0 the text -0.0f |
 * | decimal to 15 digits | NUMERIC(p,s) | real or integer, exact: a double keeps 15 digits |
 * | decimal beyond | DECIMAL_TEXT(p,s) | text, digits |
 * | a number without bounds | NUMERIC_ANY | integer to 64 bits, else real to 15 digits |
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
 * A fraction of a second has no closing zeros, and +00:00 sorts before a point: text in these
 * shapes sorts as time does. Infinite dates are the texts infinity and -infinity. Years outside 0
 * to 9999 have a sign and six digits: dxt orders them as the days that they are, SQLite as text.
 * Those that need more digits are refused, since nothing would read them again.
 *
 * What others declare: the names above; INT, BIGINT, TINYINT, … any name with INT → int64, since
 * SQLite holds 64 bits in all of them (the sized UNSIGNED ones as above); CHAR, CLOB, TEXT → string;
 * REAL, FLOAT, DOUBLE, and NUMERIC or DECIMAL without digits → float64; NUMERIC(p,s) → decimal;
 * BOOL, BOOLEAN → bool; DATETIME, TIMESTAMP → timestamp; TIMESTAMP WITH TIME ZONE → timestamp_tz;
 * JSON, JSONB → json; BLOB, BINARY, VARBINARY → binary. Any other declared type, none, and the
 * columns of views and queries that are computed: the type that the first values have.
 */
import { TypeMappingError } from "../../../../core/errors.ts";
import {
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

/** A number without bounds: as one, or as text where one of its values is no integer or double. */
export const ANY_NUMBER = "NUMERIC_ANY";
export const NUMBER_TEXT = "NUMERIC_TEXT";

const DECLARED = {
  int8: "TINYINT SIGNED",
  int16: "SMALLINT SIGNED",
  int32: "INTEGER SIGNED",
  int64: "INTEGER",
  uint8: "TINYINT UNSIGNED",
  uint16: "SMALLINT UNSIGNED",
  uint32: "INTEGER UNSIGNED",
  uint64: "UNSIGNED64_TEXT",
  float32: "FLOAT4",
  float64: "DOUBLE",
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
export function affinityOf(declared: string): Affinity {
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
  switch (affinityOf(name)) {
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
    if (field.number === true) return ANY_NUMBER;
    if (field.dtype !== "decimal") return DECLARED[field.dtype];
    const { precision = 38, scale = 0 } = field;
    const name = precision <= DOUBLE_DIGITS ? "NUMERIC" : "DECIMAL_TEXT";
    return `${name}(${precision},${scale})`;
  },
};
