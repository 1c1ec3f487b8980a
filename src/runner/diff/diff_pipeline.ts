/** Compares the source and the target of a pipeline's streams for `dxt diff`; changes nothing. */
import type { LoadedPipeline } from "../../config/mod.ts";
import { DXTError, messageOf } from "../../core/errors.ts";
import type { Selection } from "../../selector/mod.ts";
import { openTransformer } from "../extract/transform_client.ts";
import { expandWildcards } from "../inspect/wildcards.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { planSelected } from "../plan/select_plans.ts";
import { openClient } from "../worker/connection_clients.ts";
import { openThreads } from "../worker/pool.ts";
import { compareRows } from "./compare_rows.ts";
import { MOST_REPAIRED } from "./plan_repair.ts";
import { type DiffContext, findSides, nameSides } from "./sides.ts";
import type { PipelineDiff, StreamDiff } from "./stream_diff.ts";

export interface DiffOptions extends Selection {
  /** Differences of each kind that are described; all are counted. */
  readonly most: number;
  /** Whether the result is for a repair. */
  readonly repairs?: boolean;
  /** Ids of the fields that identify a row, instead of the keys of the streams. */
  readonly keys?: readonly string[];
  /** As in {@linkcode RunContext}. */
  readonly mayExplore?: boolean;
  readonly signal: AbortSignal;
  /** Called with each stream that was compared. */
  onStream?(diff: StreamDiff): void;
  /** Called with the rows of both sides that were read of a stream so far. */
  onRows?(stream: string, rows: number): void;
}

/**
 * Compares the selected streams, one after the other. A stream that fails is part of the result.
 *
 * @throws {ConfigurationError} for a pipeline that cannot mean anything
 * @throws {SelectorError} for a selector that selects nothing
 */
export async function diffPipeline(
  loaded: LoadedPipeline,
  options: DiffOptions,
): Promise<PipelineDiff> {
  const { signal, mayExplore = false } = options;
  const expanded = await expandWildcards(loaded, { ...options, retries: 0 });
  const { source, target, streams: selected } = await planSelected(expanded, options);
  using threads = openThreads(loaded);
  const warnings: string[] = [];
  const both = { threads, signal, warn: (message: string) => void warnings.push(message) };
  const reads = selected.map((one) => one.source);
  const writes = selected.map((one) => one.target);
  await using reader = openClient(source, { reads }, both, selected.map((one) => one.extractor));
  await using writer = openClient(target, { writes }, both, selected.map((one) => one.loader));
  const context: DiffContext = {
    ...{ source, target, mayExplore, reader, writer, ...both },
    startedAt: Temporal.Now.instant(),
    keys: options.keys ?? [],
    withTarget: (work) => work(writer),
    transformer: undefined,
  };
  const streams: StreamDiff[] = [];
  for (const plan of selected) {
    signal.throwIfAborted();
    const found = await diffStream(plan, context, options);
    const diff = { ...found, warnings: [...new Set(warnings.splice(0))] };
    options.onStream?.(diff);
    streams.push(diff);
  }
  const has = (status: StreamDiff["status"]) => streams.some((stream) => stream.status === status);
  const status = has("different") ? "different" : has("failed") ? "failed" : "equal";
  return { pipeline: loaded.pipeline.name, status, streams };
}

async function diffStream(
  plan: StreamPlan,
  context: DiffContext,
  { most, repairs = false, onRows }: DiffOptions,
): Promise<Omit<StreamDiff, "warnings">> {
  const stream = plan.stream.id;
  const start = performance.now();
  const about = { stream, ...nameSides(plan) };
  const elapsed = () => Math.round(performance.now() - start);
  let read = 0;
  using transformer = openTransformer(plan, context);
  const { reader: source, writer: target, signal, warn } = context;
  try {
    const sides = await findSides(plan, { ...context, transformer });
    const readers = {
      ...{ source, target, transformer, signal, warn },
      onRows: (rows: number) => onRows?.(stream, read += rows),
    };
    const compared = await compareRows(sides, readers, {
      shown: most,
      repaired: repairs ? MOST_REPAIRED : 0,
    });
    const isEqual = Object.values(compared.counts).every((count) => count === 0);
    return { ...about, status: isEqual ? "equal" : "different", compared, ms: elapsed() };
  } catch (error) {
    signal.throwIfAborted();
    const type = error instanceof DXTError ? error.name : "PipelineExecutionError";
    const message = messageOf(error);
    const failure = message.startsWith("Cannot compare stream")
      ? message
      : `Cannot compare stream "${stream}" of pipeline "${plan.pipeline}": ${message}`;
    return { ...about, status: "failed", error: { type, message: failure }, ms: elapsed() };
  }
}
