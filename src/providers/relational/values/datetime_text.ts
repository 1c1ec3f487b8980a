/** Text of dates and times, as SQLite keeps them → the raw values of Arrow's columns. */
import { createColumn, valuePusher } from "../../../arrow/mod.ts";
import { parseText } from "../../../core/values/values.ts";
import {
  NO_DAY,
  parseISODate,
  parseISOTime,
  parseISOTimestamp,
} from "../../../formats/text/iso.ts";
import type { Field } from "../../../models/field.ts";

/** The usual spellings are no longer. */
const bytes = new Uint8Array(40);

/** Bytes of an ASCII text, in `bytes`; -1 for any other text. */
function encode(text: string): number {
  if (text.length > bytes.length) return -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return -1;
    bytes[i] = code;
  }
  return text.length;
}

/**
 * Reads texts of a field of dtype date, time, timestamp or timestamp_tz as days or microseconds.
 * The usual shapes are read without an object for each, all others by `parseText`.
 *
 * @throws {ValueError} (the function) when the text is not of the field's type
 */
export function clockReader(field: Field): (text: string) => number | bigint {
  const column = createColumn(field);
  const push = valuePusher(field, column);
  const slow = (text: string): number | bigint => {
    push(parseText(text, field));
    return (column.take().values as ArrayLike<number | bigint>)[0]!;
  };
  if (field.dtype === "date") {
    return (text) => {
      const day = parseISODate(bytes, 0, encode(text));
      return day === NO_DAY ? slow(text) : day;
    };
  }
  const zone = field.dtype === "timestamp_tz";
  const read = field.dtype === "time"
    ? (end: number) => parseISOTime(bytes, 0, end)
    : (end: number) => parseISOTimestamp(bytes, 0, end, zone);
  return (text) => {
    const micros = read(encode(text));
    return Number.isNaN(micros) ? slow(text) : BigInt(micros);
  };
}
