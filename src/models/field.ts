import { z } from "zod";
import { DXTType, MAX_DECIMAL_PRECISION } from "./dtype.ts";
import { hasOneGenerator, hasOneOrigin, hasRoomForScale, isTypeName } from "./rules.ts";

const name = z.string().min(1);
const precision = z.int().min(1).max(MAX_DECIMAL_PRECISION)
  .describe("Digits of a decimal, 1 to 76");
const scale = z.int().min(0).max(MAX_DECIMAL_PRECISION)
  .describe("Digits of a decimal after the point, at most its precision");

/**
 * A type in a target's own words, for example `numeric(12,2)` or `text[]`. It goes into DDL as it
 * stands, so it is held to the name of a type: no constraint, no default, no collation.
 */
export const NativeType = z.string().max(200)
  .refine(
    isTypeName,
    "expected the name of a type alone, such as numeric(12,2), double precision or text[]",
  )
  .describe("Type in the target's own words; wins over the mapped one");

export const FieldSource = z.strictObject({
  name: name.optional().describe("Column, key or path in the source (default: the id)"),
  expression: z.string().min(1).optional()
    .describe("Expression in the source's own language instead of a column"),
  dtype: DXTType.optional().describe("Type to read the field as"),
  precision: precision.optional(),
  scale: scale.optional(),
  nullable: z.boolean().optional().describe("false makes a NULL an error"),
}).describe("Where the field comes from");

export const FieldTarget = z.strictObject({
  name: name.optional().describe("Name in the target (default: the id)"),
  dtype: NativeType.optional(),
  nullable: z.boolean().optional().describe("false adds NOT NULL and makes a NULL an error"),
}).describe("What the field becomes in the target");

/** How much a pipeline says of a field: from its id alone to source, target and metadata. */
export const FieldDeclaration = z.strictObject({
  id: name.describe("Name that watermark_field and upsert_keys refer to"),
  dtype: DXTType.optional().describe("Type to read the field as"),
  precision: precision.optional(),
  scale: scale.optional(),
  nullable: z.boolean().optional().describe("false makes a NULL an error"),
  source: z.union([name, FieldSource]).optional().describe("Column, or {name, expression, dtype}"),
  target: z.union([name, FieldTarget]).optional().describe("Column, or {name, dtype, nullable}"),
  exclude: z.boolean().optional().describe("true: the source's field is left out (default: false)"),
  generator: z.enum(["current_timestamp"]).optional()
    .describe("The value is made by dxt: current_timestamp is the start of the run"),
  constant: z.union([z.string(), z.number(), z.boolean()]).optional()
    .describe(
      "Value that every record gets; it marks the stream's own rows in a target that streams share",
    ),
  metadata: z.record(z.string(), z.unknown()).optional().describe("Anything; kept, not read"),
}).refine(hasRoomForScale, {
  error: "scale must not exceed precision",
  path: ["scale"],
}).refine(hasOneOrigin, {
  error: "a generated field has no source",
  path: ["source"],
}).refine(hasOneGenerator, {
  error: "a field is generated or constant, not both",
  path: ["constant"],
}).meta({ id: "Field", description: "A field of a stream" });
export type FieldDeclaration = z.infer<typeof FieldDeclaration>;

/**
 * A resolved field: what source and declaration agreed on, written in the stage's manifest and
 * what a loader creates its target from. `name` is the name in the target.
 */
export const Field = z.strictObject({
  name,
  dtype: DXTType,
  precision: precision.optional(),
  scale: scale.optional(),
  nullable: z.boolean(),
  /** Part of the source's primary key. */
  key: z.boolean().optional(),
  /** The source computes it from its other columns. */
  generated: z.boolean().optional(),
  /**
   * Text that is a number without bounds: plain digits as the source shows them, or NaN, Infinity,
   * -Infinity. A target keeps it as a number where each value survives that.
   */
  number: z.literal(true).optional(),
  /** The type is a guess from values: a target that exists knows better. */
  inferred: z.boolean().optional(),
  /** Found in a source whose records may lack fields: others may be in records not looked at. */
  sparse: z.boolean().optional(),
  /**
   * How text compares where it stands for another type: as the number that it holds, by a rule of its
   * native type, which the same type of the same system shares, or in no order. Unset: as its dtype.
   */
  order: z.enum(["number", "native", "none"]).optional(),
  /** `provider:native type`, so that the same provider can make the very same type again. */
  source_type: z.string().optional(),
  /** The user's `target.dtype`. */
  target_type: NativeType.optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type Field = z.infer<typeof Field>;
