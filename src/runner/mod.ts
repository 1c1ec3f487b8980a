/** Plans and runs pipelines. */
export type { RunEvent } from "./events.ts";
export { checkPipeline, type Phase, type RunOptions, runPipeline } from "./pipeline.ts";
