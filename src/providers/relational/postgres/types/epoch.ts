/** PostgreSQL counts days and microseconds from 2000-01-01, dxt from 1970-01-01. */
import { DAY_MICROS } from "../../../../arrow/mod.ts";

/** Days and microseconds from the one to the other. */
export const EPOCH_DAYS = 10_957;
export const EPOCH_MICROS = BigInt(EPOCH_DAYS) * DAY_MICROS;

/** Low and high 32 bits, the low ones without a sign. */
export const splitWords = (micros: bigint) =>
  [Number(BigInt.asUintN(32, micros)), Number(micros >> 32n)] as const;

export const EPOCH_WORDS = splitWords(EPOCH_MICROS);
export const DAY_WORDS = splitWords(DAY_MICROS);
