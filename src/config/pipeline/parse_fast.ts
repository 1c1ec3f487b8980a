/** Parses a pipeline with precompiled validation, without zod; the usual path of `dxt list`. */
import type { Pipeline, Project } from "../../models/pipeline.ts";
import type { Validator } from "../validation/validator.ts";
import { NeedsFullCheck, validateShape } from "../validation/precompiled.ts";
import { LocatedError } from "../text/issues.ts";
import { type LoadedPipeline, type ParseOptions, parseWith } from "./assemble.ts";
import { toValue } from "../text/tree.ts";

/** Accepts files in the current shape; throws {@linkcode NeedsFullCheck} for any other. */
const BY_SHAPE: Validator = {
  normalize: (tree) => tree,
  pipeline: (tree) => validateShape("Pipeline", toValue(tree)) as Pipeline,
  project: (tree) => validateShape("Project", toValue(tree)) as Project,
};

/** Above this size, a second parse after a failed first one costs more than importing zod. */
const MAX_CHARACTERS = 65_536;

/** Parses a pipeline; undefined when zod has to validate it, for example to describe an error. */
export function parseFast(text: string, options: ParseOptions): LoadedPipeline | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  try {
    return parseWith(BY_SHAPE, text, options);
  } catch (error) {
    if (error instanceof NeedsFullCheck || error instanceof LocatedError) return undefined;
    throw error;
  }
}
