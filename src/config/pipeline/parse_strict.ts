import { Pipeline, Project } from "../../models/pipeline.ts";
import type { Checking } from "../validation/validator.ts";
import { type LoadedPipeline, type ParseOptions, parseWith } from "./assemble.ts";
import { normalise } from "../legacy/mod.ts";
import { validate } from "../validation/zod_validate.ts";

/** Every file, and what is wrong with it. */
export const BY_SCHEMA: Checking = {
  normalise,
  pipeline: (tree, issues) => validate(Pipeline, tree, issues),
  project: (tree, issues) => validate(Project, tree, issues),
};

/**
 * Reads a pipeline from text.
 *
 * @throws {LocatedError} that lists all that is wrong
 */
export function parsePipeline(text: string, options: ParseOptions): LoadedPipeline {
  return parseWith(BY_SCHEMA, text, options);
}
