/** One run of one stream: extract → stage → load → receipt. */
import { openBuffer } from "../buffers/mod.ts";
import { withVariableNames } from "../config/secrets.ts";
import type { Buffer, OpenStage, StagedData, StageDetails, StagedFile } from "../core/buffer.ts";
import type { WatermarkRange } from "../core/connector.ts";
import { BufferError, DXTError, PartitionError } from "../core/errors.ts";
import { textOf, type Value } from "../core/values.ts";
import { receiptOf } from "../integrity/receipt.ts";
import { askedBy, checkUpsertKeys, findRange, streamFields } from "./asked.ts";
import { limitNote } from "./backfill.ts";
import type { Progress, RunContext } from "./context.ts";
import type { End } from "./end.ts";
import { sameSystem } from "./endpoint.ts";
import { plainClass, sourceEnd, warmTarget } from "./ends.ts";
import { BATCH_BYTES, BATCH_ROWS, type Reading } from "./extraction.ts";
import { excludedNames, type ResolvedFields, targetName } from "./fields.ts";
import { EarlyLoad, load } from "./load.ts";
import type { Seen } from "./thread/observe.ts";
import { extractParts, extractWhole } from "./parts.ts";
import type { StreamPlan } from "./plan.ts";
import { transformerOf } from "./transformer.ts";

/** Extracts a stream into its stage. */
export async function extractStream(
  plan: StreamPlan,
  context: RunContext,
  progress: Progress,
): Promise<void> {
  const start = performance.now();
  const buffer = await openStage(plan);
  try {
    await using source = sourceEnd(plan, context);
    if (context.loads) warmTarget(plan, context);
    progress.staged = plan.extractor.yields === "files"
      ? await stageFiles(plan, context, buffer, source)
      : await stageRecords(plan, context, buffer, source, progress);
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

const NOTHING_SEEN: Seen = { rows: 0, bytes: 0, max: null, nulls: 0 };

async function stageRecords(
  plan: StreamPlan,
  context: RunContext,
  buffer: Buffer,
  source: End,
  progress: Progress,
): Promise<StagedData> {
  using transformer = transformerOf(plan, context);
  const asked = askedBy(plan, context, transformer);
  const fields = await streamFields(plan, asked, source);
  checkUpsertKeys(plan, fields);
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
  const details = () => detailsOf(plan, context, range, seen.max);
  const extraction = {
    ...{ source, transformer, extractor, context, stage: buffer, buffer: plan.buffer },
    ...{ reading, seen, details, onProgress },
    onOpen(stage: OpenStage) {
      if (!loadsEarly(plan, context)) return;
      progress.early = new EarlyLoad(plan, context, stage);
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
      return await extractWhole(extraction);
    });
  const staged = await (parts.length < 2 ? extractWhole(extraction) : inParts());
  if (seen.max !== null) progress.watermarkAfter = textOf(seen.max);
  if (context.limit !== undefined) context.warn(limitNote(context.limit));
  if (seen.nulls > 0) {
    context.warn(
      `${seen.nulls} rows have a NULL in watermark field "${
        range!.field
      }": every run reads them again`,
    );
  }
  return staged;
}

/** About how many rows there are; of a part of them only the source's own search would know. */
async function expectedRows(
  plan: StreamPlan,
  { estimates, limit }: RunContext,
  source: End,
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
  return loads && loader.overlaps && stream.load?.early !== false && !sameSystem(source, target);
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
  { projections, transformed, generated }: ResolvedFields,
  range: WatermarkRange | undefined,
): Reading {
  const { batch_rows = BATCH_ROWS, batch_bytes = BATCH_BYTES } = plan.stream.extract ?? {};
  return {
    source: plan.source,
    projections,
    ...(transformed === undefined ? {} : { transformed }),
    ...(range === undefined ? {} : { range }),
    batchRows: batch_rows,
    batchBytes: batch_bytes,
    generated,
    startedAt,
    refuseNull: refusesNull(plan),
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
  source: End,
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
        ...(range.after === undefined ? {} : { after: textOf(range.after.value) }),
        ...(max === null ? {} : { max: textOf(max) }),
      },
    }),
  };
}

/** Whether code of others reads a stream or changes its records. */
function isForeign({ extractor, transforms }: StreamPlan, { source }: RunContext): boolean {
  return [source, extractor, ...transforms].some(({ code }) => code !== undefined);
}

/** Loads a stream's committed stage into its target, and cleans the stage. */
export async function loadStream(
  plan: StreamPlan,
  context: RunContext,
  progress: Progress,
): Promise<void> {
  const start = performance.now();
  const buffer = await openStage(plan);
  try {
    const staged = progress.staged ?? await committed(plan, buffer);
    progress.staged = staged;
    progress.stage = buffer.location;
    const receipt = await (progress.early?.finish(staged) ?? load(plan, context, staged));
    progress.receipt = receiptOf(staged, receipt);
    progress.rowsLoaded = receipt.rows;
  } catch (error) {
    if (plan.buffer.retain_on_failure === false) {
      await removeStage(plan, buffer);
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
    await removeStage(plan, buffer);
    delete progress.stage;
  }
}

/** Removes a stage, and the folders around it that hold no other. */
async function removeStage(plan: StreamPlan, buffer: Buffer): Promise<void> {
  await buffer.clear();
  for (const folder of plan.stageParents) {
    try {
      await Deno.remove(folder);
    } catch {
      // Another stage is in it, or the run may not remove it.
      return;
    }
  }
}

function openStage(plan: StreamPlan): Promise<Buffer> {
  return openBuffer(plan.buffer, plan.stageDirectory);
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
