/** One run of one stream: extract → stage → load → receipt. */
import { openBuffer } from "../buffers/mod.ts";
import { withVariableNames } from "../config/text/secrets.ts";
import type {
  Buffer,
  OpenStage,
  StagedData,
  StageDetails,
  StagedFile,
} from "../core/contracts/buffer.ts";
import type { WatermarkRange } from "../core/contracts/connector.ts";
import {
  BufferError,
  DXTError,
  isStaleRange,
  isUnknownOutcome,
  PartitionError,
} from "../core/errors.ts";
import type { ExpectedWatermark } from "../core/contracts/loader.ts";
import { formatValue, type Value } from "../core/values/values.ts";
import { verifyLoad } from "../integrity/receipt.ts";
import {
  checkPartitionField,
  checkUpsertKeys,
  compareMaxima,
  findRange,
  prepareStream,
  streamFields,
} from "./extract/prepare_stream.ts";
import { limitNote } from "./plan/backfill.ts";
import { type Progress, resetProgress, type RunContext } from "./contract/run_context.ts";
import type { ConnectionClient } from "./worker/connection_client.ts";
import { isSameSystem } from "./plan/endpoint.ts";
import { openSource, plainClass, warmTarget } from "./worker/connection_clients.ts";
import {
  BATCH_BYTES,
  BATCH_ROWS,
  type ExtractSpec,
  NOTHING_SEEN,
  type Seen,
  stagedFields,
} from "./worker/extract_spec.ts";
import { excludedNames, type ResolvedFields, targetName } from "./plan/resolve_fields.ts";
import { EarlyLoad, load } from "./load/load_stage.ts";
import { extractParts, extractWhole } from "./extract/extract_partitions.ts";
import { settlePending, type Stage } from "./load/pending_load.ts";
import type { Phase } from "./pipeline_run.ts";
import type { StreamPlan } from "./plan/pipeline_plan.ts";
import { transformerOf } from "./extract/transform_client.ts";

/**
 * Takes a stream's stage, and moves the stream. What a run that was cut off has left in doubt is
 * settled first.
 */
export async function moveStream(
  plan: StreamPlan,
  phase: Phase,
  context: RunContext,
  progress: Progress,
): Promise<void> {
  const stage = await openStage(plan, context);
  if (await settlePending(stage, plan, phase, context, progress)) return;
  const { waitMs } = context.claim;
  const start = performance.now();
  for (;;) {
    try {
      if (phase !== "load") await extractStream(plan, context, progress, stage);
      if (phase !== "extract") await loadStream(plan, context, progress, stage);
      return;
    } catch (error) {
      // A run that waits for others reads what is new after them.
      if (!isStaleRange(error) || phase !== "run" || performance.now() - start > waitMs) {
        throw error;
      }
      resetProgress(progress);
    }
  }
}

/** Locks the stage until the run has ended; then its folders go, where nothing is left in them. */
async function openStage(plan: StreamPlan, context: RunContext): Promise<Stage> {
  const buffer = await openBuffer(plan.buffer, plan.stageDirectory);
  const { stages, claim, signal } = context;
  if (plan.buffer.format !== "memory") stages.defer(() => removeEmpty(plan.stageParents));
  const lock = stages.use(await buffer.lock(claim, signal));
  return { buffer, lock };
}

/** Removes folders from the inside out, up to one that something is in. */
function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      Deno.removeSync(folder);
    } catch {
      // Another stage is in it, or the run may not remove it.
      return;
    }
  }
}

/** Extracts a stream into its stage. */
async function extractStream(
  plan: StreamPlan,
  context: RunContext,
  progress: Progress,
  stage: Stage,
): Promise<void> {
  const start = performance.now();
  const { buffer } = stage;
  try {
    await using source = openSource(plan, context);
    if (context.loads) warmTarget(plan, context);
    progress.staged = plan.extractor.yields === "files"
      ? await stageFiles(plan, context, buffer, source)
      : await stageRecords(plan, context, stage, source, progress);
  } catch (error) {
    await progress.early?.abort(error);
    throw error;
  } finally {
    progress.extractMs = performance.now() - start;
  }
  progress.stage = buffer.location;
  context.onEvent({
    type: "phase_finished",
    stream: plan.stream.id,
    phase: "extract",
    rows: progress.staged.count,
    ms: progress.extractMs,
  });
}

async function stageRecords(
  plan: StreamPlan,
  context: RunContext,
  { buffer, lock }: Stage,
  source: ConnectionClient,
  progress: Progress,
): Promise<StagedData> {
  using transformer = transformerOf(plan, context);
  const asked = prepareStream(plan, context, transformer);
  const fields = await streamFields(plan, asked, source);
  checkUpsertKeys(plan, fields);
  checkPartitionField(plan, fields);
  const range = await findRange(plan, asked, fields, progress);
  const reading = {
    ...readingOf(plan, context, fields, range),
    ...(context.limit === undefined ? {} : { limit: context.limit }),
  };
  const seen: Seen = { ...NOTHING_SEEN };
  const extractor = plainClass(plan.extractor);
  const total = await expectedRows(plan, context, source, range);
  const onProgress = (rows: number, bytes: number) => {
    progress.rowsExtracted = rows;
    const known = total === undefined ? {} : { total };
    const stream = plan.stream.id;
    context.onEvent({ type: "progress", stream, phase: "extract", rows, bytes, ...known });
  };
  const details = () => detailsOf(plan, context, range, seen.max, progress.expected);
  const extraction = {
    ...{ source, transformer, extractor, context, stage: buffer, buffer: plan.buffer },
    ...{ reading, seen, details, onProgress },
    onOpen(stage: OpenStage) {
      if (!loadsEarly(plan, context)) return;
      progress.early = new EarlyLoad(plan, context, stage, lock);
    },
    onFile: (file: StagedFile, part: number) => progress.early?.push(file, part),
    onPart: (part: number) => progress.early?.endPart(part),
  };
  const settings = partitionSettings(plan, context);
  const { parts, guessed } = await source.partition({ extractor, reading, settings });
  const inParts = () =>
    extractParts(extraction, parts).catch(async (error) => {
      const isLost = error instanceof DXTError && error.name === PartitionError.name;
      if ((guessed !== true && !isLost) || context.signal.aborted) throw error;
      if (isLost) context.warn(`Read as a whole instead of in parts: ${error.message}`);
      // What is wrong may be the guess: only the whole can tell.
      await progress.early?.abort(error);
      delete progress.early;
      Object.assign(seen, NOTHING_SEEN);
      delete seen.key;
      return await extractWhole(extraction);
    });
  const staged = await (parts.length < 2 ? extractWhole(extraction) : inParts());
  if (seen.max !== null) progress.watermarkAfter = formatValue(seen.max);
  if (context.limit !== undefined) context.warn(limitNote(context.limit));
  warnOfWatermarks(context, seen, range);
  if (range !== undefined) {
    await compareMaxima(plan, context, source, fields, { ...progress, range, seen: seen.max });
  }
  return staged;
}

function warnOfWatermarks(
  { warn }: Pick<RunContext, "warn">,
  { nulls, placeless, max, key }: Seen,
  range: WatermarkRange | undefined,
): void {
  if (range === undefined) return;
  if (nulls > 0) {
    const what = placeless > 0 ? "NULL, NaN or infinity" : "a NULL";
    warn(
      `${nulls} rows have ${what} in watermark field "${range.field}": every run reads them again`,
    );
  }
  if (key === undefined) return;
  const where = key === "" ? "" : `, in the row with ${key}`;
  warn(
    `the highest "${range.field}" of the source is "${
      formatValue(max!)
    }"${where}, later than now: later runs read no row until greater ones come; correct it in source and target`,
  );
}

/** The fields that identify a record: the upsert keys, or the source's own key. */
function keysOf({ stream }: StreamPlan, fields: ResolvedFields): string[] {
  const keys = stream.load?.upsert_keys?.map((id) => targetName(stream, id));
  return keys ?? stagedFields(fields).filter(({ key }) => key === true).map(({ name }) => name);
}

/** About how many rows there are; of a part of them only the source's own search would know. */
async function expectedRows(
  plan: StreamPlan,
  { estimates, limit }: RunContext,
  source: ConnectionClient,
  range: WatermarkRange | undefined,
): Promise<number | undefined> {
  if (!estimates || limit !== undefined || range !== undefined) return undefined;
  return (await source.estimate(plan.source)).rows;
}

/** Whether the load begins before the stage is whole: the target shows nothing of it until then. */
function loadsEarly(
  { loader, stream }: StreamPlan,
  { loads, source, target }: RunContext,
): boolean {
  return loads && loader.overlaps && stream.load?.early !== false && !isSameSystem(source, target);
}

/** A stage that is not made of files is not for other threads. */
function partitionSettings({ stream, buffer }: StreamPlan, { threads, limit }: RunContext) {
  const { partition = "auto" } = stream.extract ?? {};
  const whole = partition === "none" || buffer.format === "memory" || limit !== undefined;
  return {
    most: whole ? 1 : threads.most,
    ...(typeof partition === "object" ? { field: targetName(stream, partition.field) } : {}),
  };
}

function readingOf(
  plan: StreamPlan,
  { startedAt }: RunContext,
  fields: ResolvedFields,
  range: WatermarkRange | undefined,
): ExtractSpec {
  const { projections, transformed, generated, constants } = fields;
  const { batch_rows = BATCH_ROWS, batch_bytes = BATCH_BYTES } = plan.stream.extract ?? {};
  return {
    source: plan.source,
    projections,
    ...(transformed === undefined ? {} : { transformed }),
    ...(range === undefined ? {} : { range }),
    batchRows: batch_rows,
    batchBytes: batch_bytes,
    generated,
    ...(constants === undefined ? {} : { constants }),
    startedAt,
    refuseNull: refusesNull(plan),
    keys: keysOf(plan, fields),
    // A stage in memory keeps the batches themselves.
    recycle: plan.buffer.format !== "memory",
    complete: plan.stream.only_declared_fields !== true,
    excluded: excludedNames(plan.stream),
  };
}

function refusesNull(plan: StreamPlan): boolean {
  return (plan.stream.extract?.null_watermark ?? "error") === "error";
}

async function stageFiles(
  plan: StreamPlan,
  context: RunContext,
  buffer: Buffer,
  source: ConnectionClient,
): Promise<StagedData> {
  const reading = readingOf(plan, context, { projections: [], generated: [] }, undefined);
  const extractor = plainClass(plan.extractor);
  return await extractWhole({
    ...{ source, extractor, context, stage: buffer, buffer: plan.buffer, reading },
    transformer: undefined,
    seen: { ...NOTHING_SEEN },
    details: () => detailsOf(plan, context, undefined, null),
    onProgress() {},
    onOpen() {},
    onFile() {},
    onPart() {},
  });
}

function detailsOf(
  plan: StreamPlan,
  context: RunContext,
  range: WatermarkRange | undefined,
  max: Value,
  expected?: ExpectedWatermark,
): StageDetails {
  return {
    pipeline: plan.pipeline,
    stream: plan.stream.id,
    run_id: context.runId,
    source: withVariableNames(plan.source, context.variables),
    ...(isForeign(plan, context) ? { foreign: true as const } : {}),
    ...(range === undefined ? {} : {
      watermark: {
        field: range.field,
        ...(range.after === undefined ? {} : { after: formatValue(range.after.value) }),
        ...(max === null ? {} : { max: formatValue(max) }),
        ...(expected === undefined ? {} : { expected }),
      },
    }),
  };
}

/** Whether code of others reads a stream or changes its records. */
function isForeign({ extractor, transforms }: StreamPlan, { source }: RunContext): boolean {
  return [source, extractor, ...transforms].some(({ code }) => code !== undefined);
}

/** Loads a stream's committed stage into its target, and cleans the stage. */
async function loadStream(
  plan: StreamPlan,
  context: RunContext,
  progress: Progress,
  { buffer, lock }: Stage,
): Promise<void> {
  const start = performance.now();
  try {
    const staged = progress.staged ?? await committed(plan, buffer);
    progress.staged = staged;
    progress.stage = buffer.location;
    const receipt = await (progress.early?.finish(staged) ?? load(plan, context, staged, lock));
    context.stages.defer(() => lock.forget());
    progress.receipt = verifyLoad(staged, receipt);
    progress.rowsLoaded = receipt.rows;
  } catch (error) {
    // The rows of a range that is no longer the target's are read again.
    const isUseless = context.loads && isStaleRange(error);
    const isInDoubt = isUnknownOutcome(error);
    if (isUseless || (plan.buffer.retain_on_failure === false && !isInDoubt)) {
      await buffer.clear();
      delete progress.stage;
    }
    throw error;
  } finally {
    progress.loadMs = performance.now() - start;
  }
  context.onEvent({
    type: "phase_finished",
    stream: plan.stream.id,
    phase: "load",
    rows: progress.rowsLoaded,
    ms: progress.loadMs,
  });
  if (plan.buffer.cleanup_on_success !== false) {
    await buffer.clear();
    delete progress.stage;
  }
}

async function committed(plan: StreamPlan, buffer: Buffer): Promise<StagedData> {
  const staged = await buffer.open();
  if (staged === undefined) {
    throw new BufferError(
      `Cannot load stream "${plan.stream.id}": nothing is staged in "${buffer.location}", dxt extract stages it`,
    );
  }
  const { pipeline, stream } = staged.details;
  if (pipeline !== plan.pipeline || stream !== plan.stream.id) {
    throw new BufferError(
      `Cannot load stream "${plan.stream.id}" of pipeline "${plan.pipeline}": "${buffer.location}" holds stream "${stream}" of "${pipeline}"`,
    );
  }
  return staged;
}
