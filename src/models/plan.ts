/** The JSON document of `dxt plan`: what a run would do with each stream. */
import { z } from "zod";
import { Guarantee } from "./guarantee.ts";
import { DeleteRule, Expectations, LoadMode, VerifyLevel } from "./stream.ts";

/** A field on its way from source to target. */
export const PlannedField = z.strictObject({
  name: z.string().describe("Name in the target"),
  source: z.string().describe(
    'Column, path or expression; "generated" for a value that dxt generates',
  ),
  source_type: z.string().describe("Type by its name in the source, if it has one"),
  dtype: z.string().describe("Type between source and target, for example decimal(10,2)"),
  target_type: z.string().describe("Type by its name in the target"),
  conversion: z.enum(["exact", "widened", "lossy"])
    .describe("The less exact of source to dxt and dxt to target"),
  note: z.string().optional().describe("Which values are refused, and other remarks"),
  accepted: z.boolean().optional()
    .describe(
      "For a lossy conversion, whether a run proceeds: the pipeline declares it or accepts it with load.lossy, or the column only has a limit such as a length",
    ),
}).meta({ id: "PlannedField" });
export type PlannedField = z.infer<typeof PlannedField>;

/** What a run would do with one stream. Unknown row counts and sizes are omitted. */
export const PlannedStream = z.strictObject({
  stream: z.string(),
  status: z.enum(["ready", "stopped", "failed"])
    .describe(
      "stopped: a lossy conversion is not accepted; failed: the run, or the plan itself, would fail",
    ),
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
      .describe("Highest value in the target; null when the target is empty or missing"),
    watermark_of: z.string().optional()
      .describe(
        "Target in which the watermark is read, and the condition for the stream's own rows",
      ),
    after: z.string().optional().describe(
      "Lower bound of the range, exclusive; inclusive with an overlap",
    ),
    up_to: z.string().optional().describe("Upper bound of a backfill, exclusive"),
  }),
  target: z.strictObject({
    name: z.string(),
    exists: z.boolean().optional(),
    rows: z.number().optional().describe(
      "Rows in the target now; with load.where, those that match",
    ),
  }),
  load: z.strictObject({
    mode: LoadMode,
    upsert_keys: z.array(z.string()),
    where: z.string().optional().describe("Condition of the rows that the load may delete"),
    deletes: DeleteRule.optional().describe("What happens to rows that the source no longer has"),
    verify: VerifyLevel.optional().describe("What is compared before the commit, where it is set"),
    guarantee: Guarantee.describe(
      "What the target holds when the load fails, is killed or repeated",
    ),
  }),
  expect: Expectations.optional().describe("Bounds on the stream's data"),
  fields: z.array(PlannedField),
  statements: z.array(z.string())
    .describe("Statements that create, empty or change the target, word for word"),
  destructive: z.array(z.string()).describe("Data that the run would delete"),
  warnings: z.array(z.string()).describe("Remarks that do not stop the run"),
  problems: z.array(z.string()).describe("Why the stream is not ready"),
}).meta({ id: "PlannedStream" });
export type PlannedStream = z.infer<typeof PlannedStream>;

/** The JSON document that `dxt plan --output json` prints. */
export const PlanResult = z.strictObject({
  pipeline: z.string(),
  status: z.enum(["ready", "stopped", "failed", "partial"])
    .describe("partial: some streams failed, others are ready"),
  source: z.string().describe("Provider of the connection"),
  target: z.string().describe("Provider of the connection"),
  streams: z.array(PlannedStream),
}).meta({ id: "PlanResult", description: "What a run would do" });
export type PlanResult = z.infer<typeof PlanResult>;

/** Digests of settings by their keys: they tell which setting differs, and hold no value. */
const SettingDigests = z.record(z.string(), z.string());
export type SettingDigests = z.infer<typeof SettingDigests>;

/** What a plan was made from, and what it says. */
export const PlanRecord = z.strictObject({
  salt: z.string().describe("Random key of the digests, so that they give no value away"),
  settings: z.strictObject({
    source: SettingDigests,
    target: SettingDigests,
    streams: z.record(z.string(), SettingDigests),
  }),
  result: PlanResult,
});
export type PlanRecord = z.infer<typeof PlanRecord>;

/** The file of `dxt plan --save`. */
export const SavedPlan = PlanRecord.extend({
  dxt: z.string().describe("Version of dxt that made it"),
  saved_at: z.string(),
  file: z.string().describe("Pipeline file, relative to the folder of the plan"),
  options: z.strictObject({
    select: z.string().optional(),
    exclude: z.string().optional(),
    fullRefresh: z.boolean().optional(),
    since: z.string().optional(),
    until: z.string().optional(),
    limit: z.number().optional(),
    verify: VerifyLevel.optional(),
  }).describe("Options of the command that choose streams, records and what is verified"),
});
export type SavedPlan = z.infer<typeof SavedPlan>;
