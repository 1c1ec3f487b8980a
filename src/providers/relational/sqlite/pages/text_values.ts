/** Decimals, days and times as the texts that `boundReader` gives, put without a string for each. */
import { dateText } from "../../../../arrow/mod.ts";
import { type RecordBody, TEXT } from "./record_body.ts";

const utf8 = new TextEncoder();

/** A decimal of a smaller scale takes at most so many bytes as a time. */
export const SHORT_SCALE = 20;

/** Puts the digits of a safe integer, with a point before the last `scale` ones. */
export function putDecimal(body: RecordBody, unscaled: number, scale: number): number {
  let rest = Math.abs(unscaled);
  let digits = 1;
  for (let limit = 10; rest >= limit; limit *= 10) digits++;
  const { bytes, end } = body;
  const negative = unscaled < 0 ? 1 : 0;
  const size = negative + Math.max(digits, scale + 1) + (scale > 0 ? 1 : 0);
  if (negative) bytes[end] = 0x2d;
  const point = scale > 0 ? end + size - 1 - scale : -1;
  for (let at = end + size - 1; at >= end + negative; at--) {
    if (at === point) {
      bytes[at] = 0x2e;
      continue;
    }
    const tenth = Math.floor(rest / 10);
    bytes[at] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  body.end += size;
  return TEXT + size * 2;
}

export const DAY_MICROS = 86_400_000_000;
/** 1000-01-01 and 9999-12-31: days between them have four digits for the year. */
const [FIRST_SHORT, LAST_SHORT] = [-354_285, 2_932_896];

export function hasFourDigitYear(day: number): boolean {
  return day >= FIRST_SHORT && day <= LAST_SHORT;
}

/** Texts of days that were put before: as many days in a row, eleven years, find theirs. */
const KNOWN = 4096;
const knownDays = new Int32Array(KNOWN).fill(LAST_SHORT + 1);
const knownTexts = new Uint8Array(KNOWN * 10);

/** Puts YYYY-MM-DD; returns its serial type. */
export function putDay(body: RecordBody, day: number): number {
  const known = day & (KNOWN - 1);
  const from = known * 10;
  if (knownDays[known] !== day) {
    utf8.encodeInto(dateText(day), knownTexts.subarray(from, from + 10));
    knownDays[known] = day;
  }
  const { bytes, end } = body;
  for (let i = 0; i < 10; i++) bytes[end + i] = knownTexts[from + i]!;
  body.end += 10;
  return TEXT + 20;
}

/** Puts HH:MM:SS and a fraction without closing zeros. */
export function putTime(body: RecordBody, micros: number): void {
  const seconds = Math.floor(micros / 1_000_000);
  putPair(body, (seconds / 3600) | 0, 0x3a);
  putPair(body, ((seconds / 60) | 0) % 60, 0x3a);
  putPair(body, seconds % 60, 0x2e);
  let rest = micros - seconds * 1_000_000;
  if (rest === 0) {
    body.end--;
    return;
  }
  let digits = 6;
  for (; rest % 10 === 0; rest /= 10) digits--;
  const { bytes, end } = body;
  for (let at = end + digits - 1; at >= end; at--, rest = (rest / 10) | 0) {
    bytes[at] = 0x30 + (rest % 10);
  }
  body.end += digits;
}

function putPair(body: RecordBody, value: number, mark: number): void {
  const { bytes, end } = body;
  bytes[end] = 0x30 + ((value / 10) | 0);
  bytes[end + 1] = 0x30 + (value % 10);
  bytes[end + 2] = mark;
  body.end += 3;
}

const UTC = utf8.encode("+00:00");

export function putUTC(body: RecordBody): void {
  for (let i = 0; i < UTC.length; i++) body.bytes[body.end + i] = UTC[i]!;
  body.end += UTC.length;
}
