/** Makes the results of streams and of their run. */
import { countUnstaged } from "../core/contracts/buffer.ts";
import { DXTError, messageOf } from "../core/errors.ts";
import type { RunResult, StreamResult } from "../models/result.ts";
import type { Phase } from "./contract/events.ts";
import type { Progress, RunContext } from "./contract/run_context.ts";
import { isTargetError } from "./contract/target_errors.ts";
import { datasetName } from "./plan/dataset_name.ts";
import type { StreamPlan } from "./plan/pipeline_plan.ts";

/** The one place that adds stream and step to an error. */
export function describeError(
  error: unknown,
  plan: StreamPlan,
  phase: Phase,
  context: RunContext,
  progress: Progress,
): NonNullable<StreamResult["error"]> {
  const type = error instanceof DXTError ? error.name : "PipelineExecutionError";
  const { pipeline, stream } = plan;
  const { source, target } = context;
  const message = messageOf(error);
  const which = `stream "${stream.id}" of pipeline "${pipeline}"`;
  // An error that already names its stage or table is not wrapped again.
  const [, step, place, detail] = /^Cannot (stage in|load from|load into) ("[^"]*"): (.*)$/s
    .exec(message) ?? [];
  const failure = step === "stage in"
    ? `stage ${which} in ${place}: ${detail}`
    : step === "load from"
    ? `load ${which} from ${place}: ${detail}`
    : step === "load into"
    ? `load ${which} into ${place} of ${target.provider.name}: ${detail}`
    : phase === "load" || progress.staged !== undefined || isTargetError(error)
    ? `load ${which} into ${target.provider.name}: ${message}`
    : `extract ${which} from ${source.provider.name}: ${message}`;
  return { type, message: `Cannot ${failure}` };
}

export function makeResult(
  plan: StreamPlan,
  phase: Phase,
  progress: Progress,
  status: StreamResult["status"],
  error?: StreamResult["error"],
): StreamResult {
  const { staged, watermarkBefore, watermarkAfter, receipt, stage, warnings, attempt } = progress;
  const { where } = plan.stream.load ?? {};
  // Without a load, they are kept with the stage.
  const rejected = receipt?.rejected?.rows ?? (staged === undefined ? 0 : countUnstaged(staged));
  const now = performance.now();
  return {
    stream: plan.stream.id,
    status,
    ...(phase === "extract" ? {} : {
      target: datasetName(plan.target),
      mode: plan.mode,
      ...(where === undefined ? {} : { where }),
    }),
    rows_extracted: staged === undefined
      ? progress.rowsExtracted
      : staged.count + countUnstaged(staged),
    rows_loaded: progress.rowsLoaded,
    ...(rejected === 0 ? {} : { rows_rejected: rejected }),
    ...(progress.rowsDeleted === undefined ? {} : { rows_deleted: progress.rowsDeleted }),
    bytes_staged: staged?.files.reduce((sum, file) => sum + file.size, 0) ?? 0,
    files_staged: staged?.files.length ?? 0,
    ...(attempt === 1 ? {} : { attempts: attempt }),
    ...(watermarkBefore === undefined ? {} : { watermark_before: watermarkBefore }),
    ...(watermarkAfter === undefined ? {} : { watermark_after: watermarkAfter }),
    ...(receipt === undefined ? {} : { proof: receipt }),
    warnings,
    ...(error === undefined ? {} : { error }),
    // A stage in memory ends with the run.
    ...(stage === undefined || plan.buffer.format === "memory" ? {} : { stage }),
    duration_ms: Math.round(now - (progress.startedAt ?? now)),
    extract_ms: Math.round(progress.extractMs),
    load_ms: Math.round(progress.loadMs),
  };
}

export function summarizeStatus(streams: readonly StreamResult[]): RunResult["status"] {
  const failed = streams.filter(({ status }) => status === "failed").length;
  if (streams.some(({ status }) => status === "cancelled")) return "cancelled";
  if (failed === 0) return "succeeded";
  return streams.some(({ status }) => status === "succeeded") ? "partial" : "failed";
}
