/**
 * What becomes of a type's values in another type. *Exact*: each value has one equal value there, and
 * reads back as it. *Widened*: so too, but the other type holds more. *Lossy*: some value would be
 * changed, which dxt never does: it is refused when it comes.
 *
 * Values that few data have do not make a type lossy, or hardly any conversion would be exact: text
 * with U+0000, infinite dates, years beyond the target's calendar, JSON's null where NULL may be. A
 * target that cannot keep them refuses them, with field, row and value.
 */
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import type { LossRule } from "../../models/stream.ts";
import { LossyConversionError } from "../errors.ts";
import { INTEGER_BOUNDS, isIntegerType } from "./values.ts";

export const CONVERSIONS = ["exact", "widened", "lossy"] as const;
export type ConversionKind = typeof CONVERSIONS[number];

export interface Conversion {
  readonly kind: ConversionKind;
  /** When a value is refused, for a lossy one; else what is worth knowing. */
  readonly note?: string;
  /**
   * Of a lossy one: the column is of the right type and has a limit of its own, such as a length. As
   * with NOT NULL, a value that breaks it ends the load, and the limit alone does not.
   */
  readonly limit?: true;
}

export const EXACT: Conversion = { kind: "exact" };
export const WIDENED: Conversion = { kind: "widened" };

/** A lossy conversion; `when` follows the word "when". */
export function lossy(when: string): Conversion {
  return { kind: "lossy", note: `refused when ${when}` };
}

type Typed = Pick<Field, "dtype" | "precision" | "scale">;

/** Types, besides decimals, that hold every value of a type. */
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

/** Digits before the point that every value of a type needs at most; undefined for no number. */
function wholeDigits({ dtype, precision = 38, scale = 0 }: Typed): number | undefined {
  if (isIntegerType(dtype)) return String(INTEGER_BOUNDS[dtype][1]).length;
  return dtype === "decimal" ? precision - scale : undefined;
}

/** Between two of dxt's types. */
export function convert(from: Typed, to: Typed): Conversion {
  if (to.dtype === "decimal") return toDecimal(from, to);
  if (from.dtype === to.dtype) return EXACT;
  if (from.dtype === "decimal" && isIntegerType(to.dtype)) return toInteger(from, to.dtype);
  return WIDER[from.dtype].includes(to.dtype) ? WIDENED : lossy(`a value is no ${typeText(to)}`);
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

/** A type in words, for example `decimal(10,2)`. */
export function typeText({ dtype, precision = 38, scale = 0 }: Typed): string {
  return dtype === "decimal" ? `decimal(${precision},${scale})` : dtype;
}

/** A field and what becomes of it in a column that is there. */
export interface FieldConversion {
  readonly field: Field;
  /** The target's own type. */
  readonly type: string;
  readonly conversion: Conversion;
}

/** Whether a load goes on: the pipeline accepts a loss, or declares the column's type itself. */
export function isAccepted(
  { field: { target_type }, conversion: { kind, limit } }: FieldConversion,
  rule: LossRule | undefined,
): boolean {
  return kind !== "lossy" || limit === true || rule !== "stop" || target_type !== undefined;
}

/** @throws {LossyConversionError} that names all losses that the pipeline does not accept */
export function refuseLosses(
  target: string,
  columns: readonly FieldConversion[],
  rule: LossRule | undefined,
): void {
  const lost = columns.filter((column) => !isAccepted(column, rule));
  if (lost.length > 0) throw new LossyConversionError(lossText(target, lost));
}

function lossText(target: string, lost: readonly FieldConversion[]): string {
  const list = lost.map(({ field, type, conversion }) =>
    `\n  field "${field.name}" is ${typeText(field)}, column is ${type}: ${conversion.note}`
  );
  return `Cannot load into ${target} without the risk of loss:${
    list.join("")
  }\nset "load: { lossy: accept }" in the stream to load as long as every value fits, or change the target`;
}
