/** The types of fields. */
import type { z } from "zod";
import { describedEnum } from "./describe.ts";

/**
 * The 21 types of fields between systems. `src/core/values/values.ts` and `src/arrow/schema.ts`
 * define their values in records and in Arrow.
 */
export const DXTType = describedEnum({
  int8: "Whole number of 8 bits: -128 to 127",
  int16: "Whole number of 16 bits: -32,768 to 32,767",
  int32: "Whole number of 32 bits: about ±2.1 billion",
  int64: "Whole number of 64 bits: about ±9.2 × 10^18",
  uint8: "Whole number of 8 bits: 0 to 255",
  uint16: "Whole number of 16 bits: 0 to 65,535",
  uint32: "Whole number of 32 bits: 0 to about 4.3 billion",
  uint64: "Whole number of 64 bits: 0 to about 18.4 × 10^18",
  float32: "Floating point of 32 bits: 6 to 9 digits, NaN and infinity",
  float64: "Floating point of 64 bits: 15 to 17 digits, NaN and infinity",
  decimal: "Exact number with precision and scale, to 76 digits",
  string: "Text in Unicode",
  bool: "true or false",
  date: "Day of the calendar: 2026-02-28",
  time: "Time of day to the microsecond: 13:45:00.5",
  timestamp: "Day and time without a zone, to the microsecond",
  timestamp_tz: "Point in time in UTC, to the microsecond",
  binary: "Bytes",
  json: "Any JSON value, as it is written",
  array: "JSON array",
  object: "JSON object",
}, {
  id: "DXTType",
  description: "Type of a field between source and target",
});
export const DXT_TYPES = DXTType.options;
export type DXTType = z.infer<typeof DXTType>;

/** Most digits that a decimal can have: Arrow's Decimal256. */
export const MAX_DECIMAL_PRECISION = 76;
