/** Fixtures of pipelines: where they are, and pipelines read without values of variables. */
import { dirname, join } from "node:path";
import type { LoadedPipeline, StandIns } from "../../config/mod.ts";
import { messageOf } from "../../core/errors.ts";
import type { Context, ImportOptions } from "./context.ts";
import { announcePipeline } from "./context.ts";

/** Connections for a pipeline that is read for its other settings. */
const NONE: StandIns = {
  source: { provider: "local" },
  target: { provider: "sqlite", path: "target.db" },
};

/** Returns the default folder of a pipeline's fixture. */
export function chooseFixtureFolder(path: string, { pipeline: { name } }: LoadedPipeline): string {
  return join(dirname(path), "fixtures", name);
}

/**
 * Reads a pipeline with other connections. It then needs no variable: each without a default stands for its
 * own name.
 */
export async function openDetached(
  path: string,
  options: ImportOptions,
  context: Context,
  standIns = NONE,
): Promise<LoadedPipeline> {
  const { loadPipeline } = await context.engine.config();
  try {
    const loaded = await loadPipeline(path, { env: {}, standIns });
    return await announcePipeline(loaded, [], { ...options, vars: [] }, context);
  } catch (error) {
    if (messageOf(error).includes("${")) {
      context.printer.warning(
        "A fixture is recorded and replayed without values of variables: each stands for its default, else for its own name; give one that must be a number a default, as in ${N:-5}",
      );
    }
    throw error;
  }
}
