/** A stream of a pipeline: its source and target, its fields, how to extract and how to load. */
import { z } from "zod";
import { describedEnum, withDefault } from "./describe.ts";
import { FieldDeclaration } from "./field.ts";
import { StreamSource, StreamTarget } from "./source.ts";

const text = z.string().min(1);
const scalar = z.union([z.string(), z.number(), z.boolean()]);

export const ExtractSettings = z.strictObject({
  mode: describedEnum({
    full: "All records",
    incremental: "Records above the highest value of watermark_field in the target",
  }).optional().meta(withDefault("Read all records, or only those above the watermark", "full")),
  watermark_field: text.optional().describe(
    "Field whose highest value in the target is the watermark",
  ),
  watermark_where: z.union([
    text.describe("Condition in the target's SQL"),
    z.record(z.string(), scalar).describe(
      "Values of fields, by their ids, in the stream's own rows",
    ),
  ]).optional().describe(
    "Rows of the target in which dxt reads the watermark: {field: value}, or a condition in the target's SQL (default: all rows; if streams share the target, rows with the stream's constant fields)",
  ),
  initial_value: scalar.optional()
    .describe("Watermark for an empty target; only greater values are read"),
  overlap: z.union([
    text.regex(
      /^(\d+(\.\d+)?|P(?!$)(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{1,6})?S)?)?)$/,
      "expected a number, or an ISO 8601 duration such as PT1H, P2D or PT0.000001S",
    ),
    z.number().min(0).max(Number.MAX_SAFE_INTEGER).transform(String),
  ]).optional().describe(
    "Distance below the watermark from which to read again: a number, or PT1H, P2D, PT0.25S (to the microsecond)",
  ),
  null_watermark: describedEnum({
    error: "The run fails at the first such row",
    include: "Such rows are read in every run",
    exclude: "Such rows are not read",
  }).optional()
    .meta(
      withDefault(
        "How to treat rows whose watermark is NULL, once the target has a watermark",
        "error",
      ),
    ),
  partition: z.union([
    describedEnum({
      auto: "By pages, row numbers, row groups or files, where the source is large enough",
      none: "One reader",
    }),
    z.strictObject({ field: text.describe("Integer field to split by") }),
  ]).optional().meta(
    withDefault(
      "How to split a large source for parallel reading: auto, none, or, for databases, by ranges of a field",
      "auto",
    ),
  ),
  batch_rows: z.int().min(1).max(1_048_576).optional()
    .meta(withDefault("Maximum rows of a batch", 8192)),
  batch_bytes: z.int().min(1024).optional().meta(
    withDefault("Maximum bytes of a batch", 16 * 1024 * 1024, "16 MiB"),
  ),
}).meta({ id: "Extract", description: "How to read a stream" });
export type ExtractSettings = z.infer<typeof ExtractSettings>;

export const LoadMode = describedEnum({
  append: "Adds the records to those of the target",
  replace: "Replaces all records of the target",
  upsert: "Updates records whose upsert_keys the target has, adds the others",
  scd2: "Keeps each version of a record: closes the one that changed, adds the new one",
});
export const LOAD_MODES = LoadMode.options;
export type LoadMode = z.infer<typeof LoadMode>;

export const LossRule = describedEnum({
  stop: "Stops before a row is written",
  accept: "Loads while every value fits; the first that does not ends the load",
});
export type LossRule = z.infer<typeof LossRule>;

export const SchemaRule = describedEnum({
  strict: "Never changes a table; stops before a row is read",
  evolve: "Adds columns and widens types; drops nothing",
});
export type SchemaRule = z.infer<typeof SchemaRule>;

export const VerifyLevel = describedEnum({
  counts: "Rows that the target reports",
  aggregates: "Also NULLs, lowest and highest values and sums, by a query of the target",
  full: "Every value: dxt reads the loaded rows back and compares digests",
});
export type VerifyLevel = z.infer<typeof VerifyLevel>;

export const DeleteRule = describedEnum({
  soft:
    "Marks the row with the time in the column deleted_at, a row that comes back is unmarked; mode scd2 closes its version",
  hard: "Deletes the row",
});
export type DeleteRule = z.infer<typeof DeleteRule>;

export const HistorySettings = z.strictObject({
  valid_from_field: text.optional().describe(
    "Field with the time from which a record is valid, such as updated_at; each time is a version (default: the time of the load)",
  ),
  valid_from: text.optional().meta(
    withDefault("Column with the time from which a version is valid", "valid_from"),
  ),
  valid_to: text.optional().meta(
    withDefault(
      "Column with the time up to which a version is valid, exclusive; NULL in the current one",
      "valid_to",
    ),
  ),
  is_current: text.optional().meta(
    withDefault("Column that is true in the current version", "is_current"),
  ),
}).meta({ id: "History", description: "The columns that mode scd2 adds to a table" });
export type HistorySettings = z.infer<typeof HistorySettings>;

export const LoadSettings = z.strictObject({
  mode: LoadMode.optional().meta(
    withDefault(
      "Add rows, replace all rows, update rows by key, or keep the versions of each key",
      "append",
    ),
  ),
  upsert_keys: z.array(text).min(1).optional().describe("Fields that identify a record"),
  where: text.optional().describe(
    "Condition in the target's SQL: mode replace deletes only the rows of a table that match, and each loaded row must match; with deletes, only such rows are deleted (default: all rows)",
  ),
  deletes: DeleteRule.optional().describe(
    "What modes upsert and scd2 do with rows of a table whose keys the source no longer has: mark, close or delete them (default: they stay)",
  ),
  deleted_at: text.optional().meta(
    withDefault("Column in which soft deletes mark a row", "_dxt_deleted_at"),
  ),
  history: HistorySettings.optional().describe(
    "The columns of mode scd2: when a version is valid, and whether it is the current one",
  ),
  lossy: LossRule.optional().meta(
    withDefault(
      "If an existing column has a narrower type than its field: stop before writing, or accept and load while every value fits",
      "stop",
    ),
  ),
  schema: SchemaRule.optional().describe(
    "If an existing table lacks a column or has a narrower type: strict stops before a row is read, evolve adds columns and widens types (default: strict, but replace changes the table)",
  ),
  verify: VerifyLevel.optional().describe(
    "What is compared between stage and target before the load commits (default: full for a small load, else aggregates; counts where the target cannot be asked)",
  ),
  early: z.boolean().optional().meta(
    withDefault(
      "Start loading a large stream during extraction; its rows become visible at the end",
      true,
    ),
  ),
}).meta({ id: "Load", description: "How to write a stream" });
export type LoadSettings = z.infer<typeof LoadSettings>;

export const RetrySettings = z.strictObject({
  attempts: z.int().min(1).max(100).optional().meta(
    withDefault("Attempts of a stream, the first included; 1 means no retry", 3),
  ),
  backoff: z.number().min(0).max(86_400).optional().meta(
    withDefault("Seconds before the second attempt, twice as long before each further one", 1),
  ),
  max_backoff: z.number().min(0).max(86_400).optional().meta(
    withDefault("Longest wait before an attempt in seconds", 60),
  ),
}).meta({
  id: "Retry",
  description:
    "Further attempts after a failure that may pass: a lost connection, a server that starts, a deadlock",
});
export type RetrySettings = z.infer<typeof RetrySettings>;

export const Expectations = z.strictObject({
  min_rows: z.int().min(0).optional().describe("Minimum rows that the run must read"),
  max_rows: z.int().min(0).optional().describe(
    "Maximum rows that the run may read; it stops at the next batch",
  ),
  max_bytes: z.int().min(0).optional().describe(
    "Maximum bytes that the run may read; it stops at the next batch",
  ),
  max_delete_pct: z.number().min(0).max(100).optional().describe(
    "Maximum percentage by which a replacement may reduce the target's rows, or that load.deletes may delete; with load.where, of the rows that match (default: 50 with load.deletes)",
  ),
  max_age: text.regex(
    /^P(?!$)(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$/,
    "expected an ISO 8601 duration such as P1D or PT6H",
  ).optional().describe(
    "Maximum age of the newest watermark, such as P1D, for a date from the end of the day; not checked in a backfill or full refresh",
  ),
}).meta({
  id: "Expect",
  description:
    "Bounds on the data: a stream outside of them fails with exit code 5, and its target is unchanged",
});
export type Expectations = z.infer<typeof Expectations>;
/** The most that a stream may read. */
export type ReadBounds = Pick<Expectations, "max_rows" | "max_bytes">;

/** A number of rows, or a percentage of the rows read, such as `1%`. */
export const MaxErrors = z.union([
  z.int().min(0).describe("Rows"),
  z.string().regex(/^(100|\d{1,2}(\.\d{1,6})?)%$/, "expected a percentage such as 1% or 0.5%")
    .describe("Percentage of the rows read"),
]);
export type MaxErrors = z.infer<typeof MaxErrors>;

/** Rows that may be rejected where the pipeline does not say. */
export const MAX_ERRORS = 100;

export const ErrorHandling = z.strictObject({
  on_extract_error: describedEnum({
    fail: "The stream fails at the first error",
    retry: "An error that may pass is tried again as retry says; any other fails the stream",
    skip:
      "As retry, but records of a file that cannot be read become dead letters; the others are loaded",
  }).optional().meta(
    withDefault("If the source cannot be read, or a record of its files", "retry"),
  ),
  on_transform_error: describedEnum(
    {
      fail: "The stream fails at the first such row",
      skip: "Such rows become dead letters; the others are loaded",
    },
    {},
    {
      retry: "the same row fails again each time, expected fail or skip",
    },
  ).optional().meta(
    withDefault("If a value is not of its field's type, or a transform refuses a row", "fail"),
  ),
  on_load_error: describedEnum({
    fail: "The stream fails at the first error",
    retry: "An error that may pass is tried again as retry says; any other fails the stream",
    skip: "As retry, but rows that the target refuses become dead letters; the others are loaded",
  }).optional().meta(withDefault("If the target refuses a load or its rows", "retry")),
  max_errors: MaxErrors.optional().meta(
    withDefault(
      "Most rows that may be rejected, or their percentage of the rows read; with more, nothing is loaded and the exit code is 5",
      MAX_ERRORS,
    ),
  ),
  dead_letters: z.string().min(1).optional().describe(
    "Folder of the files of rejected rows (default: .dxt/dead_letters beside the pipeline)",
  ),
}).meta({ id: "ErrorHandling", description: "What happens after an error, and with bad rows" });
export type ErrorHandling = z.infer<typeof ErrorHandling>;

export const TimeoutSeconds = z.number().min(1).max(2_000_000).optional().describe(
  "Seconds after which the stream is cancelled and fails, waits and further attempts included (default: no limit)",
);

const CLASS_NAMES =
  "postgres, dxt.providers.postgres.PostgresCopyExtractor, https://host/mod.ts#Name or ./mod.ts#Name";
const options = z.record(z.string(), z.unknown()).optional().describe("Its options");

/** A class with options: `{class, config}`, or the class alone. */
export const ClassReference = z.union([
  text,
  z.strictObject({ class: text.describe(CLASS_NAMES), config: options }),
]).meta({ id: "Class", description: CLASS_NAMES });
export type ClassReference = z.infer<typeof ClassReference>;

/** A class reference; without `class`, the provider's default class. */
export const ClassChoice = z.union([
  text,
  z.strictObject({
    class: text.optional().describe(`${CLASS_NAMES} (default: the provider's own)`),
    config: options,
  }),
]).meta({ id: "ClassChoice", description: CLASS_NAMES });
export type ClassChoice = z.infer<typeof ClassChoice>;

export const Tag = text.regex(/^[^\s,+:*?]+$/, "expected a tag without space , + : * ?");

export const Stream = z.strictObject({
  id: text.regex(/^[^\s,:*?]+$/, "expected an id without space , : * ?")
    .describe(
      "Name of the stream, unique in the pipeline (default for a wildcard source: {table})",
    ),
  description: z.string().optional().describe("What the stream is for; dxt does not read it"),
  source: z.union([text, StreamSource]).describe(
    "A table, file, …, or {type, …}; a wildcard such as sales.* makes a stream for each table",
  ),
  exclude: z.array(text).min(1).optional().describe(
    "Tables that a wildcard source leaves out: names or patterns such as *_tmp or sales.audit_*",
  ),
  include_views: z.boolean().optional().meta(
    withDefault("Whether a wildcard source also makes streams for views", false),
  ),
  target: z.union([text, StreamTarget]).optional().describe(
    "A table, file, … (default: the id); with a wildcard source, {table} and {schema} stand for those of the source",
  ),
  tags: z.array(Tag).optional().describe("For selectors such as tag:daily"),
  fields: z.array(FieldDeclaration).min(1).optional()
    .describe("Fields to type, rename, compute or generate (default: all fields unchanged)"),
  only_declared_fields: z.boolean().optional()
    .meta(withDefault("Move only the declared fields", false)),
  extract: ExtractSettings.optional(),
  load: LoadSettings.optional(),
  retry: RetrySettings.optional(),
  expect: Expectations.optional(),
  error_handling: ErrorHandling.optional(),
  timeout_seconds: TimeoutSeconds,
  transforms: z.array(ClassReference).optional().describe(
    "Custom steps between extract and stage, in order: ./clean.ts#Clean or {class, config}",
  ),
  extractor: ClassChoice.optional().describe(
    "Extractor to use instead of the provider's default, or {config} with options for that",
  ),
  loader: ClassChoice.optional().describe(
    "Loader to use instead of the provider's default, or {config} with options for that",
  ),
}).meta({ id: "Stream", description: "One dataset to move" });
export type Stream = z.infer<typeof Stream>;
