/** Exact comparison of numbers as text. */

/** ±digits × 10^exponent. Digits neither begin nor end with a zero; 0 has no digits. */
export interface DecimalParts {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

/** Longer text is not parsed as a number: no type has as many digits. */
const LONGEST = 1100;

const NUMBER = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** Parses decimal digits with an optional exponent; undefined for other text, or one too long. */
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

/** Significant digits that every value of a float type preserves. */
const SAFE_DIGITS = { float64: 15, float32: 6 } as const;
const SMALLEST_NORMAL = { float64: 2.2250738585072014e-308, float32: 1.1754943508222875e-38 };

/**
 * Whether `value`, the float nearest to `text`, preserves it: its shortest decimal form, or the one
 * with as many digits as the text, is the same number.
 */
export function floatHolds(text: string, value: number, dtype: FloatType): boolean {
  if (String(value) === text) return true;
  const parts = decimalParts(text);
  if (parts === undefined || !Number.isFinite(value)) return false;
  const count = parts.digits.length;
  if (count === 0 || value === 0) return count === 0 && value === 0;
  if (count <= SAFE_DIGITS[dtype] && Math.abs(value) >= SMALLEST_NORMAL[dtype]) return true;
  return isSame(parts, String(value)) || (count <= 100 && isSame(parts, value.toPrecision(count)));
}

function isSame(parts: DecimalParts, text: string): boolean {
  const other = decimalParts(text)!;
  return parts.digits === other.digits && parts.exponent === other.exponent &&
    parts.negative === other.negative;
}

/** Most digits that tell a float32 from its neighbours. */
const FLOAT32_DIGITS = 9;

/** The fewest digits that are read as the same float32: 0.1, where the double is 0.10000000149011612. */
export function float32Text(value: number): string {
  if (!Number.isFinite(value) || value === 0) return Object.is(value, -0) ? "-0" : String(value);
  const isNormal = Math.abs(value) >= SMALLEST_NORMAL.float32;
  for (let digits = isNormal ? SAFE_DIGITS.float32 : 1; digits < FLOAT32_DIGITS; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(FLOAT32_DIGITS)));
}

/** The float nearest to a number in decimal digits. */
export function nearestFloat(text: string, dtype: FloatType): number {
  return dtype === "float32" ? Math.fround(Number(text)) : Number(text);
}
