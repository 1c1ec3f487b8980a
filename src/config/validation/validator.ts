/** What holds the trees of files to the models: their schemas, or the shapes that are made of them. */
import type { Pipeline, Project } from "../../models/pipeline.ts";
import type { Issues } from "../text/issues.ts";
import type { MapTree } from "../text/tree.ts";

export interface Checking {
  /** Older shapes of a pipeline brought to today's. */
  normalise(tree: MapTree, issues: Issues): MapTree;
  /** Undefined when issues were added. */
  pipeline(tree: MapTree, issues: Issues): Pipeline | undefined;
  project(tree: MapTree, issues: Issues): Project | undefined;
}
