/** Which records of an incremental stream are new. */
import type { WatermarkRange } from "../core/connector.ts";
import { ConfigurationError, SchemaError } from "../core/errors.ts";
import { exactDecimal, parseText, textOf, type Value } from "../core/values.ts";
import type { Field } from "../models/field.ts";
import type { ExtractSettings } from "../models/stream.ts";

type Present = Exclude<Value, null>;

/** Types without an order in which "newer" means something. */
const UNORDERED: ReadonlySet<string> = new Set(["bool", "binary", "json", "array", "object"]);

/**
 * The range to extract, from the highest value in the target. Without one it starts at
 * `initial_value`, or everything is read. With an overlap the lower bound is inside the range.
 *
 * @throws {SchemaError} when the field has no order, or the target's value is not of its type
 */
export function watermarkRange(
  settings: ExtractSettings,
  field: Field,
  max: Present | undefined,
): WatermarkRange {
  refuseUnordered(field);
  // NULLs under the rule "error" are read, so that they can be seen and refused.
  const nulls = settings.null_watermark === "exclude" ? "exclude" : "include";
  const start = max === undefined ? settings.initial_value : textOf(max);
  if (start === undefined) return { field: field.name, nulls };
  const value = inSourceType(String(start), field);
  const { overlap } = settings;
  if (overlap === undefined || max === undefined) {
    return { field: field.name, after: { value, inclusive: false }, nulls };
  }
  return {
    field: field.name,
    after: { value: before(value, overlap, field), inclusive: true },
    nulls,
  };
}

/** @throws {SchemaError} for a type without an order */
export function refuseUnordered({ name, dtype }: Field): void {
  if (!UNORDERED.has(dtype)) return;
  throw new SchemaError(`Cannot use field "${name}" as watermark: ${dtype} has no order`);
}

/** The target may hold the value in a wider type: 7.00 for 7, a timestamp for a date. */
function inSourceType(text: string, field: Field): Present {
  try {
    return parseText(/^-?\d+\.0+$/.test(text) ? text.replace(/\.0+$/, "") : text, field);
  } catch (cause) {
    throw new SchemaError(
      `Cannot compare watermark "${text}" of the target with field "${field.name}": expected ${field.dtype}`,
      { cause },
    );
  }
}

function before(value: Present, overlap: string, field: Field): Present {
  const wrong = (wanted: string) =>
    new ConfigurationError(
      `Cannot step back by overlap "${overlap}" from field "${field.name}" (${field.dtype}): expected ${wanted}`,
    );
  const amount = /^\d+(\.\d+)?$/.test(overlap);
  if (typeof value === "number" || typeof value === "bigint") {
    if (!amount) throw wrong("a number");
    if (typeof value === "bigint") return clamp(value - BigInt(Math.ceil(Number(overlap))), field);
    return value - Number(overlap);
  }
  if (field.dtype === "decimal") {
    if (!amount) throw wrong("a number");
    return decimalBefore(String(value), overlap, field) ?? (() => {
      throw wrong(`a number with at most ${field.scale ?? 0} digits after the point`);
    })();
  }
  // Before infinity is infinity.
  if (typeof value === "string") {
    if (field.dtype === "string") throw wrong("no overlap, for a string");
    return value;
  }
  if (amount) throw wrong("a duration such as PT1H or P2D");
  const duration = Temporal.Duration.from(overlap);
  if (value instanceof Temporal.PlainDate) {
    // A part of a day reaches into the day before.
    return value.subtract({ days: Math.ceil(duration.total("days")) });
  }
  if (value instanceof Temporal.PlainDateTime) return value.subtract(duration);
  if (value instanceof Temporal.Instant) {
    return value.subtract({ seconds: Math.ceil(duration.total("seconds")) });
  }
  if (value instanceof Temporal.PlainTime) {
    const back = value.subtract(duration);
    return Temporal.PlainTime.compare(back, value) > 0 ? new Temporal.PlainTime() : back;
  }
  throw wrong("a type with an order");
}

function clamp(value: bigint, field: Field): bigint {
  return field.dtype === "uint64" && value < 0n ? 0n : value;
}

function decimalBefore(value: string, overlap: string, field: Field): string | undefined {
  const { precision = 38, scale = 0 } = field;
  const step = exactDecimal(overlap, precision, scale);
  if (step === undefined) return undefined;
  const unscaled = BigInt(value.replace(".", "")) - BigInt(step.replace(".", ""));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const sign = unscaled < 0n ? "-" : "";
  if (scale === 0) return `${sign}${digits}`;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
