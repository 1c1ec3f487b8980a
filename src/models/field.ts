/** Fields: as a pipeline declares them, and as the plan resolves them. */
import { z } from "zod";
import { describedEnum, withDefault } from "./describe.ts";
import { DXTType, MAX_DECIMAL_PRECISION } from "./dtype.ts";
import { hasOneGenerator, hasOneOrigin, hasRoomForScale, isTypeName } from "./rules.ts";

const name = z.string().min(1);
const precision = z.int().min(1).max(MAX_DECIMAL_PRECISION)
  .describe("Digits of a decimal, 1 to 76");
const scale = z.int().min(0).max(MAX_DECIMAL_PRECISION)
  .describe("Digits of a decimal after the point, at most its precision");

/**
 * A type as the target names it, for example `numeric(12,2)` or `text[]`. It becomes part of DDL
 * unchanged, so it must be a type name only: no constraint, default or collation.
 */
export const NativeType = z.string().max(200)
  .refine(
    isTypeName,
    "expected only the name of a type, such as numeric(12,2), double precision or text[]",
  )
  .describe("Type by its name in the target; overrides the mapped type");

export const FieldSource = z.strictObject({
  name: name.optional().describe("Column, key or path in the source (default: the id)"),
  expression: z.string().min(1).optional()
    .describe("Expression in the source's language, instead of a column"),
  dtype: DXTType.optional().describe("Type to read the field as"),
  precision: precision.optional(),
  scale: scale.optional(),
  nullable: z.boolean().optional().describe("false makes a NULL an error"),
}).describe("Where the field comes from");

export const FieldTarget = z.strictObject({
  name: name.optional().describe("Name in the target (default: the id)"),
  dtype: NativeType.optional(),
  nullable: z.boolean().optional().describe("false adds NOT NULL and makes a NULL an error"),
}).describe("How the field is stored in the target");

/** A field as a pipeline declares it: from its id alone to source, target and metadata. */
export const FieldDeclaration = z.strictObject({
  id: name.describe("Name that watermark_field and upsert_keys refer to"),
  dtype: DXTType.optional().describe("Type to read the field as"),
  precision: precision.optional(),
  scale: scale.optional(),
  nullable: z.boolean().optional().describe("false makes a NULL an error"),
  source: z.union([name, FieldSource]).optional().describe("Column, or {name, expression, dtype}"),
  target: z.union([name, FieldTarget]).optional().describe("Column, or {name, dtype, nullable}"),
  exclude: z.boolean().optional().meta(withDefault("true: do not move the field", false)),
  plain: z.boolean().optional().meta(
    withDefault("true: dxt record keeps its values, instead of masking them", false),
  ),
  generator: describedEnum({ current_timestamp: "The start of the run, in UTC" }).optional()
    .describe("Value that dxt generates; current_timestamp is the start of the run"),
  constant: z.union([z.string(), z.number(), z.boolean()]).optional()
    .describe(
      "Value for every record; marks the stream's own rows in a target shared by streams",
    ),
  metadata: z.record(z.string(), z.unknown()).optional().describe(
    "Any data; stored, but not used by dxt",
  ),
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

/** The type of an array's elements, any of which may be null. */
const Element = z.strictObject({
  dtype: DXTType,
  precision: precision.optional(),
  scale: scale.optional(),
  uuid: z.literal(true).optional(),
});
export type Element = z.infer<typeof Element>;

/**
 * A resolved field: the result of source and declaration. The stage's manifest stores it, and a
 * loader creates its target from it. `name` is the name in the target.
 */
export const Field = z.strictObject({
  name,
  dtype: DXTType,
  precision: precision.optional(),
  scale: scale.optional(),
  nullable: z.boolean(),
  /** Whether the field is part of the source's primary key. */
  key: z.boolean().optional(),
  /** Whether the source computes the field from other columns. */
  generated: z.boolean().optional(),
  /**
   * Marks text that is a number of unbounded precision: plain digits as the source prints them, or
   * NaN, Infinity, -Infinity. A target stores it as a number where that changes no value.
   */
  number: z.literal(true).optional(),
  /**
   * Marks text that is a UUID in canonical form, as a column of UUIDs gives it: 32 lower-case digits in
   * five groups. A Parquet file stores its 16 bytes.
   */
  uuid: z.literal(true).optional(),
  /** Type of an array's elements, where the source knows it. A Parquet file stores a list of them. */
  element: Element.optional(),
  /**
   * Whether the type was guessed from values: an existing target's type takes precedence, and a new one makes
   * room for further values. A file has its types, whatever they were before.
   */
  inferred: z.boolean().optional(),
  /** Whether values were seen that are nothing but text, where the type was guessed from text. */
  only_text: z.literal(true).optional(),
  /** Whether records may lack fields, so that later ones may have fields beyond the sample. */
  sparse: z.boolean().optional(),
  /**
   * Order of text that stands for another type: by the number that it holds; by a rule of its
   * native type, which only the same type of the same system shares; or none. Unset: the order of
   * the dtype.
   */
  order: z.enum(["number", "native", "none"]).optional(),
  /** `provider:native type`, so that the same provider can create the identical type. */
  source_type: z.string().optional(),
  /** The `target.dtype` that the user declared. */
  target_type: NativeType.optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type Field = z.infer<typeof Field>;
