/** What `dxt status` and `dxt clean` look at: what runs of a pipeline keep or left, or those of a folder. */
import { argument, message, optional, string } from "optique";
import type { Survey } from "../../../runner/mod.ts";
import { type Context, omitUndefined, openPipeline, type Variables } from "../context.ts";
import { type LimitOptions, parseLimits } from "../permission_limits.ts";

export interface StoredOptions extends Variables, LimitOptions {
  readonly pipeline?: string | undefined;
  readonly select?: string | undefined;
  readonly exclude?: string | undefined;
}

export const pipelineOrFolder = () =>
  optional(argument(string({ metavar: "PIPELINE" }), {
    description:
      message`Path of the pipeline file; without it, all stages in this folder and the folders in it`,
  }));

/** @param removes whether the command removes what it finds */
export async function openSurvey(
  options: StoredOptions,
  removes: boolean,
  context: Context,
  signal: AbortSignal,
): Promise<Survey> {
  const runner = await import("../../../runner/mod.ts");
  const { pipeline, select, exclude } = options;
  const limits = parseLimits(options);
  if (pipeline === undefined) {
    const folder = Deno.cwd();
    runner.admitFolder(folder, removes, limits);
    return await runner.surveyFolder(folder);
  }
  const loaded = await openPipeline(pipeline, options, context);
  const selection = omitUndefined({ select, exclude });
  await runner.admitPipeline(loaded, { purpose: "recover", ...selection, limits });
  return await runner.surveyPipeline(loaded, { ...selection, signal });
}
