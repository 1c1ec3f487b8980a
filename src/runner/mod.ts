/** Plans and runs pipelines. */
export type { Backfill } from "./backfill.ts";
export {
  admitConnection,
  admitHead,
  admitPipeline,
  type Limit,
  permissionsOfPipeline,
  type PipelineUse,
} from "./admission.ts";
export { flagsOf } from "../core/permissions.ts";
export type { RunEvent } from "./events.ts";
export { checkPipeline, type Phase, type RunOptions, runPipeline } from "./pipeline.ts";
export { keyCandidates, watermarkCandidates } from "./candidates.ts";
export {
  discover,
  type Discovery,
  type Head,
  type HeadOf,
  headOfConnection,
  headOfPipeline,
} from "./explore.ts";
export { type TrialResult, tryPipeline } from "./trial.ts";
export { type PreviewOptions, previewPipeline } from "./preview.ts";
