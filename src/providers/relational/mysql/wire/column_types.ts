/** The types that columns have in a result, and how their values are read. */
import type { MappedType } from "../../../../core/contracts/type_mapper.ts";
import type { Field } from "../../../../models/field.ts";
import { FLAG, type ResultColumn, TYPE } from "./packets.ts";

/** How the generated function reads a value, see `compiled_row_decoder.ts`. */
export type DirectKind =
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "float32"
  | "float64"
  | "flag"
  | "bit"
  | "bits"
  | "date"
  | "time"
  | "timestamp"
  | "decimal"
  | "bytes";

/** Character set of columns of bytes. */
const BINARY = 63;

/** The type that holds all values of a column of a result. */
export function naturalType(column: ResultColumn): MappedType {
  const { type, flags, length, decimals } = column;
  const isUnsigned = (flags & FLAG.unsigned) !== 0;
  const whole = (bits: 8 | 16 | 32 | 64): MappedType => ({
    dtype: isUnsigned ? `uint${bits}` : `int${bits}`,
  });
  switch (type) {
    case TYPE.tiny:
      return length === 1 && !isUnsigned ? { dtype: "bool" } : whole(8);
    case TYPE.short:
      return whole(16);
    case TYPE.year:
      return { dtype: "int16" };
    case TYPE.int24:
    case TYPE.long:
      return whole(32);
    case TYPE.longlong:
      return whole(64);
    case TYPE.float:
      return { dtype: "float32" };
    case TYPE.double:
      return { dtype: "float64" };
    case TYPE.decimal:
    case TYPE.newdecimal: {
      const precision = length - (decimals > 0 ? 1 : 0) - (isUnsigned ? 0 : 1);
      return { dtype: "decimal", precision: Math.max(precision, decimals, 1), scale: decimals };
    }
    case TYPE.date:
      return { dtype: "date" };
    case TYPE.time:
      return { dtype: "time" };
    case TYPE.datetime:
      return { dtype: "timestamp" };
    case TYPE.timestamp:
      return { dtype: "timestamp_tz" };
    case TYPE.bit:
      return { dtype: length === 1 ? "bool" : "uint64" };
    case TYPE.json:
      return { dtype: "json" };
    case TYPE.geometry:
      return { dtype: "binary" };
    default: {
      const isChoice = (flags & (FLAG.enum | FLAG.set)) !== 0;
      return { dtype: column.charset === BINARY && !isChoice ? "binary" : "string" };
    }
  }
}

/** How the values of a column are read as a field without conversion; undefined where they are not. */
export function directKind(column: ResultColumn, field: Field): DirectKind | undefined {
  const natural = naturalType(column);
  // A datetime that is declared to be a moment is one in UTC, as dxt writes it.
  if (natural.dtype === "timestamp" && field.dtype === "timestamp_tz") return "timestamp";
  if (natural.dtype !== field.dtype) return undefined;
  switch (natural.dtype) {
    case "bool":
      return column.type === TYPE.bit ? "bit" : "flag";
    case "uint64":
      return column.type === TYPE.bit ? "bits" : "int64";
    case "string":
    case "json":
    case "binary":
      return "bytes";
    case "timestamp":
    case "timestamp_tz":
      return "timestamp";
    case "decimal":
      return natural.scale! <= (field.scale ?? 0) ? "decimal" : undefined;
    case "int8":
    case "uint8":
      return "int8";
    case "int16":
    case "uint16":
      return "int16";
    case "int32":
    case "uint32":
      return "int32";
    case "int64":
      return "int64";
    case "float32":
    case "float64":
    case "date":
    case "time":
      return natural.dtype;
    default:
      return undefined;
  }
}

/** SQL that returns a column's values as text that says all of them. */
export function asText(sql: string, { type }: ResultColumn): string {
  // As a float of 32 bits the server would write six digits.
  const exact = type === TYPE.float ? `(${sql} + 0e0)` : type === TYPE.bit ? `(${sql} + 0)` : sql;
  return `CONVERT(${exact} USING utf8mb4)`;
}
