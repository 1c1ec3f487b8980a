/** Numbers as text, exactly. */

/** A number as ±digits × 10^exponent; digits begin and end with no zero, those of 0 are empty. */
export interface DecimalParts {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

/** Beyond so many characters no text is taken for a number: no type has as many digits. */
const LONGEST = 1100;

const NUMBER = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * @returns undefined when the text is no number in decimal digits, with or without an exponent, or is
 * longer than any type could hold
 */
export function decimalParts(text: string): DecimalParts | undefined {
  if (text.length > LONGEST) return undefined;
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

export type FloatType = "float32" | "float64";

/** Significant digits that every double, and every 32-bit float, gives back as they were. */
const SAFE_DIGITS = { float64: 15, float32: 6 } as const;
const SMALLEST_NORMAL = { float64: 2.2250738585072014e-308, float32: 1.1754943508222875e-38 };

/**
 * Whether `value`, the float nearest to `text`, gives `text` back: its shortest spelling, or its
 * spelling with as many digits as the text has, is the same number.
 */
export function floatHolds(text: string, value: number, dtype: FloatType): boolean {
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

/** The float nearest to a number in decimal digits. */
export function nearestFloat(text: string, dtype: FloatType): number {
  return dtype === "float32" ? Math.fround(Number(text)) : Number(text);
}
