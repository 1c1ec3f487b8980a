import type { Pipeline, Project } from "../../models/pipeline.ts";
import type { Checking } from "../validation/validator.ts";
import { fitted, Unfit } from "../validation/precompiled.ts";
import { LocatedError } from "../text/issues.ts";
import { type LoadedPipeline, type ParseOptions, parseWith } from "./assemble.ts";
import { plain } from "../text/tree.ts";

/** Files of today's shape in which nothing is unusual; any other is {@linkcode Unfit}. */
const BY_SHAPE: Checking = {
  normalise: (tree) => tree,
  pipeline: (tree) => fitted("Pipeline", plain(tree)) as Pipeline,
  project: (tree) => fitted("Project", plain(tree)) as Project,
};

/** To read a larger file twice, where a schema has to look, takes longer than to load the schemas. */
const MOST_CHARACTERS = 65_536;

/** Reads a pipeline from text; undefined when its schema has to look, be it for what is wrong. */
export function byShape(text: string, options: ParseOptions): LoadedPipeline | undefined {
  if (text.length > MOST_CHARACTERS) return undefined;
  try {
    return parseWith(BY_SHAPE, text, options);
  } catch (error) {
    if (error instanceof Unfit || error instanceof LocatedError) return undefined;
    throw error;
  }
}
