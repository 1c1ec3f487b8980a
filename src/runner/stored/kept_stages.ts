/** The stages that runs of a pipeline kept, without any value of their rows. */
import { peekManifest } from "../../buffers/manifest.ts";
import { messageOf } from "../../core/errors.ts";
import type { LoadedPipeline } from "../../config/mod.ts";
import { expandStagedWildcards } from "../inspect/wildcards.ts";
import { planPipeline } from "../plan/pipeline_plan.ts";

/** What the manifest of a stage says; `problem` where it cannot be read. */
export interface KeptStage {
  readonly stream: string;
  readonly directory: string;
  readonly manifest?: Readonly<Record<string, unknown>> & {
    readonly run_id: string;
    readonly count: number;
    readonly fields: readonly { readonly name: string }[];
    readonly files: readonly { readonly name: string; readonly rows: number }[];
  };
  readonly problem?: string;
}

/** Reads manifests, and no staged file. Values are left out: highest watermarks, and summaries of columns. */
export async function listKeptStages(loaded: LoadedPipeline): Promise<KeptStage[]> {
  const { streams } = await planPipeline(await expandStagedWildcards(loaded));
  const found = await Promise.all(streams.map(async (plan): Promise<KeptStage | undefined> => {
    const { stream: { id: stream }, stageDirectory: directory } = plan;
    try {
      const manifest = await peekManifest(directory);
      if (manifest === undefined) return undefined;
      const { details, summary: _summary, files, ...rest } = manifest;
      const { watermark, ...about } = details;
      return {
        stream,
        directory,
        manifest: {
          ...rest,
          ...about,
          ...(watermark === undefined ? {} : { watermark_field: watermark.field }),
          files: files.map(({ name, rows, size }) => ({ name, rows, size })),
        },
      };
    } catch (error) {
      return { stream, directory, problem: messageOf(error) };
    }
  }));
  return found.filter((one) => one !== undefined);
}
