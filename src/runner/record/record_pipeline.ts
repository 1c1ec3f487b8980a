/** Records a fixture of a pipeline: a few rows of each stream, as its first run would read them, masked. */
import { join } from "node:path";
import type { LoadedPipeline } from "../../config/mod.ts";
import type { Fixture, FixtureStream, RecordResult } from "./fixture.ts";
import type { Stream } from "../../models/stream.ts";
import { getTable, isWildcard } from "../../models/wildcard.ts";
import type { Selection } from "../../selector/mod.ts";
import { expandWildcards, nameTableStream } from "../inspect/wildcards.ts";
import type { PipelinePlan, StreamPlan } from "../plan/pipeline_plan.ts";
import { planSelected } from "../plan/select_plans.ts";
import { openThreads } from "../worker/pool.ts";
import { PendingFixture } from "./fixture_files.ts";
import { Masker } from "./masker.ts";
import { PlainFields } from "./plain_fields.ts";
import { describeWritten } from "./written_source.ts";
import { type ReadContext, readRows, type RecordedRows } from "./read_rows.ts";

export interface RecordOptions extends Selection {
  readonly folder: string;
  /** Most rows of each stream. */
  readonly rows: number;
  /** Fields that stay as they are: `field` in each stream that has it, or `stream.field`. */
  readonly plain: readonly string[];
  /** Key of the masking: the same key masks a value alike in each fixture. */
  readonly key: Uint8Array;
  /** The pipeline, read without values of variables. */
  readonly written: LoadedPipeline;
  /** Version of dxt. */
  readonly version: string;
  /** As in a run: whether the source may be searched for the nearest name of a missing stream. */
  readonly mayExplore: boolean;
  readonly signal: AbortSignal;
  onWarning(stream: string, message: string): void;
}

/**
 * Reads the first rows of each selected stream, and writes them into a folder: all streams, or nothing.
 *
 * @throws {ConfigurationError} for a stream without records, and for a plain field that no stream has
 */
export async function recordPipeline(
  loaded: LoadedPipeline,
  options: RecordOptions,
): Promise<RecordResult> {
  const { folder, signal } = options;
  const warnings: string[] = [];
  const onWarning = (stream: string, message: string) => {
    warnings.push(`stream "${stream}": ${message}`);
    options.onWarning(stream, message);
  };
  const expanded = await expandWildcards(loaded, { signal, onWarning });
  const plan = await planSelected(expanded, options);
  await using pending = await PendingFixture.open(folder);
  using threads = openThreads(loaded);
  const masker = new Masker(options.key);
  const plain = new PlainFields(options.plain);
  const streams: FixtureStream[] = [];
  for (const one of plan.streams) {
    signal.throwIfAborted();
    const { id } = one.stream;
    const warn = (message: string) => onWarning(id, message);
    const context: ReadContext = { ...options, source: plan.source, threads, warn };
    const read = await readRows(one, context, options.rows);
    const kept = read.columns.map((column) => plain.has(one.stream, column));
    const file = `${encodeURIComponent(id).replace(/^\./, "%2E")}.parquet`;
    const sha256 = await writeMasked(join(pending.path, file), read, kept, masker);
    streams.push({
      ...{ stream: id, file, sha256, rows: read.rows.length, complete: read.complete },
      ...describeSource(one, options.written),
      columns: read.columns.map(({ field, expression }, i) => ({
        field,
        ...(expression === undefined ? {} : { expression }),
        masked: !kept[i]!,
      })),
    });
  }
  plain.refuseUnknown();
  await pending.publish(describeFixture(loaded, plan, streams, options.version));
  return { pipeline: loaded.pipeline.name, folder, streams: streams.map(summarize), warnings };
}

async function writeMasked(
  path: string,
  { columns, rows }: RecordedRows,
  kept: readonly boolean[],
  masker: Masker,
): Promise<string> {
  const { writeRows } = await import("./write_rows.ts");
  const fields = columns.map(({ field }) => field);
  const masked = rows.map((row) =>
    row.map((value, i) => kept[i] ? value : masker.mask(value, fields[i]!))
  );
  return await writeRows(path, fields, masked);
}

/** The source as the pipeline spells it, and the table of a stream that a wildcard made. */
function describeSource(
  { stream }: StreamPlan,
  { pipeline }: LoadedPipeline,
): Pick<FixtureStream, "source" | "wildcard" | "table"> {
  const table = getTable(stream);
  const isOrigin = (one: Stream) =>
    table === undefined
      ? one.id === stream.id
      : isWildcard(one) && nameTableStream(one, table) === stream.id;
  const { id, source } = pipeline.streams.find(isOrigin)!;
  return {
    source: describeWritten(source),
    ...(table === undefined ? {} : {
      wildcard: id,
      table: { ...table, fields: table.fields.map((field) => ({ ...field })) },
    }),
  };
}

function describeFixture(
  { pipeline: { name } }: LoadedPipeline,
  { source, target }: PipelinePlan,
  streams: FixtureStream[],
  version: string,
): Fixture {
  const describe = ({ provider: { name, category } }: PipelinePlan["source"]) => ({
    provider: name,
    category,
  });
  return {
    pipeline: name,
    dxt: version,
    recorded_at: new Date().toISOString(),
    source: describe(source),
    target: describe(target),
    streams,
  };
}

function summarize(
  { stream, file, rows, complete, columns }: FixtureStream,
): RecordResult["streams"][number] {
  const names = (isMasked: boolean) =>
    columns.filter(({ masked }) => masked === isMasked).map(({ field }) => field.name);
  return { stream, file, rows, complete, masked: names(true), plain: names(false) };
}
