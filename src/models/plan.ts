import { z } from "zod";
import { Guarantee } from "./guarantee.ts";
import { LoadMode } from "./stream.ts";

/** One field on its way. */
export const PlannedField = z.strictObject({
  name: z.string().describe("In the target"),
  source: z.string().describe("Column, path or expression; generated for a value that dxt makes"),
  source_type: z.string().describe("In the source's own words, where it has some"),
  dtype: z.string().describe("Between the two, for example decimal(10,2)"),
  target_type: z.string().describe("In the target's own words"),
  conversion: z.enum(["exact", "widened", "lossy"])
    .describe("The lesser of source to dxt and dxt to target"),
  note: z.string().optional().describe("When a value is refused, or what else is to be known"),
  accepted: z.boolean().optional()
    .describe(
      "Of a lossy one, whether a run goes on: the pipeline declares it or accepts it with load.lossy, or the column has no more than a limit such as a length",
    ),
}).meta({ id: "PlannedField" });
export type PlannedField = z.infer<typeof PlannedField>;

/** What a run would do with one stream. Rows and bytes that are not known are left out. */
export const PlannedStream = z.strictObject({
  stream: z.string(),
  status: z.enum(["ready", "stopped", "failed"])
    .describe("stopped by a lossy conversion; failed where the run would fail, or to plan"),
  source: z.strictObject({
    name: z.string(),
    kind: z.string().optional().describe("table, view, query, csv file, …"),
    rows: z.number().optional().describe("Estimated"),
    bytes: z.number().optional().describe("Estimated"),
  }),
  extract: z.strictObject({
    mode: z.enum(["full", "incremental"]),
    watermark_field: z.string().optional(),
    watermark: z.string().nullable().optional()
      .describe("Highest in the target; null when it is empty or missing"),
    watermark_of: z.string().optional()
      .describe("Target of the watermark, and the condition for the stream's own rows"),
    after: z.string().optional().describe("What is read is greater, or equal with an overlap"),
    up_to: z.string().optional().describe("Of a backfill; not in the range"),
  }),
  target: z.strictObject({
    name: z.string(),
    exists: z.boolean().optional(),
    rows: z.number().optional().describe("In it now"),
  }),
  load: z.strictObject({
    mode: LoadMode,
    upsert_keys: z.array(z.string()),
    guarantee: Guarantee.describe(
      "What the target holds when the load fails, is killed or repeated",
    ),
  }),
  fields: z.array(PlannedField),
  statements: z.array(z.string())
    .describe("Word for word, those that make, empty or change what is in the target"),
  destructive: z.array(z.string()).describe("What is lost"),
  warnings: z.array(z.string()).describe("Facts to know before the run; they do not stop it"),
  problems: z.array(z.string()).describe("Why the stream is not ready"),
}).meta({ id: "PlannedStream" });
export type PlannedStream = z.infer<typeof PlannedStream>;

/** The one JSON document of `dxt plan --output json`. */
export const PlanResult = z.strictObject({
  pipeline: z.string(),
  status: z.enum(["ready", "stopped", "failed", "partial"])
    .describe("partial: some streams failed, others are ready"),
  source: z.string().describe("Provider"),
  target: z.string().describe("Provider"),
  streams: z.array(PlannedStream),
}).meta({ id: "PlanResult", description: "What a run would do" });
export type PlanResult = z.infer<typeof PlanResult>;
