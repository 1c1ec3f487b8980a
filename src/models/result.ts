/** The JSON document of a run: the outcome of each stream. */
import { z } from "zod";
import { LoadMode } from "./stream.ts";

/** The outcome of one stream. Times are in milliseconds, sizes in bytes. */
export const StreamResult = z.strictObject({
  stream: z.string(),
  status: z.enum(["succeeded", "failed", "skipped", "cancelled"]),
  mode: LoadMode.optional(),
  rows_extracted: z.int(),
  rows_loaded: z.int(),
  bytes_staged: z.int(),
  files_staged: z.int(),
  /** Number of attempts, if there was more than one. */
  attempts: z.int().optional(),
  /** Highest watermark in the target before the run, as text. */
  watermark_before: z.string().optional(),
  /** Highest watermark among the extracted records, as text. */
  watermark_after: z.string().optional(),
  /** Evidence from each side, for example `COPY 347`. */
  proof: z.strictObject({ source: z.string(), stage: z.string(), target: z.string() }).optional(),
  warnings: z.array(z.string()),
  error: z.strictObject({ type: z.string(), message: z.string() }).optional(),
  /** Location of the stage, when it was retained. */
  stage: z.string().optional(),
  extract_ms: z.number(),
  load_ms: z.number(),
}).meta({ id: "StreamResult" });
export type StreamResult = z.infer<typeof StreamResult>;

/** The JSON document that `--quiet` prints. */
export const RunResult = z.strictObject({
  pipeline: z.string(),
  run_id: z.string(),
  status: z.enum(["succeeded", "failed", "partial", "cancelled"]),
  started_at: z.string(),
  duration_ms: z.number(),
  streams: z.array(StreamResult),
}).meta({ id: "RunResult" });
export type RunResult = z.infer<typeof RunResult>;
