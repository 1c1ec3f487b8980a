/** Finds the range of an incremental stream that is new. */
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import { ConfigurationError, SchemaError } from "../../core/errors.ts";
import { isUnordered } from "../../core/values/value_order.ts";
import {
  compareValues,
  exactDecimal,
  formatValue,
  parseText,
  type Value,
} from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { ExtractSettings } from "../../models/stream.ts";

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
  const start = max === undefined ? settings.initial_value : formatValue(max);
  if (start === undefined) return { field: field.name, nulls };
  const value = inSourceType(String(start), field);
  if (isUnordered(value, field)) {
    throw new ConfigurationError(
      `Cannot read what is newer than "${start}" in field "${field.name}": nothing is, expected a finite value`,
    );
  }
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

/** @throws {SchemaError} for a type without an order, or whose order its values do not tell */
export function refuseUnordered({ name, dtype, order, source_type }: Field): void {
  if (!UNORDERED.has(dtype) && order !== "none") return;
  const type = order === "none" ? source_type?.replace(/^\w+:/, "") ?? dtype : dtype;
  throw new SchemaError(
    `Cannot use field "${name}" as watermark: ${type} has no order${
      order === "none" ? " that source and target share" : ""
    }, expected a field with numbers, dates, times or text`,
  );
}

/** How far two clocks may be apart before a watermark is taken for one of the future. */
const CLOCK_SKEW = { minutes: 1 };
/** Where a type has no zone: no zone is further ahead of UTC. */
const AHEAD = { hours: 14 };

/** The latest watermark that a field is expected to have; undefined for types that are no times. */
export function latestExpected({ dtype }: Field, now: Temporal.Instant): Present | undefined {
  const latest = now.add(CLOCK_SKEW);
  const local = latest.add(AHEAD).toZonedDateTimeISO("UTC");
  switch (dtype) {
    case "timestamp_tz":
      return latest;
    case "timestamp":
      return local.toPlainDateTime();
    case "date":
      return local.toPlainDate();
    default:
      return undefined;
  }
}

/** Whether a watermark is later than the time at which it is looked at. */
export function isFuture(value: Present, field: Field, now: Temporal.Instant): boolean {
  const latest = latestExpected(field, now);
  return latest !== undefined && compareValues(value, latest, field.dtype) > 0;
}

/** Whether a field's values are times, which have an age. */
export function hasAge({ dtype }: Field): boolean {
  return dtype === "timestamp_tz" || dtype === "timestamp" || dtype === "date";
}

/** The time from a watermark that has an age to now: without a zone it is in UTC, and a date is as old as its end. */
export function findAge(
  value: Present,
  { dtype }: Field,
  now: Temporal.Instant,
): Temporal.Duration {
  if (dtype === "timestamp_tz") return (value as Temporal.Instant).until(now);
  const local = dtype === "date"
    ? (value as Temporal.PlainDate).add({ days: 1 })
    : value as Temporal.PlainDateTime;
  return local.toZonedDateTime("UTC").toInstant().until(now);
}

/** The target may hold the value in a wider type: 7.00 for 7, a timestamp for a date. */
export function inSourceType(text: string, field: Field): Present {
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
  if (typeof value === "string") throw wrong("no overlap, for a string");
  if (amount) throw wrong("a duration such as PT1H or P2D");
  const duration = Temporal.Duration.from(overlap);
  if (value instanceof Temporal.PlainDate) {
    // A part of a day reaches into the day before.
    return value.subtract({ days: Math.ceil(duration.total("days")) });
  }
  if (value instanceof Temporal.PlainDateTime) return value.subtract(duration);
  if (value instanceof Temporal.Instant) {
    const { weeks, days, hours } = duration;
    return value.subtract(
      duration.with({ weeks: 0, days: 0, hours: (weeks * 7 + days) * 24 + hours }),
    );
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
