/**
 * Conversions between types. *Exact*: every value has an equal value in the other type and reads back
 * unchanged. *Widened*: the same, but the other type holds further values. *Lossy*: some values do
 * not fit; dxt never changes them, but refuses them when they occur.
 *
 * Rare values do not make a conversion lossy, or hardly any would be exact: text with U+0000,
 * infinite dates, years beyond the target's calendar, JSON null next to NULL. A target that cannot
 * store them refuses them with field, row and value.
 */
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import type { LossRule, SchemaRule } from "../../models/stream.ts";
import { LossyConversionError } from "../errors.ts";
import { INTEGER_BOUNDS, isIntegerType } from "./values.ts";

export const CONVERSIONS = ["exact", "widened", "lossy"] as const;
export type ConversionKind = typeof CONVERSIONS[number];

export interface Conversion {
  readonly kind: ConversionKind;
  /** Which values a lossy conversion refuses; for others, an optional remark. */
  readonly note?: string;
  /**
   * The conversion is lossy only because the column has a limit, such as a length. As with NOT NULL,
   * the limit does not stop the load before it begins; a value that exceeds it does.
   */
  readonly limit?: true;
}

export const EXACT: Conversion = { kind: "exact" };
export const WIDENED: Conversion = { kind: "widened" };

/** A lossy conversion. `when` completes "refused when …". */
export function lossy(when: string): Conversion {
  return { kind: "lossy", note: `refused when ${when}` };
}

type Typed = Pick<Field, "dtype" | "precision" | "scale">;

/** For each type, the other types that hold all its values, without decimals. */
export const WIDER: Readonly<Record<DXTType, readonly DXTType[]>> = {
  int8: ["int16", "int32", "int64", "float32", "float64", "string", "json"],
  int16: ["int32", "int64", "float32", "float64", "string", "json"],
  int32: ["int64", "float64", "string", "json"],
  int64: ["string", "json"],
  uint8: [
    ...["int16", "int32", "int64", "uint16", "uint32", "uint64"] as const,
    ...["float32", "float64", "string", "json"] as const,
  ],
  uint16: ["int32", "int64", "uint32", "uint64", "float32", "float64", "string", "json"],
  uint32: ["int64", "uint64", "float64", "string", "json"],
  uint64: ["string", "json"],
  float32: ["float64", "string"],
  float64: ["string"],
  decimal: ["string", "json"],
  string: [],
  bool: ["string", "json"],
  date: ["string", "timestamp"],
  time: ["string"],
  timestamp: ["string"],
  timestamp_tz: ["string"],
  binary: ["string"],
  json: ["string"],
  array: ["json", "string"],
  object: ["json", "string"],
};

/** Most digits before the decimal point in values of a type; undefined if it is not a number. */
function wholeDigits({ dtype, precision = 38, scale = 0 }: Typed): number | undefined {
  if (isIntegerType(dtype)) return String(INTEGER_BOUNDS[dtype][1]).length;
  return dtype === "decimal" ? precision - scale : undefined;
}

/** The conversion between two dtypes. */
export function convert(from: Typed, to: Typed): Conversion {
  if (to.dtype === "decimal") return toDecimal(from, to);
  if (from.dtype === to.dtype) return EXACT;
  if (from.dtype === "decimal" && isIntegerType(to.dtype)) return toInteger(from, to.dtype);
  return WIDER[from.dtype].includes(to.dtype) ? WIDENED : lossy(`a value is no ${typeText(to)}`);
}

/** Whether a type holds every value of another. */
export function holdsAll(from: Typed, to: Typed): boolean {
  return convert(from, to).kind !== "lossy";
}

function toDecimal(from: Typed, to: Typed): Conversion {
  const needed = wholeDigits(from);
  if (needed === undefined) return lossy(`a value is no ${typeText(to)}`);
  const { scale = 0 } = to;
  const part = from.scale ?? 0;
  if (part > scale) return lossy(`a value has more than ${scale} digits after the point`);
  if (needed > wholeDigits(to)!) {
    return lossy(`a value has more than ${wholeDigits(to)} digits before the point`);
  }
  return from.dtype === "decimal" && typeText(from) === typeText(to) ? EXACT : WIDENED;
}

function toInteger(from: Typed, dtype: keyof typeof INTEGER_BOUNDS): Conversion {
  if ((from.scale ?? 0) > 0) return lossy("a value has digits after the point");
  const most = 10n ** BigInt(wholeDigits(from)!) - 1n;
  const [low, high] = INTEGER_BOUNDS[dtype];
  return -most >= low && most <= high ? WIDENED : lossy(`a value is no ${dtype}`);
}

/** A type as text, for example `decimal(10,2)`. */
export function typeText({ dtype, precision = 38, scale = 0 }: Typed): string {
  return dtype === "decimal" ? `decimal(${precision},${scale})` : dtype;
}

/** A field and its conversion to an existing column. */
export interface FieldConversion {
  readonly field: Field;
  /** Native type of the column. */
  readonly type: string;
  readonly conversion: Conversion;
  /** Whether a load with `schema: evolve` may widen the column; unset: false. */
  readonly widens?: boolean | undefined;
}

/** Whether a load may begin: not lossy, or the pipeline accepts that or declares the column type. */
export function isAccepted(
  { field: { target_type }, conversion: { kind, limit } }: FieldConversion,
  rule: LossRule | undefined,
): boolean {
  return kind !== "lossy" || limit === true || rule !== "stop" || target_type !== undefined;
}

/** @throws {LossyConversionError} that lists all lossy conversions that are not accepted */
export function refuseLosses(
  target: string,
  columns: readonly FieldConversion[],
  rule: LossRule | undefined,
  schema?: SchemaRule,
): void {
  const losses = describeLosses(target, columns, rule, schema);
  if (losses !== undefined) throw new LossyConversionError(losses);
}

/** Describes all lossy conversions that are not accepted; undefined if there are none. */
export function describeLosses(
  target: string,
  columns: readonly FieldConversion[],
  rule: LossRule | undefined,
  schema?: SchemaRule,
): string | undefined {
  const lost = columns.filter((column) => !isAccepted(column, rule));
  if (lost.length === 0) return undefined;
  const list = lost.map(({ field, type, conversion }) =>
    `\n  field "${field.name}" is ${typeText(field)}, column is ${type}: ${conversion.note}`
  );
  return `Cannot load into ${target} without the risk of loss:${list.join("")}\n${
    adviseOnLosses(lost, schema)
  }`;
}

/** What to change in a pipeline that would lose something in these columns. */
export function adviseOnLosses(
  lost: readonly Pick<FieldConversion, "widens">[],
  schema: SchemaRule | undefined,
): string {
  const widens = schema !== "evolve" && lost.some((column) => column.widens === true);
  return [
    'set "load: { lossy: accept }" in the stream to load as long as every value fits',
    ...(widens ? ['"load: { schema: evolve }" to widen the columns of the table'] : []),
    "or change the target",
  ].join(", ");
}
