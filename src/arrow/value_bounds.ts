/**
 * Finds values that Arrow's buffers can hold but their type cannot: decimals with too many digits,
 * times outside a day, dates outside the calendar. Writers would each change them in their own way.
 */
import { type Data, DataType, DateUnit, type Decimal, TimeUnit } from "apache-arrow";
import { ValueError } from "../core/errors.ts";
import {
  DAY_MICROS,
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
} from "./builder.ts";
import { decimalText, isNull, unscaledReader } from "./reader.ts";

/** Temporal's calendar in days from 1970: 20 April −271821 to 13 September 275760. */
const LAST_DAY = 100_000_000;
const FIRST_DAY = -LAST_DAY - 1;

/** Units per second. */
const PER_SECOND: Readonly<Record<TimeUnit, number>> = {
  [TimeUnit.SECOND]: 1,
  [TimeUnit.MILLISECOND]: 1000,
  [TimeUnit.MICROSECOND]: 1_000_000,
  [TimeUnit.NANOSECOND]: 1_000_000_000,
};

const DAY_SECONDS = 86_400;

/** Whether the value of a row is within its type. The slot of a NULL may hold anything. */
type IsWithin = (row: number) => boolean;

/**
 * Checks a column that is neither nested nor a dictionary; readers of those check each value.
 *
 * @param infinite whether the numbers for infinity mean infinity, as in files that dxt wrote
 * @throws {ValueError} for a value out of bounds, with its row in the column
 */
export function checkBounds(data: Data, name: string, infinite: boolean): void {
  const isWithin = boundsTest(data, infinite);
  if (isWithin === undefined) return;
  for (let row = 0; row < data.length; row++) {
    if (!isWithin(row) && !isNull(data, row)) throw outOfBoundsError(data, name, row);
  }
}

/** Creates the error for a value that is out of its type's bounds. */
export function outOfBoundsError(data: Data, name: string, row: number): ValueError {
  const { type } = data;
  if (DataType.isDecimal(type)) {
    const text = decimalText(unscaledReader(data)(row), Math.max(0, type.scale));
    const value = type.scale < 0 ? `${text}e${-type.scale}` : text;
    return new ValueError(
      `expected decimal(${type.precision},${type.scale})`,
      name,
      row + 1,
      value,
    );
  }
  const expected = DataType.isTime(type)
    ? "a time of day, from 00:00 to before 24:00"
    : "a date from the year -271821 to 275760";
  const unit = DataType.isTime(type) || DataType.isTimestamp(type) ? UNITS[type.unit] : "days";
  return new ValueError(`expected ${expected}`, name, row + 1, `${data.values[row]} ${unit}`);
}

const UNITS: Readonly<Record<TimeUnit, string>> = {
  [TimeUnit.SECOND]: "s",
  [TimeUnit.MILLISECOND]: "ms",
  [TimeUnit.MICROSECOND]: "µs",
  [TimeUnit.NANOSECOND]: "ns",
};

/** Returns the test for a column's type; undefined when every bit pattern is a value. */
function boundsTest(data: Data, infinite: boolean): IsWithin | undefined {
  const { type } = data;
  if (DataType.isDecimal(type)) return decimalBounds(data as Data<Decimal>);
  if (DataType.isTime(type)) {
    const day = DAY_SECONDS * PER_SECOND[type.unit];
    return type.bitWidth === 32
      ? rangeTest(data.values, 0, day - 1)
      : wordRangeTest(data, 0n, BigInt(day) - 1n);
  }
  if (DataType.isDate(type)) {
    // The reader of millisecond dates checks each value itself.
    if (type.unit !== DateUnit.DAY) return undefined;
    const days = data.values as Int32Array;
    const isWithin = rangeTest(days, FIRST_DAY, LAST_DAY);
    return (row) =>
      isWithin(row) ||
      (infinite && (days[row] === INFINITE_DAY || days[row] === NEGATIVE_INFINITE_DAY));
  }
  if (!DataType.isTimestamp(type) || type.unit !== TimeUnit.MICROSECOND) return undefined;
  const isLocal = (type.timezone ?? null) === null;
  const last = BigInt(LAST_DAY) * DAY_MICROS;
  // Instants stay within these days; a local time may fall on the day after them.
  const limit = isLocal ? last + DAY_MICROS - 1n : last;
  const isWithin = wordRangeTest(data, -limit, limit);
  const micros = data.values as BigInt64Array;
  return (row) =>
    isWithin(row) ||
    (infinite && (micros[row] === INFINITE_MICROS || micros[row] === NEGATIVE_INFINITE_MICROS));
}

function rangeTest(values: ArrayLike<number>, low: number, high: number): IsWithin {
  return (row) => values[row]! >= low && values[row]! <= high;
}

/** Tests 64-bit values by their high words; only values near a bound become a bigint. */
function wordRangeTest(data: Data, low: bigint, high: bigint): IsWithin {
  const values = data.values as BigInt64Array;
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  const [lowest, highest] = [Number(low >> 32n), Number(high >> 32n)];
  return (row) => {
    const word = words[row * 2 + 1]!;
    return (word > lowest && word < highest) || (values[row]! >= low && values[row]! <= high);
  };
}

/** Tests decimals like `wordRangeTest`, by the limit's highest word and the sign words above. */
export function decimalBounds(data: Data<Decimal>): IsWithin {
  const { precision, bitWidth } = data.type;
  const limit = 10n ** BigInt(precision);
  const width = bitWidth / 32;
  const top = Math.min(width - 1, Math.floor((limit.toString(2).length - 1) / 32));
  const highest = Number(limit >> BigInt(top * 32));
  const words = data.values as unknown as Int32Array;
  const signed = new Int32Array(words.buffer, words.byteOffset, data.length * width);
  const unscaled = unscaledReader(data);
  return (row) => {
    const at = row * width;
    const word = signed[at + top]!;
    if (word < highest && word > -highest) {
      const sign = word >> 31;
      let isExtended = true;
      for (let i = top + 1; i < width; i++) isExtended &&= signed[at + i] === sign;
      if (isExtended) return true;
    }
    const value = unscaled(row);
    return value < limit && value > -limit;
  };
}
