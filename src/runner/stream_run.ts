/** Runs one stream: extract → stage → load → receipt. */
import { openBuffer } from "../buffers/mod.ts";
import type { Buffer, StagedData } from "../core/contracts/buffer.ts";
import { BufferError, isStaleRange, isUnknownOutcome } from "../core/errors.ts";
import { verifyLoad } from "../integrity/receipt.ts";
import type { Phase } from "./contract/events.ts";
import { type Progress, resetProgress, type RunContext } from "./contract/run_context.ts";
import { stageFiles, stageRecords, type StageWatcher } from "./extract/stage_stream.ts";
import { EarlyLoad, isRepeatable, load } from "./load/load_stage.ts";
import { settlePending, type Stage } from "./load/pending_load.ts";
import { isSameSystem } from "./plan/endpoint.ts";
import { retryPolicy, withRetries } from "./retry.ts";
import type { StreamPlan } from "./plan/pipeline_plan.ts";
import { ignoreFolder, removeEmptyFolders } from "./stage_folders.ts";
import { openSource, warmTarget } from "./worker/connection_clients.ts";

/** Locks the stage of a stream, and moves the stream; again where it failed for a reason that may pass. */
export async function moveStream(
  plan: StreamPlan,
  phase: Phase,
  context: RunContext,
  progress: Progress,
): Promise<void> {
  const stage = await openStage(plan, context);
  const { signal, retries } = context;
  const retrying = {
    policy: retryPolicy(plan.stream.retry, retries),
    signal,
    warn: (message: string) => context.warn(message),
    prepare: (attempt: number) => prepareRetry(plan, context, progress, attempt),
  };
  await withRetries(retrying, () => attemptStream(stage, plan, phase, context, progress));
}

/** Settles a pending load of an earlier run or attempt, extracts what is not staged yet, and loads it. */
async function attemptStream(
  stage: Stage,
  plan: StreamPlan,
  phase: Phase,
  context: RunContext,
  progress: Progress,
): Promise<void> {
  if (await settlePending(stage, plan, phase, context, progress)) return;
  const { waitMs } = context.claim;
  const start = performance.now();
  for (;;) {
    try {
      if (phase !== "load" && progress.staged === undefined) {
        await extractStream(plan, context, progress, stage);
      }
      if (phase !== "extract") await loadStream(plan, context, progress, stage);
      return;
    } catch (error) {
      // With --wait the run reads again what is new after the other run.
      if (!isStaleRange(error) || phase !== "run" || performance.now() - start > waitMs) {
        throw error;
      }
      resetProgress(progress);
    }
  }
}

/**
 * Makes the progress that of another attempt, which loads a stage that was committed, or extracts again.
 *
 * @returns whether another attempt may begin: not where it could add rows a second time
 */
function prepareRetry(
  plan: StreamPlan,
  context: RunContext,
  progress: Progress,
  attempt: number,
): boolean {
  const isLoading = progress.staged !== undefined;
  if (isLoading && !isRepeatable(plan, context)) return false;
  progress.attempt = attempt;
  if (progress.stage === undefined) resetProgress(progress);
  else Object.assign(progress, { rowsLoaded: 0, early: undefined });
  return true;
}

/** Locks the stage until the run has ended; then its folders go, where nothing is left in them. */
async function openStage(plan: StreamPlan, context: RunContext): Promise<Stage> {
  const buffer = await openBuffer(plan.buffer, plan.stageDirectory);
  const { stages, claim, signal, warn } = context;
  if (plan.buffer.format !== "memory") stages.defer(() => removeEmptyFolders(plan.stageParents));
  const lock = stages.use(await buffer.lock({ ...claim, onWait: warn }, signal));
  const { format, location } = plan.buffer;
  if (format !== "memory" && location === undefined) ignoreFolder(plan.stageParents.at(-1)!);
  return { buffer, lock };
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
      : await stageRecords(
        plan,
        context,
        buffer,
        source,
        progress,
        loadEarly(plan, context, stage, progress),
      );
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

/** Begins the load when the first part is staged, where the stream may be loaded so early. */
function loadEarly(
  plan: StreamPlan,
  context: RunContext,
  { lock }: Stage,
  progress: Progress,
): StageWatcher {
  return {
    onOpen(stage) {
      if (loadsEarly(plan, context)) progress.early = new EarlyLoad(plan, context, stage, lock);
    },
    onFile: (file, part) => progress.early?.push(file, part),
    onPart: (part) => progress.early?.endPart(part),
    async onRestart(error) {
      await progress.early?.abort(error);
      delete progress.early;
    },
  };
}

/** Whether the load begins before the stage is whole: the target shows nothing of it until then. */
function loadsEarly(
  { loader, stream }: StreamPlan,
  { loads, source, target }: RunContext,
): boolean {
  return loads && loader.overlaps && stream.load?.early !== false && !isSameSystem(source, target);
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
