/** Parses a pipeline with the zod schemas: any file, legacy shapes included, with all its errors. */
import { Pipeline, Project } from "../../models/pipeline.ts";
import type { Validator } from "../validation/validator.ts";
import { type LoadedPipeline, type ParseOptions, parseWith } from "./assemble.ts";
import { normalize } from "../legacy/mod.ts";
import { validate } from "../validation/zod_validate.ts";

export const BY_SCHEMA: Validator = {
  normalize,
  pipeline: (tree, issues) => validate(Pipeline, tree, issues),
  project: (tree, issues) => validate(Project, tree, issues),
};

/**
 * Parses a pipeline.
 *
 * @throws {LocatedError} that lists all errors
 */
export function parsePipeline(text: string, options: ParseOptions): LoadedPipeline {
  return parseWith(BY_SCHEMA, text, options);
}
