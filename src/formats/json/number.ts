/** Numbers of JSON as text, exactly. */
import { MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";

/** A number as ±digits × 10^exponent; digits begin and end with no zero, those of 0 are empty. */
export interface DecimalParts {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

const NUMBER = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** @returns undefined when the text is no number of JSON's grammar */
export function decimalParts(text: string): DecimalParts | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = "", power = "0"] = match;
  const all = `${whole}${fraction}`.replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  const exponent = digits === ""
    ? 0
    : Number(power) - fraction.length + (all.length - digits.length);
  return { negative: sign === "-", digits, exponent };
}

/** Digits that the number has after the point, and before it, when written without exponent. */
export function decimalSize({ digits, exponent }: DecimalParts): { whole: number; scale: number } {
  return {
    whole: Math.max(0, digits.length + exponent),
    scale: Math.max(0, -exponent),
  };
}

/** The number without exponent; undefined when no decimal has so many digits. */
export function plainDigits(parts: DecimalParts): string | undefined {
  const { whole, scale } = decimalSize(parts);
  if (whole > MAX_DECIMAL_PRECISION || scale > MAX_DECIMAL_PRECISION) return undefined;
  const { digits, exponent } = parts;
  const all = exponent > 0 ? digits + "0".repeat(exponent) : digits.padStart(scale, "0");
  const point = all.length - scale;
  const body = `${all.slice(0, point) || "0"}${scale === 0 ? "" : `.${all.slice(point)}`}`;
  return parts.negative ? `-${body}` : body;
}

/** Significant digits that every double, and every 32-bit float, gives back as they were. */
const SAFE_DIGITS = { float64: 15, float32: 6 } as const;
const SMALLEST_NORMAL = { float64: 2.2250738585072014e-308, float32: 1.1754943508222875e-38 };

/**
 * Whether `value`, the float nearest to `text`, gives `text` back: its shortest spelling, or its
 * spelling with as many digits as the text has, is the same number.
 */
export function floatHolds(text: string, value: number, dtype: "float32" | "float64"): boolean {
  if (String(value) === text) return true;
  const parts = decimalParts(text);
  if (parts === undefined || !Number.isFinite(value)) return false;
  const count = parts.digits.length;
  if (count === 0 || value === 0) return count === 0 && value === 0;
  if (count <= SAFE_DIGITS[dtype] && Math.abs(value) >= SMALLEST_NORMAL[dtype]) return true;
  return same(parts, String(value)) || (count <= 100 && same(parts, value.toPrecision(count)));
}

function same(parts: DecimalParts, text: string): boolean {
  const other = decimalParts(text)!;
  return parts.digits === other.digits && parts.exponent === other.exponent &&
    parts.negative === other.negative;
}
