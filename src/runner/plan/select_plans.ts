/** Plans the streams that a command selects, and applies or checks the options that override their settings. */
import type { LoadedPipeline } from "../../config/mod.ts";
import { type Selection, selectStreams } from "../../selector/mod.ts";
import { type Backfill, checkBackfill, checkLimit } from "./backfill.ts";
import type { VerifyLevel } from "../../models/stream.ts";
import { type PipelinePlan, planPipeline, type StreamPlan } from "./pipeline_plan.ts";
import { checkFullRefresh } from "./shared_targets.ts";

/** Options of a run or its preview that override the pipeline's settings. */
export interface StreamOptions {
  /** Read everything and replace the target, whatever the stream's modes. */
  readonly fullRefresh?: boolean;
  /** Read this range of the watermark field instead of what is new. */
  readonly backfill?: Backfill;
  /** Read at most this many rows of each stream. */
  readonly limit?: number;
  /** Compare this between stage and target, instead of what each stream's `load.verify` says. */
  readonly verify?: VerifyLevel;
}

/**
 * Plans a pipeline with its selected streams.
 *
 * @throws {ConfigurationError} for an invalid pipeline
 * @throws {SelectorError} for a selector that selects nothing
 */
export async function planSelected(
  loaded: LoadedPipeline,
  selection: Selection,
): Promise<PipelinePlan> {
  const plan = await planPipeline(loaded);
  const ids = new Set(selectStreams(loaded.pipeline.streams, selection).map(({ id }) => id));
  return { ...plan, streams: plan.streams.filter(({ stream }) => ids.has(stream.id)) };
}

/**
 * As {@linkcode planSelected}, for a run or its preview.
 *
 * @throws {ConfigurationError} for a stream that does not support the options
 */
export async function planRun(
  loaded: LoadedPipeline,
  options: Selection & StreamOptions,
): Promise<PipelinePlan> {
  const plan = await planSelected(loaded, options);
  checkBackfill(plan.streams, options);
  checkLimit(plan.streams, options);
  checkFullRefresh(plan.streams, options);
  const { verify } = options;
  return verify === undefined
    ? plan
    : { ...plan, streams: plan.streams.map((one) => setVerify(one, verify)) };
}

function setVerify(plan: StreamPlan, verify: VerifyLevel): StreamPlan {
  const { stream } = plan;
  return { ...plan, stream: { ...stream, load: { ...stream.load, verify } } };
}
