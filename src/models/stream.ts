import { z } from "zod";
import { FieldDeclaration } from "./field.ts";
import { StreamSource, StreamTarget } from "./source.ts";

const text = z.string().min(1);
const scalar = z.union([z.string(), z.number(), z.boolean()]);

export const ExtractSettings = z.strictObject({
  mode: z.enum(["full", "incremental"]).optional().describe(
    "Everything, or what is newer (default: full)",
  ),
  watermark_field: text.optional().describe("Field whose highest value in the target is known"),
  watermark_where: z.union([
    text.describe("Condition in the target's SQL"),
    z.record(z.string(), scalar).describe(
      "Field ids, each with its value in the stream's own rows",
    ),
  ]).optional().describe(
    "Rows of the target in which dxt looks for the highest watermark: {field: value}, or a condition in the target's SQL (default: all rows; if streams share the target, rows with the stream's constant fields)",
  ),
  initial_value: scalar.optional()
    .describe("Watermark for an empty target: only what is greater is read"),
  overlap: z.union([
    text.regex(
      /^(\d+(\.\d+)?|P(?!$)(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?)$/,
      "expected a number, or an ISO 8601 duration such as PT1H or P2D",
    ),
    z.number().min(0).max(Number.MAX_SAFE_INTEGER).transform(String),
  ]).optional().describe("Read again this far below the watermark: a number, or PT1H, P2D"),
  null_watermark: z.enum(["error", "include", "exclude"]).optional()
    .describe("Rows whose watermark is NULL when a watermark is known (default: error)"),
  partition: z.union([
    z.enum(["auto", "none"]),
    z.strictObject({ field: text.describe("Field of whole numbers to split by") }),
  ]).optional().describe(
    "Large sources are read in parts by several threads: auto, none, or by ranges of a field (default: auto)",
  ),
  batch_rows: z.int().min(1).max(1_048_576).optional()
    .describe("Most rows in a batch (default: 8192)"),
  batch_bytes: z.int().min(1024).optional().describe("Most bytes in a batch (default: 16 MiB)"),
}).meta({ id: "Extract", description: "How a stream is read" });
export type ExtractSettings = z.infer<typeof ExtractSettings>;

export const LOAD_MODES = ["append", "replace", "upsert"] as const;
export const LoadMode = z.enum(LOAD_MODES);
export type LoadMode = z.infer<typeof LoadMode>;

export const LossRule = z.enum(["stop", "accept"]);
export type LossRule = z.infer<typeof LossRule>;

export const LoadSettings = z.strictObject({
  mode: LoadMode.optional().describe(
    "Add to the target, replace it, or update by key (default: append)",
  ),
  upsert_keys: z.array(text).min(1).optional().describe("Fields that identify a record"),
  lossy: LossRule.optional().describe(
    "When a column that is there has a narrower type than its field: stop before a row is written, or load as long as every value fits (accept) (default: stop)",
  ),
  early: z.boolean().optional().describe(
    "Begin to load a large stream while it is still extracted, unseen until the end (default: true)",
  ),
}).meta({ id: "Load", description: "How a stream is written" });
export type LoadSettings = z.infer<typeof LoadSettings>;

/** A class of a provider with its options: `{class, config}`, or the class alone. */
export const ClassReference = z.union([
  text,
  z.strictObject({ class: text, config: z.record(z.string(), z.unknown()).optional() }),
]).meta({
  id: "Class",
  description:
    "postgres, dxt.providers.postgres.PostgresCopyExtractor, https://host/mod.ts#Name or ./mod.ts#Name",
});
export type ClassReference = z.infer<typeof ClassReference>;

export const Tag = text.regex(/^[^\s,+:*?]+$/, "expected a tag without space , + : * ?");

export const Stream = z.strictObject({
  id: text.regex(/^[^\s,:*?]+$/, "expected an id without space , : * ?")
    .describe("Name of the stream, unique in the pipeline"),
  description: z.string().optional(),
  source: z.union([text, StreamSource]).describe("A table, file, …, or {type, …}"),
  target: z.union([text, StreamTarget]).optional().describe("A table, file, … (default: the id)"),
  tags: z.array(Tag).optional().describe("For selectors such as tag:daily"),
  fields: z.array(FieldDeclaration).min(1).optional()
    .describe("Fields to type, rename, compute or generate (default: all fields as they are)"),
  only_declared_fields: z.boolean().optional()
    .describe("Move the declared fields and no others (default: false)"),
  extract: ExtractSettings.optional(),
  load: LoadSettings.optional(),
  transforms: z.array(ClassReference).optional().describe(
    "Steps of one's own between extract and stage, in their order: ./clean.ts#Clean or {class, config}",
  ),
  extractor: ClassReference.optional().describe("Another extractor than the provider's first"),
  loader: ClassReference.optional().describe("Another loader than the provider's first"),
}).meta({ id: "Stream", description: "One dataset to move" });
export type Stream = z.infer<typeof Stream>;
