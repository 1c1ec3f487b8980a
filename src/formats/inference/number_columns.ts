/**
 * Numbers without bounds, which travel as text: the digits that they need, and columns of them as
 * decimals. Which type holds them all is known only when all of them were seen.
 */
import { type BigColumn, columnFor, isNull } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import type { StagedData } from "../../core/contracts/buffer.ts";
import { ValueError } from "../../core/errors.ts";
import { exactDecimal } from "../../core/values/values.ts";
import { MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import { isDigit, MINUS } from "../text/ascii.ts";
import { shortDecimal } from "../text/fast_numbers.ts";

type Data = Batch["data"]["children"][number];

const POINT = 0x2e;
const ZERO = 0x30;

/** Digits of a decimal that all of a system's readers know: Arrow's Decimal128. */
const USUAL_PRECISION = 38;

/** Digits after the point of a decimal whose values are not known yet. */
const USUAL_SCALE = 18;

const latin1 = new TextDecoder("latin1");

/** Whether a system keeps a number, whose text is plain, in a way of its own. */
export type KeepsNumber = (bytes: Uint8Array, start: number, end: number) => boolean;

/** What the numbers of a field need so far. */
export class NumberDigits {
  /** How many were seen. */
  count = 0;
  /** Most digits before the point, without leading zeros. */
  whole = 0;
  /** Most digits after the point, as they are written. */
  scale = 0;
  /** Most digits after the point, without closing zeros. */
  needed = 0;
  /** The first text that is no plain number, such as NaN. */
  other: string | undefined;
  /** The first number that `keeps` says no to. */
  unkept: string | undefined;

  constructor(private readonly keeps?: KeepsNumber) {}

  add(bytes: Uint8Array, start: number, end: number): void {
    this.count++;
    const number = plainNumber(bytes, start, end);
    if (number === undefined) {
      this.other ??= latin1.decode(bytes.subarray(start, end));
      return;
    }
    this.whole = Math.max(this.whole, number.whole);
    this.scale = Math.max(this.scale, number.scale);
    this.needed = Math.max(this.needed, number.needed);
    if (this.unkept === undefined && this.keeps?.(bytes, start, end) === false) {
      this.unkept = latin1.decode(bytes.subarray(start, end));
    }
  }

  /** The decimal that holds all of them, with the scale that they are written with where it can be. */
  get decimal(): { readonly precision: number; readonly scale: number } | undefined {
    const { count, whole, other } = this;
    if (other !== undefined) return undefined;
    if (count === 0) return { precision: USUAL_PRECISION, scale: USUAL_SCALE };
    for (const precision of [USUAL_PRECISION, MAX_DECIMAL_PRECISION]) {
      for (const scale of [this.scale, this.needed]) {
        if (whole + scale <= precision) return { precision, scale };
      }
    }
    return undefined;
  }
}

/** Digits of one number. */
export interface PlainNumber {
  /** Before the point, without leading zeros. */
  readonly whole: number;
  /** After the point. */
  readonly scale: number;
  /** After the point, without closing zeros. */
  readonly needed: number;
  /** From the first digit that is not zero to the last one. */
  readonly significant: number;
}

/** The digits of a text; undefined when it is no plain number. */
export function plainNumber(
  bytes: Uint8Array,
  start: number,
  end: number,
): PlainNumber | undefined {
  const first = bytes[start] === MINUS ? start + 1 : start;
  let point = end;
  let head = -1;
  let tail = -1;
  for (let at = first; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === POINT && point === end) {
      point = at;
    } else if (!isDigit(byte)) {
      return undefined;
    } else if (byte !== ZERO) {
      if (head < 0) head = at;
      tail = at;
    }
  }
  if (point === first || point === end - 1) return undefined;
  const hasWhole = head >= 0 && head < point;
  const spansPoint = hasWhole && tail > point;
  return {
    whole: hasWhole ? point - head : 0,
    scale: point === end ? 0 : end - point - 1,
    needed: tail > point ? tail - point : 0,
    significant: head < 0 ? 0 : tail - head + (spansPoint ? 0 : 1),
  };
}

/** Reads all of a stage: what the numbers without bounds among its fields need, by their names. */
export async function measureNumbers(
  staged: Pick<StagedData, "fields" | "scanBatches">,
  keeps?: KeepsNumber,
): Promise<Map<string, NumberDigits>> {
  const measured = new Map(
    staged.fields.filter(({ number }) => number === true).map(({ name }) =>
      [name, new NumberDigits(keeps)] as const
    ),
  );
  if (measured.size === 0) return measured;
  for await (const batch of staged.scanBatches()) {
    for (const [i, { name }] of staged.fields.entries()) {
      const digits = measured.get(name);
      if (digits !== undefined) addAll(digits, batch.data.children[i]!);
    }
  }
  return measured;
}

function addAll(digits: NumberDigits, data: Data): void {
  const offsets = data.valueOffsets as Int32Array;
  for (let row = 0; row < data.length; row++) {
    if (!isNull(data, row)) digits.add(data.values, offsets[row]!, offsets[row + 1]!);
  }
}

/**
 * A column of numbers as text as one of a decimal field.
 *
 * @throws {ValueError} with its row for a number that the field does not hold
 */
export function decimalColumn(data: Data, to: Field): Data {
  const { precision = 38, scale = 0 } = to;
  const column = columnFor(to) as BigColumn;
  const { values } = data;
  const offsets = data.valueOffsets as Int32Array;
  for (let row = 0; row < data.length; row++) {
    if (isNull(data, row)) {
      column.pushNull();
      continue;
    }
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    const short = shortDecimal(values, start, end, scale);
    if (short !== undefined && String(Math.abs(short)).length <= precision) {
      column.push(BigInt(short));
      continue;
    }
    const text = latin1.decode(values.subarray(start, end));
    const exact = exactDecimal(text, precision, scale);
    if (exact === undefined) {
      throw new ValueError(`expected decimal(${precision},${scale})`, to.name, row + 1, text);
    }
    column.push(BigInt(exact.replace(".", "")));
  }
  return column.take();
}

/** What to write into a pipeline so that a number has one type whatever its values are. */
export function declareHint({ name }: Field): string {
  return `declare "fields: [{ id: ${name}, dtype: decimal, precision: …, scale: … }]" for a type that stays`;
}
