/** `dxt_project.yaml`: what the pipelines of a folder and of the folders below share. */
import type { Project } from "../../models/pipeline.ts";
import type { Checking } from "../validation/validator.ts";
import { expand, type Variables } from "../text/variables.ts";
import type { Issues } from "../text/issues.ts";
import { resolve } from "../../core/files/paths.ts";
import type { SourceText } from "../text/source_text.ts";
import { mapScalars, type MapTree, omitKeys, type Tree, withEntry } from "../text/tree.ts";
import { childOf } from "../text/tree.ts";
import { parseYAML } from "../text/yaml.ts";

/** A project file, read and checked. */
export interface LoadedProject {
  readonly tree: MapTree;
  readonly value: Project;
  /** The file as the user would name it. */
  readonly path: string;
  /** Folder that relative paths in the file start from. */
  readonly directory: string;
}

/**
 * Variables of connections are left alone: those of a connection that a pipeline does not use need
 * not be set.
 */
export function parseProject(
  source: SourceText,
  directory: string,
  variables: Variables,
  issues: Issues,
  checking: Checking,
): LoadedProject | undefined {
  const parsed = parseYAML(source, issues);
  if (parsed === undefined) return undefined;
  if (parsed.kind !== "map") {
    issues.add(parsed.place, "a project is a mapping");
    return undefined;
  }
  const connections = childOf(parsed, "connections");
  const rest = expand(omitKeys(parsed, "connections"), variables, issues) as MapTree;
  const whole = connections === undefined ? rest : withEntry(rest, "connections", connections);
  const tree = withAbsolutePaths(whole, directory);
  const value = checking.project(tree, issues);
  return value === undefined ? undefined : { tree, value, path: source.name, directory };
}

/** Paths that a pipeline inherits keep starting at the project's folder. */
function withAbsolutePaths(tree: MapTree, directory: string): MapTree {
  const absolute = (part: Tree | undefined, wanted: RegExp): Tree | undefined =>
    part === undefined
      ? undefined
      : mapScalars(part, (found) =>
        typeof found.value === "string" && wanted.test(found.value)
          ? { ...found, value: resolve(directory, found.value) }
          : found);
  const change = (map: MapTree, name: string, key: string, wanted: RegExp): MapTree => {
    const part = childOf(map, name);
    if (part?.kind !== "map") return map;
    const value = absolute(childOf(part, key), wanted);
    return value === undefined ? map : withEntry(map, name, withEntry(part, key, value));
  };
  const local = /^\.\.?\//;
  return [
    ["buffer", "location", /^/] as const,
    ["logging", "file", /^/] as const,
    ["defaults", "extractor", local] as const,
    ["defaults", "loader", local] as const,
    ["permissions", "read", /^/] as const,
    ["permissions", "write", /^/] as const,
  ].reduce((map, [name, key, wanted]) => change(map, name, key, wanted), tree);
}
