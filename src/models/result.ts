/** The JSON document of a command that moves data: its outcome, and that of each stream. */
import { z } from "zod";
import { LoadMode, VerifyLevel } from "./stream.ts";

const count = (description: string) => z.int().min(0).describe(description);

const StreamError = z.strictObject({
  type: z.string().describe("Class of the error, such as ConnectionError or VerificationError"),
  message: z.string().describe("What could not be done and why, secrets masked"),
}).meta({ id: "StreamError" });

const Evidence = z.strictObject({
  rows: count("Rows, or files of a passthrough stage, that the system reports"),
  evidence: z.string().describe("The system's own words, such as COPY 347"),
}).meta({ id: "Evidence" });

/** The outcome of one stream. Times are whole milliseconds, sizes bytes. */
export const StreamResult = z.strictObject({
  stream: z.string().describe("Id of the stream"),
  status: z.enum(["succeeded", "failed", "skipped", "cancelled"]).describe(
    "skipped: an earlier stream failed, and the run fails fast; cancelled: a signal stopped the run",
  ),
  target: z.string().optional().describe("Table, file or folder that was loaded"),
  mode: LoadMode.optional().describe("Mode of the load"),
  where: z.string().optional().describe("Condition of the rows that the load could delete"),
  rows_extracted: count("Rows read from the source"),
  rows_loaded: count("Rows that the target received"),
  rows_rejected: count("Rows that were rejected and are dead letters now, if there are any")
    .optional(),
  rows_deleted: count("Rows that load.deletes deleted, marked or closed").optional(),
  bytes_staged: count("Size of the stage's files"),
  files_staged: count("Number of the stage's files"),
  attempts: z.int().optional().describe("Number of attempts, if there was more than one"),
  watermark_before: z.string().optional().describe(
    "Highest watermark in the target before the run",
  ),
  watermark_after: z.string().optional().describe("Highest watermark among the extracted rows"),
  proof: z.strictObject({
    source: Evidence,
    stage: z.strictObject({
      rows: count("Rows, or files of a passthrough stage"),
      files: count("Number of files"),
      bytes: count("Size of the files"),
    }),
    target: Evidence,
    verified: z.strictObject({
      level: VerifyLevel.describe("What was compared before the load committed"),
      reason: z.string().optional().describe("Why no more was compared"),
      omitted: z.array(z.strictObject({
        field: z.string().describe("Field that was not compared"),
        reason: z.string().describe("Why it was not"),
      })),
      ms: count("Time that it took"),
    }).optional().describe("What was compared besides the counts"),
    rejected: z.strictObject({
      rows: count("Rows that were rejected"),
      unstaged: count("Those of them that were rejected before they were staged").optional(),
      reasons: z.record(z.string(), count("Rows")).describe("Rows by the kind of the reason"),
      dead_letters: z.string().describe("File of the rejected rows"),
    }).optional().describe("Rows that were not loaded"),
  }).optional().describe(
    "What source, stage and target report of a load; the source has as many rows as were loaded and rejected",
  ),
  warnings: z.array(z.string()),
  error: StreamError.optional(),
  stage: z.string().optional().describe("Folder of the stage, when it was kept"),
  duration_ms: count("From the start of the stream to its end, waits included"),
  extract_ms: count("Time of the extraction"),
  load_ms: count("Time of the load, which may overlap the extraction"),
}).meta({ id: "StreamResult" });
export type StreamResult = z.infer<typeof StreamResult>;

/** An error that ended a command. */
export const CommandError = z.strictObject({
  type: z.string().describe("Class of the error, such as ConfigurationError or PermissionError"),
  message: z.string().describe("The whole message as on stderr, secrets masked"),
  file: z.string().optional().describe("File of the first mistake"),
  line: z.int().optional().describe("Line in the file, from 1"),
  column: z.int().optional().describe("Column in the line, from 1"),
}).meta({ id: "CommandError" });
export type CommandError = z.infer<typeof CommandError>;

/** The JSON document that `--quiet` prints for a run, an extraction or a load. */
export const RunResult = z.strictObject({
  pipeline: z.string().describe("Name of the pipeline"),
  run_id: z.string().describe("UUID of the run, also in each line of its log"),
  status: z.enum(["succeeded", "failed", "partial", "cancelled"]).describe(
    "partial: some streams succeeded, others failed; cancelled: a signal stopped the run",
  ),
  started_at: z.string().describe("Start in UTC, as in RFC 3339"),
  duration_ms: count("From the start of the run to its end"),
  peak_memory_bytes: count("Highest resident memory of the process"),
  streams: z.array(StreamResult).describe("One entry for each stream, in the pipeline's order"),
}).meta({ id: "RunResult" });
export type RunResult = z.infer<typeof RunResult>;

/** The JSON document of a command that an error or a signal ended before it had a result. */
export const FailedResult = z.strictObject({
  status: z.enum(["failed", "cancelled"]),
  run_id: z.string().optional().describe("UUID of the run, where it had begun"),
  error: CommandError,
  streams: z.array(StreamResult).max(0).describe("Always empty: no stream has a result"),
}).meta({ id: "FailedResult" });
export type FailedResult = z.infer<typeof FailedResult>;

const Differences = z.strictObject({
  stream: z.string().describe("Id of the stream"),
  status: z.enum(["equal", "different", "failed"]),
  source: z.string().describe("Name of what was read of the source"),
  target: z.string().describe("Name of what was read of the target"),
  rows_source: count("Rows of the source that were compared").optional(),
  rows_target: count("Rows of the target that were compared").optional(),
  rows_not_loaded: count("Rows of the source above the target's watermark").optional(),
  only_in_source: count("Rows that the target lacks").optional(),
  only_in_target: count("Rows that the source lacks").optional(),
  changed: count("Rows with other values").optional(),
  several_rows: count("Keys with several rows that differ").optional(),
  keys: z.array(z.string()).optional().describe("Fields that identify a row; empty: all of them"),
  omitted: z.array(z.strictObject({ field: z.string(), reason: z.string() })).optional()
    .describe("Fields that were not compared"),
  warnings: z.array(z.string()),
  error: StreamError.optional().describe("Why the stream could not be compared"),
  duration_ms: count("Time that it took"),
  differences: z.array(z.strictObject({
    kind: z.enum(["only_in_source", "only_in_target", "changed", "several_rows"]),
    key: z.record(z.string(), z.unknown()).describe("Values of the keys, by field"),
    source: z.record(z.string(), z.unknown()).optional()
      .describe("Values of the source, of a changed row those that differ"),
    target: z.record(z.string(), z.unknown()).optional()
      .describe("Values of the target, of a changed row those that differ"),
  })).optional().describe("Some of each kind: as many as --limit says"),
}).meta({ id: "StreamDifferences" });

/** The JSON document of `dxt diff`, after the repair if there was one. */
export const DiffResult = z.strictObject({
  pipeline: z.string(),
  status: z.enum(["equal", "different", "failed"]).describe(
    "different: some stream differs; failed: some stream could not be compared",
  ),
  repair: RunResult.optional().describe("The run that repaired what differed"),
  streams: z.array(Differences),
}).meta({ id: "DiffResult" });

export const SIGNATURES = ["HMAC-SHA256", "Ed25519"] as const;

const Signature = z.strictObject({
  algorithm: z.enum(SIGNATURES).describe(
    "HMAC-SHA256 of a shared secret, or Ed25519 of a private key",
  ),
  key_id: z.string().describe(
    "First 16 hexadecimal digits of the SHA-256 of the secret or public key",
  ),
  value: z.base64().describe(
    "Signature of the receipt without its digest and this object, as compact JSON",
  ),
}).meta({ id: "Signature" });
export type Signature = z.infer<typeof Signature>;

/** The receipt of a run: its result and its digest, signed where a key is given. */
export const RunReceipt = z.strictObject({
  phase: z.enum(["run", "extract", "load"]).describe("Command that wrote it"),
  file: z.string().describe("Pipeline file as the user named it"),
  plan: z.string().optional().describe("SHA-256 of the saved plan that the run followed"),
  result: RunResult,
  digest: z.string().describe(
    "SHA-256 of the receipt without this property and its signature, as compact JSON with sorted keys",
  ),
  signature: Signature.optional(),
});
export type RunReceipt = z.infer<typeof RunReceipt>;
