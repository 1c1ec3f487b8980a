/** Plans and runs pipelines. */
export type { Backfill } from "./plan/backfill.ts";
export {
  admitConnection,
  admitFolder,
  admitHead,
  admitPipeline,
  type Limit,
  permissionsOfPipeline,
  type PipelineUse,
} from "./permissions/enforce.ts";
export { formatFlags } from "../core/permissions.ts";
export type { Phase, RunEvent } from "./contract/events.ts";
export { checkPipeline, type RunOptions, runPipeline } from "./pipeline_run.ts";
export { keyCandidates, watermarkCandidates } from "./inspect/key_candidates.ts";
export {
  discover,
  type Discovery,
  type Head,
  type HeadOf,
  previewConnection,
  previewPipelineRows,
} from "./inspect/discovery.ts";
export { testPipeline, type TrialResult } from "./inspect/readiness.ts";
export { type RecordOptions, recordPipeline } from "./record/record_pipeline.ts";
export { describePlan } from "./inspect/describe_plan.ts";
export { type KeptStage, listKeptStages } from "./stored/kept_stages.ts";
export type { Fixture, RecordResult, RepeatedStream, ReplayResult } from "./record/fixture.ts";
export { readFixture } from "./record/fixture_files.ts";
export { openReplay } from "./replay/open_replay.ts";
export { chooseStandIns } from "./replay/replay_pipeline.ts";
export { repeatRun } from "./replay/repeat_run.ts";
export { type Preview, type PreviewOptions, previewPipeline } from "./inspect/preview.ts";
export { recordPlan, refuseChanges } from "./inspect/plan_record.ts";
export { type CleanRules, cleanSurvey } from "./stored/clean.ts";
export { type Survey, surveyFolder, type SurveyOptions, surveyPipeline } from "./stored/survey.ts";
export { type DiffOptions, diffPipeline } from "./diff/diff_pipeline.ts";
export { planRepair, type Repair } from "./diff/plan_repair.ts";
export type {
  ComparedRows,
  FieldDifference,
  PipelineDiff,
  RowDifference,
  StreamDiff,
} from "./diff/stream_diff.ts";
