/** The types of fields. */
import { z } from "zod";

/**
 * The 21 types of fields between systems. `src/core/values/values.ts` and `src/arrow/schema.ts`
 * define their values in records and in Arrow.
 */
export const DXT_TYPES = [
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "float32",
  "float64",
  "decimal",
  "string",
  "bool",
  "date",
  "time",
  "timestamp",
  "timestamp_tz",
  "binary",
  "json",
  "array",
  "object",
] as const;

export const DXTType = z.enum(DXT_TYPES).meta({
  id: "DXTType",
  description: "Type of a field between source and target",
});
export type DXTType = z.infer<typeof DXTType>;

/** Most digits that a decimal can have: Arrow's Decimal256. */
export const MAX_DECIMAL_PRECISION = 76;
