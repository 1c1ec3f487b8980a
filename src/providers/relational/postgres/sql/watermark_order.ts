/** Watermarks in SQL, compared as dxt compares them, whatever type and collation a column has. */
import type { Field } from "../../../../models/field.ts";
import { orderKind } from "../../../../core/values/value_order.ts";
import type { Comparison } from "../../contract.ts";
import { literal } from "./dialect.ts";
import { fromSource, nativeType } from "../types/type_mapper.ts";
import { parseTypeName } from "../types/type_name.ts";

/** Types of text whose collations may sort otherwise than code points do. */
const TEXT: ReadonlySet<string> = new Set([
  "text",
  "varchar",
  "name",
  "bpchar",
  "citext",
  '"char"',
]);

/** Casts of text to what a field's dtype compares as. */
const CASTS: Readonly<Partial<Record<Field["dtype"], string>>> = {
  float32: "real",
  float64: "double precision",
  date: "date",
  time: "time",
  timestamp: "timestamp",
  timestamp_tz: "timestamptz",
};

/**
 * How a column or expression of a native type is compared as a field; undefined where the server
 * would compare it in another order. `version` is the server's.
 */
export function chooseComparison(
  sql: string,
  native: string,
  field: Field,
  version: number,
): Comparison | undefined {
  const { base, array } = parseTypeName(native);
  if (array || field.order === "none") return undefined;
  if (field.order === "native") {
    const same = parseTypeName(nativeType(field) ?? "").base === base;
    return same ? compared(sql, base, field, version) : undefined;
  }
  const kind = orderKind(field);
  if (kind === undefined) return undefined;
  if (kind === "text") {
    const text = asText(sql, base, field);
    return text === undefined ? undefined : compared(text, "text", field, version);
  }
  const natural = fromSource(native);
  if (TEXT.has(base)) {
    const cast = kind === "number" ? CASTS[field.dtype] ?? "numeric" : CASTS[field.dtype]!;
    return compared(`(${sql})::text::${cast}`, parseTypeName(cast).base, field, version);
  }
  return orderKind(natural) === kind ? compared(sql, base, field, version) : undefined;
}

/** Text by its code points, as a stage has it. */
function asText(sql: string, base: string, field: Field): string | undefined {
  // In lower case, as the server writes it, it sorts as its bytes do.
  if (base === "uuid") return nativeType(field) === "uuid" ? sql : undefined;
  if (!TEXT.has(base)) return undefined;
  // A cast would cut the blanks that char(n) has.
  if (base === "bpchar") return `concat(${sql}) COLLATE "C"`;
  return base === "text" || base === "varchar"
    ? `${sql} COLLATE "C"`
    : `(${sql})::text COLLATE "C"`;
}

function compared(sql: string, base: string, field: Field, version: number): Comparison {
  const words = listPlaceless(base, version);
  return {
    sql,
    literal: (value) =>
      field.order === "number" && base === "numeric"
        ? `${literal(value, field)}::numeric`
        : literal(value, field),
    ...(words.length === 0
      ? {}
      : { placeless: `${sql} IN (${words.map((word) => `'${word}'`).join(", ")})` }),
  };
}

/** NaN and infinity as a type spells them. */
function listPlaceless(base: string, version: number): string[] {
  switch (base) {
    case "float4":
    case "float8":
      return ["NaN", "Infinity", "-Infinity"];
    case "numeric":
      return version >= 14 ? ["NaN", "Infinity", "-Infinity"] : ["NaN"];
    case "date":
    case "timestamp":
    case "timestamptz":
      return ["infinity", "-infinity"];
    case "interval":
      return version >= 17 ? ["infinity", "-infinity"] : [];
    default:
      return [];
  }
}
