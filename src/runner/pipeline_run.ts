/** Runs the selected streams of a pipeline: extracts them side by side, loads them in their order. */
import process from "node:process";
import type { LoadedPipeline } from "../config/mod.ts";
import { runOwner } from "../core/files/run_lock.ts";
import { ExpectationError, isUnknownOutcome, PipelineExecutionError } from "../core/errors.ts";
import type { RunResult, StreamResult } from "../models/result.ts";
import type { ReadBounds } from "../models/stream.ts";
import type { Selection } from "../selector/mod.ts";
import type { Phase, RunEvent } from "./contract/events.ts";
import { type PipelinePlan, planPipeline, type StreamPlan } from "./plan/pipeline_plan.ts";
import { newProgress, type RunContext } from "./contract/run_context.ts";
import { isSameSystem } from "./plan/endpoint.ts";
import { checkMemoryBound, guardMemory, isStoppedForMemory } from "./memory_guard.ts";
import { chooseLoadSettings } from "./plan/load_settings.ts";
import { planRun, type StreamOptions } from "./plan/select_plans.ts";
import type { Threads } from "./contract/threads.ts";
import { expandStagedWildcards, expandWildcards } from "./inspect/wildcards.ts";
import { sharedNeeds } from "./permissions/required.ts";
import type { RowSelection } from "./worker/extract_spec.ts";
import { openThreads } from "./worker/pool.ts";
import { describeError, makeResult, summarizeStatus } from "./stream_result.ts";
import { moveStream } from "./stream_run.ts";
import { limitTime } from "./time_limit.ts";

export interface RunOptions extends Selection, StreamOptions {
  readonly phase: Phase;
  /** Identifies the run in its result, log and locks. */
  readonly runId?: string;
  /** Stop after the first failed stream, whatever the pipeline's `on_error`. */
  readonly failFast?: boolean;
  /** Streams, and parts of a stream, that are moved at once; the number of cores when absent. */
  readonly threads?: number;
  /**
   * Milliseconds to wait for a stage or a target that another run has; 0: a stream that needs one
   * fails at once.
   */
  readonly waitMs?: number;
  /** Attempts of each stream after the first, instead of the stream's `retry.attempts`. */
  readonly retries?: number | undefined;
  /** The most that each stream may read, instead of its `expect.max_rows`. */
  readonly maxRows?: number | undefined;
  /** The same in bytes, instead of its `expect.max_bytes`. */
  readonly maxBytes?: number | undefined;
  /** The most bytes of memory that the process may hold while streams are moved. */
  readonly maxMemory?: number | undefined;
  /** The rows to move, by the id of the stream; all of a stream that is not in it. */
  readonly only?: ReadonlyMap<string, RowSelection> | undefined;
  /** Whether each worker gets only the permissions that it needs; true when absent. */
  readonly sandbox?: boolean;
  /** Ask the source for its number of rows, so that progress shows a total. */
  readonly estimates?: boolean;
  /** Search the source for the nearest name of a stream that does not exist. */
  readonly mayExplore?: boolean;
  /** Report the statements that are sent to source and target. */
  readonly statements?: boolean;
  readonly signal: AbortSignal;
  onEvent(event: RunEvent): void;
  /**
   * Called once with the result, right before the run releases its stages. A run that is killed before has
   * reported nothing: when repeated, it asks the target what was loaded, and loads nothing twice.
   */
  onResult?(result: RunResult): void;
}

/** What the streams of a run share. */
type PipelineContext = Omit<RunContext, "warn" | "trace"> & {
  readonly statements: boolean;
  /** Ids of the streams that are moved at the moment. */
  readonly running: Set<string>;
};

/** Checks a pipeline as far as it can be without connecting. */
export async function checkPipeline(loaded: LoadedPipeline): Promise<void> {
  await planPipeline(loaded);
}

/**
 * Runs the selected streams. A failed stream is part of the result, and never thrown.
 *
 * @throws {ConfigurationError} for a pipeline that cannot mean anything
 * @throws {SelectorError} for a selector that selects nothing
 */
export async function runPipeline(
  loaded: LoadedPipeline,
  options: RunOptions,
): Promise<RunResult> {
  checkMemoryBound(options.maxMemory);
  const expanded = options.phase === "load"
    ? await expandStagedWildcards(loaded)
    : await expandWildcards(loaded, {
      ...options,
      onWarning: (stream, message) => options.onEvent({ type: "warning", stream, message }),
    });
  const plan = await planRun(expanded, options);
  const start = performance.now();
  await using stages = new AsyncDisposableStack();
  using threads = openThreads({ ...options, externalTimeout: loaded.externalTimeout });
  const shared = newContext(loaded, plan, options, stages, threads);
  using guard = guardMemory(options.maxMemory, () => describeMemory(plan, shared));
  const context = { ...shared, signal: AbortSignal.any([options.signal, guard.signal]) };
  options.onEvent({ type: "run_planned", streams: plan.streams.length });
  const failFast = options.failFast ?? loaded.pipeline.on_error === "fail_fast";
  const streams = await runStreams(plan, options, context, failFast);
  const result: RunResult = {
    pipeline: loaded.pipeline.name,
    run_id: context.runId,
    status: summarizeStatus(streams),
    started_at: context.startedAt.toString({ smallestUnit: "millisecond" }),
    duration_ms: Math.round(performance.now() - start),
    // The kernel counts KiB.
    peak_memory_bytes: process.resourceUsage().maxRSS * 1024,
    streams,
  };
  threads[Symbol.dispose]();
  options.onResult?.(result);
  return result;
}

function newContext(
  { variables }: LoadedPipeline,
  plan: PipelinePlan,
  options: RunOptions,
  stages: AsyncDisposableStack,
  threads: Threads,
): PipelineContext {
  const startedAt = Temporal.Now.instant();
  const { runId = crypto.randomUUID() } = options;
  return {
    source: plan.source,
    target: plan.target,
    needs: sharedNeeds(plan),
    runId,
    variables,
    startedAt,
    stages,
    claim: { owner: runOwner(runId, startedAt), waitMs: options.waitMs ?? 0 },
    fullRefresh: options.fullRefresh ?? false,
    backfill: options.backfill,
    limit: options.limit,
    only: options.only ?? new Map(),
    loads: options.phase === "run",
    retries: options.retries,
    bounds: readBounds(options),
    estimates: options.estimates ?? false,
    mayExplore: options.mayExplore ?? false,
    statements: options.statements ?? false,
    threads,
    running: new Set(),
    turn: Promise.resolve(),
    listEarlier: () => [],
    signal: options.signal,
    onEvent: (event) => options.onEvent(event),
  };
}

/** What holds the memory of the process, and what would lower it. */
function describeMemory({ streams }: PipelinePlan, { running, threads }: PipelineContext) {
  const names = [...running].map((id) => `"${id}"`).join(", ");
  const workers = `${threads.size} ${threads.size === 1 ? "worker" : "workers"}`;
  const settings = [
    ...(threads.most > 1 ? ["--threads 1"] : []),
    ...(streams.some(({ buffer }) => buffer.format === "memory") ? ["a stage on disk"] : []),
    "load.early: false",
    "a smaller extract.batch_bytes",
  ];
  return {
    holder: `${names === "" ? "no stream" : `stream ${names}`} with ${workers}`,
    advice: `${settings.slice(0, -1).join(", ")} or ${settings.at(-1)} takes less`,
  };
}

function readBounds({ maxRows, maxBytes }: RunOptions): ReadBounds {
  return {
    ...(maxRows === undefined ? {} : { max_rows: maxRows }),
    ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
  };
}

/** Delay before another stream runs in parallel: small streams end before its two workers have started. */
const START_MS = 500;

/** Waits this long, or until the signal aborts. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Why a stream was stopped: one before it failed, and the run is to fail fast. */
class FailedFast extends PipelineExecutionError {}

/**
 * Results in the order of the pipeline, whatever the order in which the streams ended. Failing fast
 * stops the streams after the failed one, however far they are; those before it run to their end.
 */
async function runStreams(
  plan: PipelinePlan,
  options: RunOptions,
  context: PipelineContext,
  failFast: boolean,
): Promise<StreamResult[]> {
  const { streams: plans } = plan;
  const stops = plans.map(() => new AbortController());
  const results: StreamResult[] = [];
  let next = 0;
  let turn = context.turn;
  const begun = new AbortController();
  const runRemaining = async (number: number) => {
    if (number > 0) await wait(number * START_MS, begun.signal);
    for (let at = next++; at < plans.length; at = next++) {
      const signal = AbortSignal.any([context.signal, stops[at]!.signal]);
      const listEarlier = () =>
        plans.slice(0, at).filter((_, i) => results[i] === undefined).map(({ stream }) =>
          stream.id
        );
      const running = runStream(plans[at]!, options.phase, {
        ...context,
        ...{ signal, turn, listEarlier },
      });
      turn = Promise.all([turn, running]).then(() => {});
      const result = await running;
      results[at] = result;
      if (result.status !== "failed" || !failFast) continue;
      const reason = new FailedFast(`Cannot go on: stream "${result.stream}" failed`);
      for (const stop of stops.slice(at + 1)) stop.abort(reason);
    }
    begun.abort();
  };
  const length = countConcurrent(plan, context);
  await Promise.all(Array.from({ length }, (_, number) => runRemaining(number)));
  return results;
}

/** Number of streams that run at once: one if source and target are one system, which would block itself. */
function countConcurrent({ source, target }: PipelinePlan, { threads }: PipelineContext): number {
  return isSameSystem(source, target) ? 1 : threads.most;
}

async function runStream(
  plan: StreamPlan,
  phase: Phase,
  shared: PipelineContext,
): Promise<StreamResult> {
  const stream = plan.stream.id;
  const progress = newProgress();
  const { signal } = shared;
  const warn = (message: string, isWait = false) => {
    if (isWait) shared.onEvent({ type: "waiting", stream, reason: "for a lock" });
    if (progress.warnings.includes(message)) return;
    progress.warnings.push(message);
    shared.onEvent({ type: "warning", stream, message });
  };
  const trace: RunContext["trace"] = shared.statements
    ? (side, statement) => shared.onEvent({ type: "statement", stream, side, statement })
    : undefined;
  using limit = limitTime(plan, signal);
  const context: RunContext = { ...shared, warn, trace, signal: limit.signal };
  const end = (status: StreamResult["status"], error?: unknown) => {
    const described = error === undefined
      ? undefined
      : describeError(error, plan, phase, context, progress);
    return makeResult(plan, phase, progress, status, described);
  };
  const stop = (error: unknown) => {
    if (!isStoppedForMemory(signal)) return end(stoppedStatus(signal));
    // What became of a load matters more than why it was stopped.
    if (isUnknownOutcome(error)) return end("failed", error);
    const isLoading = phase !== "extract" && progress.staged !== undefined;
    const { mode } = chooseLoadSettings(plan, shared);
    const target = isLoading
      ? `its load was stopped (${plan.loader.modes[mode]})`
      : "the target is unchanged";
    return end("failed", new ExpectationError(`${signal.reason.message}; ${target}`));
  };
  if (signal.aborted) return stop(undefined);
  progress.startedAt = performance.now();
  context.onEvent({ type: "stream_started", stream });
  let result: StreamResult;
  shared.running.add(stream);
  try {
    await moveStream(plan, phase, context, progress);
    result = end("succeeded");
  } catch (error) {
    result = signal.aborted ? stop(error) : end("failed", limit.explain(error));
  } finally {
    shared.running.delete(stream);
  }
  context.onEvent({ type: "stream_finished", stream, result });
  return result;
}

function stoppedStatus({ reason }: AbortSignal): StreamResult["status"] {
  return reason instanceof FailedFast ? "skipped" : "cancelled";
}
