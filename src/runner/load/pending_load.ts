/** Settles loads whose run was killed during the commit: asks the target whether it took them. */
import type { Buffer, PendingLoad, StageLock } from "../../core/contracts/buffer.ts";
import { ConcurrentRunError, UnknownOutcomeError } from "../../core/errors.ts";
import type { LoadOutcome } from "../../core/contracts/loader.ts";
import type { Progress, RunContext } from "../contract/run_context.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { openTarget, plainClass } from "../worker/connection_clients.ts";
import { keepsLetters } from "../plan/load_settings.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { Phase } from "../contract/events.ts";
import { settleLetters } from "./write_letters.ts";

/** A stage that this run has. */
export interface Stage {
  readonly buffer: Buffer;
  /** The keys of the source, where the stream's stage does not show which records are gone. */
  readonly keys: Buffer;
  readonly lock: StageLock;
}

/** Time in milliseconds that the target gets to finish work of the killed run. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 250;

/**
 * Settles the load of a run that was killed before it knew how the load ended. A load that the target
 * committed is not repeated: `dxt load` is done then, and so is the repeated `dxt run` of a stream that is
 * read whole, as it would append the same rows again. An incremental stream goes on with what is new.
 *
 * @returns whether nothing is left to be done
 * @throws {UnknownOutcomeError} when the target cannot tell
 * @throws {ConcurrentRunError} when the target is still at it
 */
export async function settlePending(
  { buffer, lock }: Pick<Stage, "buffer" | "lock">,
  plan: StreamPlan,
  phase: Phase,
  context: RunContext,
  progress: Progress,
): Promise<boolean> {
  const pending = await lock.pending();
  if (pending === undefined) return false;
  const load = `the load of ${rowsText(pending)} by run ${
    pending.run_id.slice(0, 8)
  }, which was cut off at its commit (${pending.at})`;
  if (phase === "extract") {
    throw new UnknownOutcomeError(
      `Cannot stage anew in "${buffer.location}": it is not known whether the target took ${load}; dxt load asks the target`,
    );
  }
  const outcome = await findOutcome(pending, plan, context);
  if (keepsLetters(plan.stream) && (outcome === "committed" || outcome === "aborted")) {
    await settleLetters(plan, pending.run_id, outcome === "committed");
  }
  switch (outcome) {
    case "aborted":
      context.warn(`the target did not take ${load}; it is loaded again`);
      lock.forget();
      return false;
    case "running":
      throw new ConcurrentRunError(
        `Cannot load: the target is still busy with ${load}; run again when it has ended, or with --wait`,
      );
    case "unknown":
      throw new UnknownOutcomeError(
        `Cannot tell whether the target took ${load}: look for its rows there; if they exist, dxt clean --in-doubt --yes removes the stage "${buffer.location}" and the record of the load, else remove "${lock.record}" and load the stage with dxt load`,
      );
    case "committed":
      return await settleCommitted({ buffer, lock }, pending, load, plan, phase, context, progress);
  }
}

async function settleCommitted(
  { buffer, lock }: Pick<Stage, "buffer" | "lock">,
  pending: PendingLoad,
  load: string,
  plan: StreamPlan,
  phase: Phase,
  { warn, stages, fullRefresh, runId }: RunContext,
  progress: Progress,
): Promise<boolean> {
  const isIncremental = plan.stream.extract?.mode === "incremental" || fullRefresh;
  // An attempt before this one in the same run has loaded what it staged.
  const isOwn = pending.run_id === runId;
  const isRepeated = isOwn || phase === "load" ||
    (!isIncremental && isSame(pending.source, plan.source));
  await buffer.clear();
  delete progress.stage;
  if (!isRepeated) {
    warn(`the target has taken ${load}`);
    lock.forget();
    return false;
  }
  warn(
    isOwn
      ? `the target has taken ${load}`
      : `the target has taken ${load}; this run only completes it and reads nothing, run again to load more`,
  );
  progress.rowsLoaded = pending.rows;
  stages.defer(() => lock.forget());
  return true;
}

/** Asks the target once what became of a load. */
export async function askOutcome(
  { target, record }: PendingLoad,
  plan: StreamPlan,
  client: ConnectionClient,
): Promise<LoadOutcome> {
  // The record belongs to another target.
  if (!isSame(target, plan.target)) return "unknown";
  const query = { loader: plainClass(plan.loader), target: plan.target, record };
  return await client.call("getOutcome", query);
}

async function findOutcome(
  pending: PendingLoad,
  plan: StreamPlan,
  context: RunContext,
): Promise<LoadOutcome> {
  await using client = openTarget(plan, context);
  const start = performance.now();
  const patience = Math.max(PATIENCE_MS, context.claim.waitMs);
  for (;;) {
    const outcome = await askOutcome(pending, plan, client);
    if (outcome !== "running" || performance.now() - start > patience) return outcome;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    context.signal.throwIfAborted();
  }
}

function rowsText({ rows }: PendingLoad): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

/** Values of JSON, of which one was written to a file and read again. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
