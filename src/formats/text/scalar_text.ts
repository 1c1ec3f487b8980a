/** Writes numbers, booleans, dates and times as text, without a string for each value. */
import {
  type Data,
  decimalBits,
  decimalText,
  textReader,
  unscaledReader,
} from "../../arrow/mod.ts";
import { LETTER_T, LETTER_Z } from "../../core/values/ascii.ts";
import { classifyType } from "../../core/values/kinds.ts";
import type { Field } from "../../models/field.ts";
import {
  FIRST_DAY,
  LAST_DAY,
  MAX_VALUE_BYTES,
  putDay,
  putScaled,
  putTime,
  putTimestamp,
  putWhole,
} from "./digits.ts";
import type { ByteWriter } from "./byte_writer.ts";

/** Destination of the text. */
export type ScalarOutput = Pick<ByteWriter, "end" | "room" | "ascii" | "bytes">;

/** Writes the value of a row, which the caller has checked for NULL. */
export type WriteRow = (row: number) => void;

const WORD = 0x1_0000_0000;
/** Bound on the high word of an integer that a double holds exactly: below 2⁵³. */
const SAFE_HIGH = 0x20_0000;
const DAY_MICROS = 86_400_000_000;

const utf8 = new TextEncoder();
const TRUE = utf8.encode("true");
const FALSE = utf8.encode("false");

/** Returns a writer of integers, decimals or booleans; undefined for other types. */
export function numberWriter(
  field: Field,
  data: Data,
  output: ScalarOutput,
): WriteRow | undefined {
  const { values } = data;
  switch (classifyType(field.dtype)) {
    case "integer":
      return (row) => {
        output.end = putWhole(output.room(MAX_VALUE_BYTES), output.end, values[row]);
      };
    case "long": {
      const words = viewWords(values);
      const isSigned = field.dtype === "int64";
      return (row) => {
        const high = isSigned ? words[row * 2 + 1]! : words[row * 2 + 1]! >>> 0;
        if (high >= SAFE_HIGH || high < -SAFE_HIGH) return output.ascii(String(values[row]));
        const value = high * WORD + (words[row * 2]! >>> 0);
        output.end = putWhole(output.room(MAX_VALUE_BYTES), output.end, value);
      };
    }
    case "decimal":
      return decimalWriter(field, data, output);
    case "bool":
      return (row) => {
        const at = data.offset + row;
        output.bytes((values[at >> 3] & (1 << (at & 7))) === 0 ? FALSE : TRUE);
      };
    default:
      return undefined;
  }
}

function decimalWriter(
  { precision = 38, scale = 0 }: Field,
  data: Data,
  output: ScalarOutput,
): WriteRow {
  const words = viewWords(data.values);
  const width = decimalBits(precision) / 32;
  const unscaled = unscaledReader(data);
  const room = MAX_VALUE_BYTES + scale;
  return (row) => {
    const at = row * width;
    const high = words[at + 1]!;
    const sign = high >> 31;
    let isSafe = high < SAFE_HIGH && high >= -SAFE_HIGH;
    for (let word = 2; word < width; word++) isSafe &&= words[at + word] === sign;
    if (!isSafe) return output.ascii(decimalText(unscaled(row), scale));
    const value = high * WORD + (words[at]! >>> 0);
    output.end = putScaled(output.room(room), output.end, value, scale);
  };
}

/** Returns a writer of dates or times; undefined for other types. */
export function timeWriter(
  field: Field,
  data: Data,
  output: ScalarOutput,
): WriteRow | undefined {
  const text = textReader(field, data);
  const general: WriteRow = (row) => output.ascii(text(row)!);
  switch (field.dtype) {
    case "date": {
      const days: Int32Array = data.values;
      return (row) => {
        const day = days[row]!;
        if (day < FIRST_DAY || day > LAST_DAY) return general(row);
        output.end = putDay(output.room(MAX_VALUE_BYTES), output.end, day);
      };
    }
    case "time": {
      const words = viewWords(data.values);
      return (row) => {
        const micros = words[row * 2 + 1]! * WORD + (words[row * 2]! >>> 0);
        if (micros < 0 || micros >= DAY_MICROS) return general(row);
        output.end = putTime(output.room(MAX_VALUE_BYTES), output.end, micros);
      };
    }
    case "timestamp":
    case "timestamp_tz": {
      const words = viewWords(data.values);
      const hasZone = field.dtype === "timestamp_tz";
      return (row) => {
        const high = words[row * 2 + 1]!;
        if (high >= SAFE_HIGH || high < -SAFE_HIGH) return general(row);
        const micros = high * WORD + (words[row * 2]! >>> 0);
        const out = output.room(MAX_VALUE_BYTES);
        output.end = putTimestamp(out, output.end, micros, LETTER_T);
        if (hasZone) out[output.end++] = LETTER_Z;
      };
    }
    default:
      return undefined;
  }
}

function viewWords(values: ArrayBufferView<ArrayBuffer>): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4);
}
