/** Runs one stream: extract → stage → load → receipt. */
import { openBuffer, openKeyBuffer } from "../buffers/mod.ts";
import { type Buffer, countUnstaged, type StagedFiles } from "../core/contracts/buffer.ts";
import type { LoadReceipt } from "../core/contracts/loader.ts";
import { BufferError, isStaleRange, isUnknownOutcome } from "../core/errors.ts";
import { isWildcard } from "../models/wildcard.ts";
import { type Receipt, verifyLoad } from "../integrity/receipt.ts";
import type { Phase, Step } from "./contract/events.ts";
import { type Progress, resetProgress, type RunContext } from "./contract/run_context.ts";
import { stageFiles, stageRecords } from "./extract/stage_stream.ts";
import { needsKeys, openStagedKeys } from "./extract/stage_keys.ts";
import { checkTarget } from "./extract/check_target.ts";
import { prepareContext } from "./extract/prepare_context.ts";
import { boundReading, checkExpectations, checkReading } from "./extract/expectations.ts";
import { isRepeatable, StreamLoad } from "./load/load_stage.ts";
import { settlePending, type Stage } from "./load/pending_load.ts";
import { createRetryPolicy, withRetries } from "./retry.ts";
import type { StreamPlan } from "./plan/pipeline_plan.ts";
import { ignoreFolder, removeEmptyFolders } from "./stage_folders.ts";
import { openSource, warmTarget } from "./worker/connection_clients.ts";

/** Locks the stage of a stream and moves the stream; retries after a transient failure. */
export async function moveStream(
  plan: StreamPlan,
  phase: Phase,
  context: RunContext,
  progress: Progress,
): Promise<void> {
  const stage = await openStage(plan, context);
  const { signal, retries } = context;
  const retrying = {
    policy: createRetryPolicy(plan.stream.retry, retries),
    signal,
    warn: (message: string) => {
      context.warn(message);
      reportWait(plan, context, "for its next attempt");
    },
    prepare: (attempt: number) => prepareRetry(plan, context, progress, attempt),
  };
  let unknown: unknown;
  try {
    await withRetries(retrying, async () => {
      try {
        await attemptStream(stage, plan, phase, context, progress);
      } catch (error) {
        if (isUnknownOutcome(error)) unknown = error;
        throw error;
      }
    });
  } catch (error) {
    // No later attempt has found out what became of the load of an earlier one.
    throw unknown !== undefined && await stage.lock.pending() !== undefined ? unknown : error;
  }
}

/** Settles a pending load of an earlier run or attempt, extracts unless the stage is complete, and loads. */
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
      const load = new StreamLoad(plan, context, stage.lock);
      if (phase !== "load" && progress.staged === undefined) {
        await extractStream(plan, context, progress, stage, load);
      }
      if (phase !== "extract") await loadStream(plan, phase, context, progress, stage, load);
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
 * Prepares the progress for another attempt, which loads the committed stage, or extracts again.
 *
 * @returns whether another attempt may begin: not if it could add rows twice
 */
function prepareRetry(
  plan: StreamPlan,
  context: RunContext,
  progress: Progress,
  attempt: number,
): boolean {
  const isLoading = progress.staged !== undefined;
  const { on_extract_error, on_load_error } = plan.stream.error_handling ?? {};
  if ((isLoading ? on_load_error : on_extract_error) === "fail") return false;
  if (isLoading && !isRepeatable(plan, context)) return false;
  progress.attempt = attempt;
  if (progress.stage === undefined) resetProgress(progress);
  else progress.rowsLoaded = 0;
  return true;
}

/** Locks the stage until the run has ended. Then its empty folders are removed. */
async function openStage(plan: StreamPlan, context: RunContext): Promise<Stage> {
  const buffer = await openBuffer(plan.buffer, plan.stageDirectory);
  const keys = await openKeyBuffer(plan.buffer, plan.stageDirectory);
  const { stages, claim, signal, warn } = context;
  const onWait = (message: string) => {
    warn(message);
    reportWait(plan, context, "for another run");
  };
  if (plan.buffer.format !== "memory") {
    stages.defer(() => removeEmptyFolders([plan.stageDirectory, ...plan.stageParents]));
  }
  const lock = stages.use(await buffer.lock({ ...claim, onWait }, signal));
  const { format, location } = plan.buffer;
  if (format !== "memory" && location === undefined) ignoreFolder(plan.stageParents.at(-1)!);
  return { buffer, keys, lock };
}

/** Extracts a stream into its stage; `load` may take the stage's files as they are written. */
async function extractStream(
  plan: StreamPlan,
  context: RunContext,
  progress: Progress,
  stage: Stage,
  load: StreamLoad,
): Promise<void> {
  const start = performance.now();
  const bounded = boundReading(plan, context, progress);
  try {
    reportWait(plan, context, "for the source");
    await using source = openSource(plan, bounded);
    if (context.loads) warmTarget(plan, context);
    progress.staged = plan.extractor.yields === "files"
      ? await stageFiles(plan, bounded, stage.buffer, source, progress)
      : await stageRecords(plan, bounded, stage, source, progress, load);
    checkReading(plan, context, progress.staged, progress);
    warnOfUnstaged(context, progress.staged);
  } catch (error) {
    await load.abort(error);
    if (progress.staged !== undefined) await removeStage(stage.buffer, progress);
    delete progress.staged;
    throw error;
  } finally {
    progress.extractMs = performance.now() - start;
  }
  progress.stage = stage.buffer.location;
  reportPhase(plan, context, "extract", progress.staged.count, progress.extractMs);
}

/** Loads a stream's committed stage into its target, proves the load, and removes the stage. */
async function loadStream(
  plan: StreamPlan,
  phase: Phase,
  context: RunContext,
  progress: Progress,
  { buffer, keys, lock }: Stage,
  load: StreamLoad,
): Promise<void> {
  const start = performance.now();
  reportTurn(plan, context);
  try {
    const staged = progress.staged ??= await openCommitted(plan, buffer);
    progress.stage = buffer.location;
    if (phase === "load") {
      const prepared = prepareContext(plan, context, undefined);
      const { before } = await checkTarget(plan, prepared, staged.fields);
      if (before !== undefined) progress.targetBefore = before;
    }
    checkExpectations(plan, context, staged, progress);
    const needed = needsKeys(plan, context, staged.details.watermark);
    const receipt = await load.finish(
      staged,
      needed ? await openStagedKeys(keys, staged) : undefined,
    );
    context.stages.defer(() => lock.forget());
    progress.receipt = verifyLoad(staged, receipt);
    warnOfCounts(plan, context, receipt);
    reportLetters(plan, context, progress.receipt);
    progress.rowsLoaded = receipt.rows;
    if (receipt.deleted !== undefined) progress.rowsDeleted = receipt.deleted;
  } catch (error) {
    await load.abort(error);
    if (isStageUseless(error, plan, context)) await removeStage(buffer, progress);
    throw error;
  } finally {
    progress.loadMs = performance.now() - start;
  }
  reportPhase(plan, context, "load", progress.rowsLoaded, progress.loadMs);
  if (plan.buffer.cleanup_on_success !== false) await removeStage(buffer, progress);
}

/** Warns where nothing but counts was compared, although the pipeline asks for more. */
function warnOfCounts(
  { stream }: StreamPlan,
  { warn }: RunContext,
  { verified }: LoadReceipt,
): void {
  const { verify = "counts" } = stream.load ?? {};
  if (verify === "counts" || (verified !== undefined && verified.level !== "counts")) return;
  const reason = verified?.reason ?? "the loader does not read back what it wrote";
  warn(`Only counts are compared, although "verify" is ${verify}: ${reason}`);
}

/** Warns of rejected records whose letters are with the stage, where no load follows. */
function warnOfUnstaged({ loads, warn }: RunContext, staged: StagedFiles): void {
  const rows = countUnstaged(staged);
  if (loads || rows === 0) return;
  warn(
    `${
      rows === 1 ? "1 record was" : `${rows} records were`
    } rejected and not staged; dxt load makes dead letters of them`,
  );
}

/** Warns of rejected rows, without their values, and keeps them out of a repository. */
function reportLetters(
  { letters: { own } }: StreamPlan,
  { warn }: RunContext,
  { rejected }: Receipt,
): void {
  if (rejected === undefined) return;
  if (own !== undefined) ignoreFolder(own);
  const { rows, unstaged = 0, reasons, dead_letters } = rejected;
  const list = Object.entries(reasons).map(([kind, count]) => `${kind} ${count}`).join(", ");
  warn(
    `${unstaged === 0 ? "the target refused " : ""}${rows === 1 ? "1 row" : `${rows} rows`}${
      unstaged === 0 ? "" : rows === 1 ? " was rejected" : " were rejected"
    } (${list}), kept in "${dead_letters}"`,
  );
}

function reportPhase(
  { stream }: StreamPlan,
  { onEvent }: RunContext,
  phase: Step,
  rows: number,
  ms: number,
): void {
  onEvent({ type: "phase_finished", stream: stream.id, phase, rows, ms: Math.round(ms) });
}

function reportWait({ stream }: StreamPlan, { onEvent }: RunContext, reason: string): void {
  onEvent({ type: "waiting", stream: stream.id, reason });
}

/** Reports what a load waits for: the streams before it, then its target. */
function reportTurn(plan: StreamPlan, context: RunContext): void {
  const [first, ...more] = context.listEarlier();
  const forTarget = () => reportWait(plan, context, "for the target");
  if (first === undefined) return forTarget();
  const others = more.length === 0 ? "" : ` and ${more.length} more`;
  reportWait(plan, context, `for ${first}${others} to load`);
  void context.turn.then(forTarget);
}

/** Whether the stage of a failed load will not be loaded again. */
function isStageUseless(error: unknown, { buffer }: StreamPlan, { loads }: RunContext): boolean {
  // Another run loaded rows, so that the next one reads another range.
  if (loads && isStaleRange(error)) return true;
  return buffer.retain_on_failure === false && !isUnknownOutcome(error);
}

async function removeStage(buffer: Buffer, progress: Progress): Promise<void> {
  await buffer.clear();
  delete progress.stage;
}

async function openCommitted(plan: StreamPlan, buffer: Buffer): Promise<StagedFiles> {
  const staged = await buffer.open();
  if (staged === undefined) {
    // No stream of a wildcard is staged: their stages would be beside each other.
    const folder = isWildcard(plan.stream) ? plan.stageParents[0] : buffer.location;
    throw new BufferError(
      `Cannot load from "${folder}": nothing is staged there, dxt extract stages it`,
    );
  }
  const { pipeline, stream } = staged.details;
  if (pipeline !== plan.pipeline || stream !== plan.stream.id) {
    throw new BufferError(
      `Cannot load from "${buffer.location}": it holds stream "${stream}" of pipeline "${pipeline}"`,
    );
  }
  return staged;
}
