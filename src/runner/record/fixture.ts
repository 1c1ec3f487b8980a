/** The file `fixture.json` of a folder that `dxt record` writes and `dxt replay` reads. */
import { z } from "zod";
import { Field } from "../../models/field.ts";
import { RunResult } from "../../models/result.ts";
import { Category, StreamSource } from "../../models/source.ts";

const System = z.strictObject({
  provider: z.string().describe("Name or class path of the provider"),
  category: Category,
});

const FixtureColumn = z.strictObject({
  field: Field.describe("Name in the file of rows, and type"),
  expression: z.string().optional().describe("Expression whose values it has"),
  masked: z.boolean().describe("Whether its values were replaced"),
});
export type FixtureColumn = z.infer<typeof FixtureColumn>;

export const FixtureStream = z.strictObject({
  stream: z.string().describe("Id of the stream"),
  file: z.string().describe("Parquet file of its rows, in the folder"),
  sha256: z.string().describe("Digest of the file, in hexadecimal"),
  rows: z.int().min(0),
  complete: z.boolean().describe("Whether the source had no further rows"),
  source: z.unknown().describe("The source as the pipeline spells it, without values of variables"),
  wildcard: z.string().optional().describe("Id of the wildcard that the stream comes from"),
  table: z.strictObject({
    source: StreamSource,
    schema: z.string(),
    table: z.string(),
    isView: z.boolean().optional(),
    fields: z.array(z.strictObject({ name: z.string(), key: z.boolean().optional() })),
  }).optional().describe("Its table"),
  columns: z.array(FixtureColumn),
});
export type FixtureStream = z.infer<typeof FixtureStream>;

export const Fixture = z.strictObject({
  pipeline: z.string(),
  dxt: z.string().describe("Version of dxt that wrote it"),
  recorded_at: z.string(),
  source: System,
  target: System,
  streams: z.array(FixtureStream),
});
export type Fixture = z.infer<typeof Fixture>;

/** The JSON document of `dxt record`. */
export const RecordResult = z.strictObject({
  pipeline: z.string(),
  folder: z.string(),
  streams: z.array(z.strictObject({
    stream: z.string(),
    file: z.string(),
    rows: z.int().min(0),
    complete: z.boolean(),
    masked: z.array(z.string()).describe("Columns whose values were replaced"),
    plain: z.array(z.string()).describe("Columns whose values are those of the source"),
  })),
  warnings: z.array(z.string()),
});
export type RecordResult = z.infer<typeof RecordResult>;

/** What a repeated run did to the target of one stream. */
export const RepeatedStream = z.strictObject({
  stream: z.string(),
  rows: z.int().min(0).describe("Rows of the target after the first run"),
  repeat: z.enum(["same", "different", "failed", "skipped"]).describe(
    "What a second run did: left the same rows, changed them, failed, or was not made since each run adds its rows",
  ),
  detail: z.string().optional(),
});
export type RepeatedStream = z.infer<typeof RepeatedStream>;

/** The JSON document of `dxt replay`. */
export const ReplayResult = RunResult.extend({
  fixture: z.strictObject({
    folder: z.string(),
    recorded_at: z.string(),
    dxt: z.string().describe("Version of dxt that recorded it"),
  }),
  target: z.string().describe("Provider that took the place of the target's"),
  repeated: z.array(RepeatedStream).describe("Streams that the first run moved"),
});
export type ReplayResult = z.infer<typeof ReplayResult>;
