/** Values of records: their types, text form, parsing and comparison. The table of values is here. */
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import { ValueError } from "../errors.ts";
import {
  decimalParts,
  float32Text,
  floatHolds,
  type FloatType,
  nearestFloat,
} from "./number_text.ts";

export type JSONValue =
  | null
  | boolean
  | number
  | string
  | JSONValue[]
  | { [key: string]: JSONValue };

/**
 * A value in a record, by DXTType: int8–int32, uint8–uint32, float32, float64: number; int64,
 * uint64: bigint; decimal: string in plain digits with exactly `scale` digits after the point;
 * string: string; bool: boolean; date, time, timestamp, timestamp_tz: Temporal.PlainDate,
 * PlainTime, PlainDateTime, Instant in whole microseconds, or the string "infinity" or
 * "-infinity" (date, timestamp, timestamp_tz); binary: Uint8Array; json, array, object: JSON text
 * as {@linkcode JSONText}.
 */
export type Value =
  | null
  | number
  | bigint
  | string
  | boolean
  | Temporal.PlainDate
  | Temporal.PlainTime
  | Temporal.PlainDateTime
  | Temporal.Instant
  | Uint8Array
  | JSONText;

export type DXTRecord = Record<string, Value>;

/**
 * A JSON value that keeps its original text, which preserves numbers beyond a double, the order of
 * keys and the scale of decimals. `value` parses it.
 */
export class JSONText {
  constructor(readonly text: string) {}

  static of(value: unknown): JSONText {
    return new JSONText(JSON.stringify(value));
  }

  get value(): JSONValue {
    return JSON.parse(this.text);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): JSONValue {
    return this.value;
  }
}

/** Bounds of the integer types, both inclusive. */
export const INTEGER_BOUNDS = {
  int8: [-128n, 127n],
  int16: [-32768n, 32767n],
  int32: [-2147483648n, 2147483647n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65535n],
  uint32: [0n, 4294967295n],
  uint64: [0n, 2n ** 64n - 1n],
} as const;

export type IntegerType = keyof typeof INTEGER_BOUNDS;

/** Bounds of an integer type as numbers; exact for types of at most 32 bits. */
export function integerBounds(dtype: DXTType): readonly [low: number, high: number] {
  const [low, high] = INTEGER_BOUNDS[dtype as IntegerType];
  return [Number(low), Number(high)];
}

export function isIntegerType(dtype: string): dtype is IntegerType {
  return dtype in INTEGER_BOUNDS;
}

export const INFINITY = "infinity";
export const NEGATIVE_INFINITY = "-infinity";

/** Most characters of a number in plain digits, including leading and trailing zeros. */
const LONGEST_NUMBER = 1000;

const DECIMAL = /^([+-]?)0*(\d+)(?:\.(\d*))?$/;

/**
 * Formats decimal text with exactly `scale` digits after the point, without changing its value.
 * Returns undefined when it is not plain decimal digits or does not fit the precision.
 */
export function exactDecimal(text: string, precision: number, scale: number): string | undefined {
  if (text.length > LONGEST_NUMBER) return undefined;
  const match = DECIMAL.exec(text) ?? DECIMAL.exec(text.replace(/^([+-]?)\./, "$10."));
  if (match === null) return undefined;
  const whole = match[2]!;
  const fraction = (match[3] ?? "").replace(/0+$/, "");
  if (fraction.length > scale) return undefined;
  const digits = whole === "0" ? 0 : whole.length;
  if (digits > precision - scale) return undefined;
  const body = scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, "0")}`;
  return match[1] === "-" && /[1-9]/.test(body) ? `-${body}` : body;
}

/** The shortest plain decimal digits, without exponent, that parse to the same double. */
export function plainDecimal(value: number): string {
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign, head, tail = "", power] = match;
  const digits = `${head}${tail}`;
  const point = 1 + Number(power);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}`;
}

/**
 * Text of a value in CSV, text protocols and the manifest; NULL has none. Dates are ISO 8601, with a
 * sign and six digits for years below 0 or above 9999. `dateText` in the arrow room writes the same
 * from a column. Of a float32 it is the shortest where the dtype is given.
 */
export function formatValue(value: Exclude<Value, null>, dtype?: DXTType): string {
  if (typeof value === "string") return value;
  if (dtype === "float32") return float32Text(value as number);
  if (value instanceof Uint8Array) return value.toHex();
  if (Object.is(value, -0)) return "-0";
  return value.toString();
}

/**
 * Days from 1970-01-01, in both directions, whose text {@linkcode parseText} reads: years -271821 to
 * 275760, those outside 0 to 9999 with a sign and six digits.
 */
export const LAST_TEXT_DAY = 100_000_000;

const INSTANT_OFFSET = /(?:[zZ]|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)$/;

/**
 * Parses the output of {@linkcode formatValue} and other spellings of the same value: `+5` and
 * `007`, a space for the T, an offset without minutes, `t` and `1` for true. Never rounds: throws
 * for a number that a float cannot hold, and for a time finer than microseconds.
 *
 * @throws {ValueError} when the text is not of the field's type
 */
export function parseText(text: string, field: Field): Exclude<Value, null> {
  const wrong = (wanted: string): never => {
    throw new ValueError(`expected ${wanted}`, field.name, undefined, text);
  };
  switch (field.dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
    case "int64":
    case "uint64": {
      if (!/^[+-]?\d+$/.test(text) || text.length > LONGEST_NUMBER) return wrong(field.dtype);
      const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
      const [low, high] = INTEGER_BOUNDS[field.dtype];
      if (value < low || value > high) return wrong(`${field.dtype} (${low} to ${high})`);
      return field.dtype.endsWith("64") ? value : Number(value);
    }
    case "float32":
    case "float64":
      return parseFloatText(text, field.dtype) ??
        wrong(
          decimalParts(text) === undefined
            ? field.dtype
            : `${field.dtype} (declare the field as decimal or string to keep all digits)`,
        );
    case "decimal":
      return exactDecimal(text, field.precision ?? 38, field.scale ?? 0) ??
        wrong(`decimal(${field.precision ?? 38},${field.scale ?? 0})`);
    case "string":
      return text;
    case "bool": {
      const value = BOOLEANS.get(text.toLowerCase());
      return value === undefined ? wrong("bool (true or false)") : value;
    }
    case "date":
      if (isInfinity(text)) return text;
      return attempt(() => Temporal.PlainDate.from(strictDate(text))) ?? wrong("date (YYYY-MM-DD)");
    case "time":
      return attempt(() => wholeMicros(Temporal.PlainTime.from(strictTime(text)))) ??
        wrong("time (HH:MM:SS.ffffff)");
    case "timestamp":
      if (isInfinity(text)) return text;
      return attempt(() => wholeMicros(Temporal.PlainDateTime.from(strictTimestamp(text)))) ??
        wrong("timestamp (YYYY-MM-DDTHH:MM:SS.ffffff)");
    case "timestamp_tz":
      if (isInfinity(text)) return text;
      return attempt(() => instant(text)) ?? wrong("timestamp with an offset or Z");
    case "binary":
      return attempt(() => Uint8Array.fromHex(text)) ?? wrong("binary in hexadecimal digits");
    case "json":
    case "array":
    case "object":
      return jsonText(text, field);
  }
}

/**
 * Validates JSON text for a field of dtype json, array or object.
 *
 * @throws {ValueError} when it is not JSON, or JSON of another type
 */
export function jsonText(text: string, field: Field): JSONText {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new ValueError(`expected ${field.dtype} as JSON text`, field.name, undefined, text);
  }
  const type = Array.isArray(parsed)
    ? "array"
    : typeof parsed === "object" && parsed !== null
    ? "object"
    : "json";
  if (field.dtype !== "json" && type !== field.dtype) {
    throw new ValueError(`expected a JSON ${field.dtype}`, field.name, undefined, text);
  }
  return new JSONText(text);
}

const BOOLEANS = new Map([
  ["true", true],
  ["t", true],
  ["1", true],
  ["false", false],
  ["f", false],
  ["0", false],
]);

function isInfinity(text: string): boolean {
  return text === INFINITY || text === NEGATIVE_INFINITY;
}

/** The float that preserves the number in the text; undefined when none does. */
function parseFloatText(text: string, dtype: FloatType): number | undefined {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  const value = nearestFloat(text, dtype);
  return floatHolds(text, value, dtype) ? value : undefined;
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function refuse(): never {
  throw new RangeError();
}

const DATE = String.raw`(?:\d{4}|[+-]\d{6})-\d\d-\d\d`;
const TIME = String.raw`\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?`;
const STRICT_DATE = new RegExp(`^${DATE}$`);
const STRICT_TIME = new RegExp(`^${TIME}$`);
const STRICT_TIMESTAMP = new RegExp(`^${DATE}[T ]${TIME}$`);

function strictDate(text: string): string {
  return STRICT_DATE.test(text) ? text : refuse();
}

function strictTime(text: string): string {
  return STRICT_TIME.test(text) ? secondsBelow60(text) : refuse();
}

function strictTimestamp(text: string): string {
  if (STRICT_DATE.test(text)) return text;
  return STRICT_TIMESTAMP.test(text) ? secondsBelow60(text).replace(" ", "T") : refuse();
}

/** Refuses second 60, which Temporal would silently change to 59. */
function secondsBelow60(text: string): string {
  return /:60(\.|$)/.test(text) ? refuse() : text;
}

function instant(text: string): Temporal.Instant {
  const offset = INSTANT_OFFSET.exec(text);
  if (offset === null) refuse();
  const local = strictTimestamp(text.slice(0, offset.index));
  const time = local.includes("T") ? local : refuse();
  return wholeMicros(Temporal.Instant.from(`${time}${offset[0]}`));
}

/** @throws {RangeError} for a value finer than microseconds */
export function wholeMicros<
  T extends Temporal.PlainTime | Temporal.PlainDateTime | Temporal.Instant,
>(value: T): T {
  const rest = value instanceof Temporal.Instant
    ? value.epochNanoseconds % 1000n !== 0n
    : value.nanosecond !== 0;
  return rest ? refuse() : value;
}

/**
 * Compares two values of the same type: negative, zero or positive. Strings compare by code point,
 * decimals by number; infinity is after and -infinity before every date; NaN is last.
 */
export function compareValues(
  a: Exclude<Value, null>,
  b: Exclude<Value, null>,
  dtype: DXTType,
): number {
  if (dtype === "decimal") return compareDecimals(String(a), String(b));
  if (dtype === "date" || dtype === "timestamp" || dtype === "timestamp_tz") {
    const order = infinityRank(a) - infinityRank(b);
    if (order !== 0 || typeof a === "string") return order;
  }
  if (a instanceof Temporal.PlainDate) {
    return Temporal.PlainDate.compare(a, b as Temporal.PlainDate);
  }
  if (a instanceof Temporal.PlainTime) {
    return Temporal.PlainTime.compare(a, b as Temporal.PlainTime);
  }
  if (a instanceof Temporal.PlainDateTime) {
    return Temporal.PlainDateTime.compare(a, b as Temporal.PlainDateTime);
  }
  if (a instanceof Temporal.Instant) return Temporal.Instant.compare(a, b as Temporal.Instant);
  if (typeof a === "number" && (Number.isNaN(a) || Number.isNaN(b))) {
    return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  }
  if (a instanceof Uint8Array) return compareText(a.toHex(), (b as Uint8Array).toHex());
  if (typeof a === "string" || a instanceof JSONText) return compareText(String(a), String(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function infinityRank(value: unknown): number {
  return value === INFINITY ? 1 : value === NEGATIVE_INFINITY ? -1 : 0;
}

function compareDecimals(a: string, b: string): number {
  const scale = Math.max(...[a, b].map((text) => (text.split(".")[1] ?? "").length));
  const [left, right] = [a, b].map((text) => {
    const [whole, fraction = ""] = text.split(".");
    return BigInt(`${whole}${fraction.padEnd(scale, "0")}`);
  }) as [bigint, bigint];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Compares by code points: UTF-16 order differs for surrogates and U+E000 to U+FFFF. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    const [left, right] = [a.codePointAt(i)!, b.codePointAt(i)!];
    return left - right;
  }
  return a.length - b.length;
}
