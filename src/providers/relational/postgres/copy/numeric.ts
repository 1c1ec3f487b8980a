/**
 * numeric in COPY's binary format: int16 number of digits, weight, sign, scale for display, and digits
 * to base 10000, the first one worth 10000^weight.
 * https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/numeric.c (numeric_send)
 */
import type { BigColumn } from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import type { Field } from "../../../../models/field.ts";
import type { MessageBuffer } from "../wire/message_buffer.ts";

const NEGATIVE = 0x4000;
const NAN = 0xc000;
const INFINITE = 0xd000;
const NEGATIVE_INFINITE = 0xf000;
const NAMES: Readonly<Record<number, string>> = {
  [NAN]: "NaN",
  [INFINITE]: "Infinity",
  [NEGATIVE_INFINITE]: "-Infinity",
};

/** Puts numerics into a decimal column, none rounded. */
export function decimalDecoder(
  field: Field,
  column: BigColumn,
): (input: MessageBuffer, at: number, size: number) => void {
  const read = unscaledDecoder(field);
  return (input, at) => column.push(read(input, at));
}

/**
 * Reads numerics as unscaled values of a decimal field.
 *
 * @throws {ValueError} (the function) for what the field cannot hold exactly
 */
export function unscaledDecoder(field: Field): (input: MessageBuffer, at: number) => bigint {
  const { precision = 38, scale = 0 } = field;
  const limit = 10n ** BigInt(precision);
  const refuse = (input: MessageBuffer, at: number): never => {
    const { sign } = head(input, at);
    const hint = sign in NAMES ? ', "dtype: string" moves it as text' : "";
    const wanted = `expected decimal(${precision},${scale})${hint}`;
    throw new ValueError(wanted, field.name, undefined, numericText(input, at));
  };
  return (input, at) => {
    const { view } = input;
    const count = view.getInt16(at);
    const sign = view.getUint16(at + 4);
    if (count === 0 && sign === 0) return 0n;
    if (sign > NEGATIVE) refuse(input, at);
    // Powers of ten that the last digit is worth, in units of the scale.
    const shift = 4 * (view.getInt16(at + 2) - count + 1) + scale;
    let digits = 0n;
    for (let i = 0; i < count; i++) {
      digits = digits * 10_000n + BigInt(view.getInt16(at + 8 + i * 2));
    }
    const power = 10n ** BigInt(Math.abs(shift));
    if (shift < 0 && digits % power !== 0n) refuse(input, at);
    const value = shift >= 0 ? digits * power : digits / power;
    if (value >= limit) refuse(input, at);
    return sign === 0 ? value : -value;
  };
}

function head({ view }: Pick<MessageBuffer, "view">, at: number) {
  return {
    count: view.getInt16(at),
    weight: view.getInt16(at + 2),
    sign: view.getUint16(at + 4),
    scale: view.getUint16(at + 6),
  };
}

/** The digits of a numeric as the server prints them. */
export function numericText(input: Pick<MessageBuffer, "view">, at: number): string {
  const { count, weight, sign, scale } = head(input, at);
  if (sign in NAMES) return NAMES[sign]!;
  const group = (i: number) =>
    i < 0 || i >= count ? "0000" : String(input.view.getInt16(at + 8 + i * 2)).padStart(4, "0");
  let whole = "";
  for (let i = 0; i <= weight; i++) whole += group(i);
  let fraction = "";
  for (let i = weight + 1; fraction.length < scale; i++) fraction += group(i);
  const number = whole.replace(/^0+(?=\d)/, "") || "0";
  const tail = scale === 0 ? "" : `.${fraction.slice(0, scale)}`;
  return `${sign === NEGATIVE ? "-" : ""}${number}${tail}`;
}

/**
 * Writes an unscaled value as a numeric, without groups of zeros at its end, as the server does.
 *
 * @returns how many bytes it took
 */
export function writeNumeric(view: DataView, at: number, unscaled: bigint, scale: number): number {
  const negative = unscaled < 0n;
  // The digits after the point must fill whole groups of four.
  const padding = (4 - scale % 4) % 4;
  let rest = (negative ? -unscaled : unscaled) * BigInt(10 ** padding);
  let weight = -((scale + padding) / 4) - 1;
  const groups: number[] = [];
  while (rest > 0n) {
    if (rest <= BigInt(Number.MAX_SAFE_INTEGER)) {
      for (let low = Number(rest); low > 0; low = Math.floor(low / 10_000)) {
        groups.push(low % 10_000);
      }
      break;
    }
    groups.push(Number(rest % 10_000n));
    rest /= 10_000n;
  }
  weight += groups.length;
  const zeros = Math.max(0, groups.findIndex((group) => group !== 0));
  const count = groups.length - zeros;
  writeHead(view, at, count, count === 0 ? 0 : weight, negative ? NEGATIVE : 0, scale);
  for (let i = 0; i < count; i++) {
    view.setInt16(at + 8 + i * 2, groups[groups.length - 1 - i]!);
  }
  return 8 + count * 2;
}

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** Bytes that {@linkcode writeNumericText} may write for a text of so many. */
export const numericTextBytes = (length: number) => 16 + length;

/**
 * Writes the text from `from` up to `to`, as the server prints numerics, as a numeric.
 *
 * @returns how many bytes it took; -1 when it is none
 */
export function writeNumericText(
  view: DataView,
  at: number,
  text: Uint8Array,
  from: number,
  to: number,
): number {
  const isNegative = text[from] === MINUS;
  const start = isNegative ? from + 1 : from;
  let point = start;
  while (point < to && isDigit(text[point]!)) point++;
  const fraction = point < to ? point + 1 : to;
  let end = fraction;
  while (end < to && isDigit(text[end]!)) end++;
  const isPlain = end === to && point > start &&
    (point === to || (text[point] === POINT && end > fraction));
  if (!isPlain) return writeSpecial(view, at, latin1.decode(text.subarray(from, to)));
  const scale = to - fraction;
  // Groups of four digits on both sides of the point, those of zeros at both ends left out.
  const whole = Math.ceil((point - start) / 4);
  const groups = whole + Math.ceil(scale / 4);
  let count = 0;
  let weight = 0;
  let kept = 0;
  for (let i = 0; i < groups; i++) {
    const first = i < whole ? point - 4 * (whole - i) : fraction + 4 * (i - whole);
    const stop = i < whole ? point : to;
    let group = 0;
    for (let digit = first; digit < first + 4; digit++) {
      group = group * 10 + (digit >= start && digit < stop ? text[digit]! - ZERO : 0);
    }
    if (count === 0 && group === 0) continue;
    if (count === 0) weight = whole - 1 - i;
    view.setInt16(at + 8 + 2 * count++, group);
    if (group !== 0) kept = count;
  }
  writeHead(view, at, kept, weight, isNegative && kept > 0 ? NEGATIVE : 0, scale);
  return 8 + 2 * kept;
}

const latin1 = new TextDecoder("latin1");

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte < ZERO + 10;
}

function writeSpecial(view: DataView, at: number, text: string): number {
  const sign = Object.keys(NAMES).find((key) => NAMES[Number(key)] === text);
  if (sign === undefined) return -1;
  writeHead(view, at, 0, 0, Number(sign), 0);
  return 8;
}

function writeHead(
  view: DataView,
  at: number,
  count: number,
  weight: number,
  sign: number,
  scale: number,
): void {
  view.setUint16(at, count);
  view.setInt16(at + 2, weight);
  view.setUint16(at + 4, sign);
  view.setUint16(at + 6, scale);
}
