/** Previews a run for `dxt plan`: asks source and target what it would do, and changes nothing. */
import type { LoadedPipeline } from "../../config/mod.ts";
import { ConnectorError, messageOf } from "../../core/errors.ts";
import { adviseOnLosses, isAccepted } from "../../core/values/conversion.ts";
import { formatValue } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { PlannedStream, PlanResult } from "../../models/plan.ts";
import type { Selection } from "../../selector/mod.ts";
import type { Backfill } from "../plan/backfill.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { stagedFields } from "../worker/extract_spec.ts";
import { openTransformer } from "../extract/transform_client.ts";
import { openThreads } from "../worker/pool.ts";
import { openClient, plainClass } from "../worker/connection_clients.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";
import { chooseLoadSettings, chooseTypeChange } from "../plan/load_settings.ts";
import { reportFields } from "./field_report.ts";
import { expandWildcards } from "./wildcards.ts";
import type { PipelinePlan, StreamPlan } from "../plan/pipeline_plan.ts";
import { planRun, type StreamOptions } from "../plan/select_plans.ts";
import { checkLoadFields, checkPartitionField } from "../extract/check_fields.ts";
import type { PrepareContext } from "../extract/prepare_context.ts";
import { resolveStreamFields } from "../extract/stream_fields.ts";
import { compareMaxima, findRange, maxOwner } from "../extract/watermark_range.ts";
import { datasetName } from "../plan/dataset_name.ts";

export interface PreviewOptions extends Selection, StreamOptions {
  /** As in {@linkcode RunContext}. */
  readonly mayExplore?: boolean;
  readonly signal: AbortSignal;
}

type Context = PrepareContext & {
  readonly fullRefresh: boolean;
  readonly backfill: Backfill | undefined;
  /** The connections that serve all streams. */
  readonly reader: ConnectionClient;
  readonly writer: ConnectionClient;
};

/** A preview, and the plan that it describes. */
export interface Preview {
  readonly plan: PipelinePlan;
  readonly result: PlanResult;
}

/**
 * Plans the selected streams. A stream that fails is part of the result; the others are planned.
 *
 * @throws {ConfigurationError} for a pipeline that cannot mean anything
 * @throws {SelectorError} for a selector that selects nothing
 */
export async function previewPipeline(
  loaded: LoadedPipeline,
  options: PreviewOptions,
): Promise<Preview> {
  const expanded = await expandWildcards(loaded, { ...options, retries: 0 });
  const plan = await planRun(expanded, options);
  const { source, target, streams: selected } = plan;
  const { fullRefresh = false, backfill, mayExplore = false, signal } = options;
  using threads = openThreads(loaded);
  const reads = selected.map((one) => one.source);
  const writes = selected.map((one) => one.target);
  // Both connections serve all streams, one after the other.
  const warnings: string[] = [];
  const both = { threads, signal, warn: (message: string) => void warnings.push(message) };
  await using reader = openClient(
    source,
    { reads },
    both,
    selected.map(({ extractor }) => extractor),
  );
  await using writer = openClient(target, { writes }, both, selected.map(({ loader }) => loader));
  const context: Context = {
    ...{ source, target, fullRefresh, backfill, mayExplore, reader, writer },
    ...both,
    withTarget: (work) => work(writer),
    transformer: undefined,
  };
  const streams: PlannedStream[] = [];
  for (const one of selected) {
    signal.throwIfAborted();
    const planned = await previewStream(one, context);
    streams.push({ ...planned, warnings: [...new Set(warnings.splice(0))] });
  }
  const result: PlanResult = {
    pipeline: loaded.pipeline.name,
    status: summarizeStatus(streams),
    source: source.provider.name,
    target: target.provider.name,
    streams,
  };
  return { plan, result };
}

function summarizeStatus(streams: readonly PlannedStream[]): PlanResult["status"] {
  const are = (status: PlannedStream["status"]) => streams.filter((one) => one.status === status);
  if (are("ready").length === streams.length) return "ready";
  if (are("failed").length === 0) return "stopped";
  return are("failed").length === streams.length ? "failed" : "partial";
}

/** Asks the target even if the source fails. */
async function previewStream(plan: StreamPlan, context: Context): Promise<PlannedStream> {
  const { stream } = plan;
  const { mode, upsertKeys, where, deletes } = chooseLoadSettings(plan, context);
  const planned: Planned = {
    stream: stream.id,
    status: "ready",
    source: { name: datasetName(plan.source) },
    extract: { mode: context.fullRefresh ? "full" : stream.extract?.mode ?? "full" },
    target: { name: datasetName(plan.target) },
    load: {
      mode,
      upsert_keys: [...upsertKeys],
      ...(where === undefined ? {} : { where }),
      ...(deletes === undefined ? {} : { deletes: stream.load!.deletes! }),
      ...(stream.load?.verify === undefined ? {} : { verify: stream.load.verify }),
      guarantee: plan.loader.modes[mode]!,
    },
    ...(stream.expect === undefined ? {} : { expect: stream.expect }),
    fields: [],
    statements: [],
    destructive: [],
    warnings: [],
    problems: [],
  };
  const attempt = async <T>(doing: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      context.signal.throwIfAborted();
      planned.status = "failed";
      const problem = `Cannot ${doing} of stream "${stream.id}": ${messageOf(error)}`;
      if (!planned.problems.some((known) => known.endsWith(messageOf(error)))) {
        planned.problems.push(problem);
      }
      return undefined;
    }
  };
  const resolved = await attempt("plan the source", () => previewSource(plan, context, planned));
  await attempt("plan the target", () => previewTarget(plan, context, planned, resolved));
  return planned;
}

type Planned = { -readonly [K in keyof PlannedStream]: PlannedStream[K] };
type Found = ResolvedFields & { readonly found: readonly Field[] };

async function previewSource(
  plan: StreamPlan,
  context: Context,
  planned: Planned,
): Promise<Found | undefined> {
  const { reader: source } = context;
  using transformer = openTransformer(plan, context);
  const resolved = plan.extractor.yields === "files"
    ? { projections: [], generated: [], found: [] }
    : await resolveStreamFields(
      plan,
      { ...context, transformer },
      source.connector,
      chooseTypeChange(plan, context),
    );
  checkPartitionField(plan, resolved);
  const { action, problems } = await source.connector.checkRead(plan.source);
  if (problems.length > 0) throw new ConnectorError(`Cannot ${action}: ${problems.join("; ")}`);
  planned.source = { ...planned.source, ...await source.connector.estimate(plan.source) };
  return resolved;
}

async function previewTarget(
  plan: StreamPlan,
  context: Context,
  planned: Planned,
  resolved: Found | undefined,
): Promise<void> {
  const { writer: target } = context;
  const settings = chooseLoadSettings(plan, context);
  const { problems: rights, action } = await target.connector.checkWrite(
    plan.target,
    settings.mode,
  );
  if (rights.length > 0) {
    planned.problems.push(`Cannot ${action}: ${rights.join("; ")}`);
    planned.status = "failed";
  }
  if (resolved === undefined) return;
  checkLoadFields(plan, resolved);
  const fields = stagedFields(resolved);
  const loader = plainClass(plan.loader);
  const staged = { kind: plan.extractor.yields, fields };
  const load = await target.call("plan", { ...settings, loader, target: plan.target, staged });
  const { exists, rows, columns, statements, destructive, problems } = load;
  planned.target = { ...planned.target, exists, ...(rows === undefined ? {} : { rows }) };
  planned.fields = reportFields(resolved, resolved.found, columns, settings.lossy);
  planned.statements = [...statements];
  planned.destructive = [...destructive];
  planned.problems.push(...problems.filter((problem) => !rights.includes(problem)));
  const isRefused = planned.problems.length > 0;
  if (isRefused) planned.status = "failed";
  const lost = columns.filter((column) => !isAccepted(column, settings.lossy));
  stopOnLoss(planned, adviseOnLosses(lost, settings.schema));
  if (!isRefused) await previewWatermark(plan, context, planned, resolved);
}

async function previewWatermark(
  plan: StreamPlan,
  context: Context,
  planned: Planned,
  resolved: Found,
): Promise<void> {
  const seen: { watermarkBefore?: string } = {};
  const range = await findRange(plan, context, resolved, seen);
  if (range === undefined) return;
  if (context.backfill === undefined) {
    await compareMaxima(plan, context, context.reader, resolved, { ...seen, range, seen: null });
  }
  planned.extract = {
    ...planned.extract,
    watermark_field: range.field,
    watermark: seen.watermarkBefore ?? null,
    ...(isWhose(plan, seen) ? { watermark_of: maxOwner(plan) } : {}),
    ...(range.after === undefined ? {} : { after: formatValue(range.after.value) }),
    ...(range.upTo === undefined ? {} : { up_to: formatValue(range.upTo.value) }),
  };
}

/** Whether the plan names the owner of a watermark. */
function isWhose({ ownRows }: StreamPlan, seen: { readonly watermarkBefore?: string }): boolean {
  return seen.watermarkBefore !== undefined || ownRows !== undefined;
}

function stopOnLoss(planned: Planned, advice: string): void {
  const lost = planned.fields.filter(({ accepted }) => accepted === false);
  if (lost.length === 0) return;
  const list = lost.map(({ name, note }) => `"${name}" (${note})`).join(", ");
  planned.problems.push(
    `Lossy and not accepted: ${list}; ${advice}`,
  );
  if (planned.status === "ready") planned.status = "stopped";
}
