/**
 * Measures numbers of unbounded precision, which travel as text, and converts their columns to
 * decimals. Only after all values have been seen is it known which decimal type holds them.
 */
import { type BigColumn, createColumn, isNull } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import type { StagedData } from "../../core/contracts/buffer.ts";
import { ValueError } from "../../core/errors.ts";
import { exactDecimal } from "../../core/values/values.ts";
import { MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import { isDigit, MINUS, POINT, ZERO } from "../../core/values/ascii.ts";
import { parseShortDecimal } from "../text/fast_numbers.ts";

type Data = Batch["data"]["children"][number];

/** Precision that all Arrow readers support: that of Decimal128. */
const DEFAULT_PRECISION = 38;

/** Scale of a decimal column without values. */
const DEFAULT_SCALE = 18;

const latin1 = new TextDecoder("latin1");

/** Digits that the numbers of a field need, as far as they have been seen. */
export class NumberDigits {
  /** Numbers seen. */
  count = 0;
  /** Most digits before the point, without leading zeros. */
  whole = 0;
  /** Most digits after the point, as written. */
  scale = 0;
  /** Most digits after the point, without trailing zeros. */
  needed = 0;
  /** The first text that is not plain digits, such as NaN. */
  other: string | undefined;

  add(bytes: Uint8Array, start: number, end: number): void {
    this.count++;
    const number = measureDigits(bytes, start, end);
    if (number === undefined) {
      this.other ??= latin1.decode(bytes.subarray(start, end));
      return;
    }
    this.whole = Math.max(this.whole, number.whole);
    this.scale = Math.max(this.scale, number.scale);
    this.needed = Math.max(this.needed, number.needed);
  }

  /** Decimal type for all numbers, with their written scale if possible; undefined if none fits. */
  get decimal(): { readonly precision: number; readonly scale: number } | undefined {
    const { count, whole, other } = this;
    if (other !== undefined) return undefined;
    if (count === 0) return { precision: DEFAULT_PRECISION, scale: DEFAULT_SCALE };
    for (const precision of [DEFAULT_PRECISION, MAX_DECIMAL_PRECISION]) {
      for (const scale of [this.scale, this.needed]) {
        if (whole + scale <= precision) return { precision, scale };
      }
    }
    return undefined;
  }
}

/** The digits of one number. */
export interface PlainNumber {
  /** Digits before the point, without leading zeros. */
  readonly whole: number;
  /** Digits after the point. */
  readonly scale: number;
  /** Digits after the point, without trailing zeros. */
  readonly needed: number;
  /** Digits from the first to the last that is not zero. */
  readonly significant: number;
}

/** Measures the digits of a text; undefined when it is not a plain number. */
export function measureDigits(
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

/** Reads the whole stage; returns the digits of its unbounded number fields by field name. */
export async function measureNumbers(
  staged: Pick<StagedData, "fields" | "scanBatches">,
): Promise<Map<string, NumberDigits>> {
  const measured = new Map(
    staged.fields.filter(({ number }) => number === true).map(({ name }) =>
      [name, new NumberDigits()] as const
    ),
  );
  if (measured.size === 0) return measured;
  for await (const batch of staged.scanBatches()) {
    for (const [i, { name }] of staged.fields.entries()) {
      const digits = measured.get(name);
      if (digits !== undefined) addColumn(digits, batch.data.children[i]!);
    }
  }
  return measured;
}

function addColumn(digits: NumberDigits, data: Data): void {
  const offsets = data.valueOffsets as Int32Array;
  for (let row = 0; row < data.length; row++) {
    if (!isNull(data, row)) digits.add(data.values, offsets[row]!, offsets[row + 1]!);
  }
}

/**
 * Converts a column of numbers as text to a column of a decimal field.
 *
 * @throws {ValueError} with the row for a number that the field cannot hold
 */
export function convertToDecimals(data: Data, to: Field): Data {
  const { precision = 38, scale = 0 } = to;
  const column = createColumn(to) as BigColumn;
  const { values } = data;
  const offsets = data.valueOffsets as Int32Array;
  for (let row = 0; row < data.length; row++) {
    if (isNull(data, row)) {
      column.pushNull();
      continue;
    }
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    const short = parseShortDecimal(values, start, end, scale);
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

/** Advises to declare a field, so that its type does not depend on its values. */
export function declareHint({ name }: Field): string {
  return `declare "fields: [{ id: ${name}, dtype: decimal, precision: …, scale: … }]" for a type that stays`;
}
