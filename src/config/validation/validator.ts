/** Interface of the two validators: zod schemas, and the shapes precompiled from them. */
import type { Pipeline, Project } from "../../models/pipeline.ts";
import type { Issues } from "../text/issues.ts";
import type { MapTree } from "../text/tree.ts";

export interface Validator {
  /** Converts legacy shapes of a pipeline to the current one. */
  normalize(tree: MapTree, issues: Issues): MapTree;
  /** Returns undefined when issues were added. */
  pipeline(tree: MapTree, issues: Issues): Pipeline | undefined;
  /** Returns undefined when issues were added. */
  project(tree: MapTree, issues: Issues): Project | undefined;
}
