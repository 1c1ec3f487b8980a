/** One line of the log: of the log file, of `--output ndjson` and of `--log-format json`. */
import { z } from "zod";
import { FailedResult, RunResult, StreamResult } from "./result.ts";

const line = <Event extends string, Details extends z.ZodRawShape>(
  event: Event,
  description: string,
  details: Details,
) =>
  z.strictObject({
    time: z.iso.datetime({ precision: 3 }).describe("UTC, in milliseconds, as in RFC 3339"),
    level: z.enum(["debug", "info", "warning", "error"]),
    event: z.literal(event).describe(description),
    pipeline: z.string().optional().describe("Name of the pipeline; absent before a run has begun"),
    run_id: z.string().optional().describe("UUID of the run; absent before a run has begun"),
    ...details,
  });

const stream = z.string().describe("Id of the stream");
const phase = z.enum(["extract", "load"]);
const rows = z.int().min(0);
const bytes = z.int().min(0);
const ms = z.int().min(0).describe("Whole milliseconds");

export const LogLine = z.discriminatedUnion("event", [
  line("run_started", "A run, an extraction or a load begins", {
    phase: z.enum(["run", "extract", "load"]),
    file: z.string().describe("Pipeline file as the user named it"),
    dxt: z.string().describe("Version of dxt"),
  }),
  line("run_planned", "The streams are chosen", { streams: z.int().describe("Number of streams") }),
  line("stream_started", "A stream begins", { stream }),
  line("waiting", "A stream waits, until it makes progress", {
    stream,
    reason: z.string().describe("For example: for the source"),
  }),
  line("progress", "At most twice a second for each phase of a stream", {
    ...{ stream, phase, rows, bytes },
    total: rows.optional().describe("Rows to load; of an extraction the source's estimate"),
  }),
  line("statement", "A statement is sent, values hidden; only with level debug", {
    stream,
    side: z.enum(["source", "target"]),
    statement: z.string(),
  }),
  line("phase_finished", "A stream is extracted, or loaded", { stream, phase, rows, ms }),
  line("stream_finished", "A stream has ended", { stream, rows, bytes, ms, result: StreamResult }),
  line("run_finished", "The run has ended", {
    ...{ status: RunResult.shape.status, rows, ms },
    result: RunResult,
  }),
  line("warning", "A problem that does not stop the run", {
    stream: stream.optional(),
    message: z.string(),
  }),
  line("message", "A message for people", { message: z.string() }),
  line("error", "An error; if it ended a command before there was a result, with a failed result", {
    message: z.string().optional(),
    ...FailedResult.partial().shape,
  }),
]).meta({ id: "LogLine" });
export type LogLine = z.infer<typeof LogLine>;
