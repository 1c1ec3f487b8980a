/** Measures decimal numbers and writes them without an exponent. */
import type { DecimalParts } from "../../../core/values/number_text.ts";
import { MAX_DECIMAL_PRECISION } from "../../../models/dtype.ts";

/** Counts a number's digits before and after the point, when written without exponent. */
export function decimalSize({ digits, exponent }: DecimalParts): { whole: number; scale: number } {
  return {
    whole: Math.max(0, digits.length + exponent),
    scale: Math.max(0, -exponent),
  };
}

/** Returns the number without exponent; undefined when no decimal type has so many digits. */
export function plainDigits(parts: DecimalParts): string | undefined {
  const { whole, scale } = decimalSize(parts);
  if (whole > MAX_DECIMAL_PRECISION || scale > MAX_DECIMAL_PRECISION) return undefined;
  const { digits, exponent } = parts;
  const all = exponent > 0 ? digits + "0".repeat(exponent) : digits.padStart(scale, "0");
  const point = all.length - scale;
  const body = `${all.slice(0, point) || "0"}${scale === 0 ? "" : `.${all.slice(point)}`}`;
  return parts.negative ? `-${body}` : body;
}
