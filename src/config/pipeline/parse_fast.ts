import type { Pipeline, Project } from "../../models/pipeline.ts";
import type { Checking } from "../validation/validator.ts";
import { NeedsFullCheck, validateShape } from "../validation/precompiled.ts";
import { LocatedError } from "../text/issues.ts";
import { type LoadedPipeline, type ParseOptions, parseWith } from "./assemble.ts";
import { toValue } from "../text/tree.ts";

/** Files of today's shape in which nothing is unusual; any other is {@linkcode NeedsFullCheck}. */
const BY_SHAPE: Checking = {
  normalise: (tree) => tree,
  pipeline: (tree) => validateShape("Pipeline", toValue(tree)) as Pipeline,
  project: (tree) => validateShape("Project", toValue(tree)) as Project,
};

/** To read a larger file twice, where a schema has to look, takes longer than to load the schemas. */
const MOST_CHARACTERS = 65_536;

/** Reads a pipeline from text; undefined when its schema has to look, be it for what is wrong. */
export function parseFast(text: string, options: ParseOptions): LoadedPipeline | undefined {
  if (text.length > MOST_CHARACTERS) return undefined;
  try {
    return parseWith(BY_SHAPE, text, options);
  } catch (error) {
    if (error instanceof NeedsFullCheck || error instanceof LocatedError) return undefined;
    throw error;
  }
}
