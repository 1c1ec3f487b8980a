/** Reads a stream from its source into its stage. */
import { getTable } from "../../models/wildcard.ts";
import { withVariableNames } from "../../config/text/secrets.ts";
import type { Buffer, StageDetails, StagedFiles } from "../../core/contracts/buffer.ts";
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import type { PartitionSettings } from "../../core/contracts/extractor.ts";
import type { ExpectedWatermark } from "../../core/contracts/loader.ts";
import { formatValue, type Value } from "../../core/values/values.ts";
import { MAX_ERRORS } from "../../models/stream.ts";
import type { Progress, RunContext } from "../contract/run_context.ts";
import { limitNote } from "../plan/backfill.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { excludedNames, targetName } from "../plan/field_declarations.ts";
import { rejectsRecords } from "../plan/load_settings.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { plainClass } from "../worker/connection_clients.ts";
import {
  BATCH_BYTES,
  BATCH_ROWS,
  type ExtractSpec,
  type ExtractStats,
  newStats,
  type RejectionRules,
  stagedFields,
} from "../worker/extract_spec.ts";
import {
  extractToStage,
  extractWhole,
  type StageExtraction,
  type StageObserver,
} from "./extract_partitions.ts";
import { checkTarget } from "./check_target.ts";
import { checkBounds } from "./expectations.ts";
import { checkLoadFields, checkPartitionField } from "./check_fields.ts";
import type { Stage } from "../load/pending_load.ts";
import { needsKeys, stageKeys } from "./stage_keys.ts";
import { prepareContext } from "./prepare_context.ts";
import { chooseTypeChange } from "../plan/load_settings.ts";
import { resolveStreamFields } from "./stream_fields.ts";
import { openTransformer, type Transformer } from "./transform_client.ts";
import { compareMaxima, findRange } from "./watermark_range.ts";

/**
 * Stages records: finds the fields and the range that is new, reads them, and warns of watermarks that
 * would hide rows from later runs.
 */
export async function stageRecords(
  plan: StreamPlan,
  context: RunContext,
  { buffer, keys }: Pick<Stage, "buffer" | "keys">,
  source: ConnectionClient,
  progress: Progress,
  observer: StageObserver,
): Promise<StagedFiles> {
  using transformer = openTransformer(plan, context);
  const { fields, range, changes } = await resolveStream(
    plan,
    context,
    source,
    transformer,
    progress,
  );
  const total = await estimateRows(plan, context, source, range);
  const stats = newStats();
  const spec = buildSpec(plan, context, fields, range);
  const hasKeys = needsKeys(plan, context, range);
  const extraction: StageExtraction = {
    ...{ source, transformer, context, stats, spec, stage: buffer, buffer: plan.buffer },
    extractor: plainClass(plan.extractor),
    details: () => describeStage(plan, context, range, stats.max, progress.expected),
    // A table whose columns change is locked until its load ends: it is not loaded early.
    ...(changes || hasKeys ? {} : { observer }),
    onProgress: reportRows(plan, context, progress, total),
  };
  // Those of an earlier stage show too few keys.
  await keys.clear();
  const staged = await extractToStage(extraction, partitionSettings(plan, context));
  if (hasKeys) await stageKeys(plan, context, keys, source, spec, staged.details);
  if (stats.max !== null) progress.watermarkAfter = formatValue(stats.max);
  if (context.limit !== undefined) context.warn(limitNote(context.limit));
  warnOfWatermarks(context, stats, range);
  if (range !== undefined) {
    await compareMaxima(plan, context, source, fields, { ...progress, range, seen: stats.max });
  }
  return staged;
}

/** Stages the source's own files, bytes unchanged, after a check that the target can take them. */
export async function stageFiles(
  plan: StreamPlan,
  context: RunContext,
  buffer: Buffer,
  source: ConnectionClient,
  progress: Progress,
): Promise<StagedFiles> {
  const fields: ResolvedFields = { projections: [], generated: [] };
  if (context.loads) {
    const { before } = await checkTarget(plan, prepareContext(plan, context, undefined), []);
    if (before !== undefined) progress.targetBefore = before;
    checkBounds(plan, context, undefined, before);
  }
  return await extractWhole({
    ...{ source, context, stage: buffer, buffer: plan.buffer, transformer: undefined },
    extractor: plainClass(plan.extractor),
    spec: buildSpec(plan, context, fields, undefined),
    stats: newStats(),
    onProgress: reportRows(plan, context, progress, undefined),
    details: () => describeStage(plan, context, undefined, null),
  });
}

interface ResolvedStream {
  readonly fields: ResolvedFields;
  readonly range: WatermarkRange | undefined;
  /** Whether the load changes the columns of its target. */
  readonly changes: boolean;
}

/** The fields that the stream moves, and the range of its watermark that is new. */
async function resolveStream(
  plan: StreamPlan,
  context: RunContext,
  source: ConnectionClient,
  transformer: Transformer | undefined,
  progress: Progress,
): Promise<ResolvedStream> {
  const prepared = prepareContext(plan, context, transformer);
  const fields = await resolveStreamFields(
    plan,
    prepared,
    source.connector,
    chooseTypeChange(plan, context),
  );
  checkLoadFields(plan, fields);
  checkPartitionField(plan, fields);
  const { changes, before } = context.loads
    ? await checkTarget(plan, prepared, stagedFields(fields))
    : { changes: false, before: undefined };
  if (before !== undefined) progress.targetBefore = before;
  const range = await findRange(plan, prepared, fields, progress);
  const watermark = stagedFields(fields).find(({ name }) => name === range?.field);
  if (context.loads) checkBounds(plan, context, watermark, before);
  return { fields, range, changes };
}

/** The specification of a stream's extraction, for the workers that read it. */
export function buildSpec(
  plan: StreamPlan,
  { startedAt, limit, only }: Pick<RunContext, "startedAt" | "limit" | "only">,
  fields: ResolvedFields,
  range: WatermarkRange | undefined,
): ExtractSpec {
  const { projections, transformed, generated, constants } = fields;
  const { batch_rows = BATCH_ROWS, batch_bytes = BATCH_BYTES } = plan.stream.extract ?? {};
  return {
    request: {
      source: plan.source,
      projections,
      ...(range === undefined ? {} : { range }),
      ...(limit === undefined ? {} : { limit }),
      batchRows: batch_rows,
      batchBytes: batch_bytes,
      // A stage in memory keeps the batches themselves.
      recycle: plan.buffer.format !== "memory",
      complete: plan.stream.only_declared_fields !== true,
      excluded: excludedNames(plan.stream),
    },
    ...(transformed === undefined ? {} : { transformed }),
    generated,
    ...(constants === undefined ? {} : { constants }),
    startedAt,
    summarize: plan.stream.load?.verify ?? (plan.loader.aggregates ? "aggregates" : "counts"),
    refuseNull: (plan.stream.extract?.null_watermark ?? "error") === "error",
    keys: listKeys(plan, fields),
    ...(rejectsRecords(plan.stream) ? { rejects: chooseRules(plan) } : {}),
    ...(only.has(plan.stream.id) ? { only: only.get(plan.stream.id)! } : {}),
  };
}

function chooseRules({ stream: { error_handling = {} } }: StreamPlan): RejectionRules {
  const { on_extract_error, on_transform_error, max_errors = MAX_ERRORS } = error_handling;
  return {
    extract: on_extract_error === "skip",
    transform: on_transform_error === "skip",
    maxErrors: max_errors,
  };
}

function reportRows(
  { stream: { id: stream } }: StreamPlan,
  { onEvent }: RunContext,
  progress: Progress,
  total: number | undefined,
): (rows: number, bytes: number) => void {
  const known = total === undefined ? {} : { total };
  return (rows, bytes) => {
    progress.rowsExtracted = rows;
    onEvent({ type: "progress", stream, phase: "extract", rows, bytes, ...known });
  };
}

function warnOfWatermarks(
  { warn }: Pick<RunContext, "warn">,
  { nulls, placeless, max, key }: ExtractStats,
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
export function listKeys({ stream }: StreamPlan, fields: ResolvedFields): string[] {
  const keys = stream.load?.upsert_keys?.map((id) => targetName(stream, id));
  return keys ?? stagedFields(fields).filter(({ key }) => key === true).map(({ name }) => name);
}

/** Estimates the number of rows; undefined for a range or a limit, whose rows only a query could count. */
async function estimateRows(
  plan: StreamPlan,
  { estimates, limit }: RunContext,
  source: ConnectionClient,
  range: WatermarkRange | undefined,
): Promise<number | undefined> {
  if (!estimates || limit !== undefined || range !== undefined) return undefined;
  return (await source.connector.estimate(plan.source)).rows;
}

/** A stage in memory has no files that other workers could write. */
function partitionSettings(
  { stream, buffer }: StreamPlan,
  { threads, limit }: RunContext,
): PartitionSettings {
  const { partition = "auto" } = stream.extract ?? {};
  const whole = partition === "none" || buffer.format === "memory" || limit !== undefined;
  return {
    most: whole ? 1 : threads.most,
    ...(typeof partition === "object" ? { field: targetName(stream, partition.field) } : {}),
  };
}

function describeStage(
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
    table: getTable(plan.stream),
    ...(isUntrusted(plan, context) ? { untrusted: true as const } : {}),
    ...(context.limit !== undefined || context.only.has(plan.stream.id)
      ? { isLimited: true as const }
      : {}),
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

/** Whether untrusted code reads a stream or changes its records. */
function isUntrusted({ extractor, transforms }: StreamPlan, { source }: RunContext): boolean {
  return [source, extractor, ...transforms].some(({ code }) => code !== undefined);
}
