/** `dxt_project.yaml`: settings shared by the pipelines in its folder and in folders below. */
import type { Project } from "../../models/pipeline.ts";
import type { Validator } from "../validation/validator.ts";
import { expand, type Variables } from "../text/variables.ts";
import type { Issues } from "../text/issues.ts";
import { resolve } from "../../core/files/paths.ts";
import type { SourceText } from "../text/source_text.ts";
import { mapScalars, type MapTree, omitKeys, type Tree, withEntry } from "../text/tree.ts";
import { getChild } from "../text/tree.ts";
import { parseYAML } from "../text/yaml.ts";

/** A valid project file. */
export interface LoadedProject {
  readonly tree: MapTree;
  readonly value: Project;
  /** Path for messages. */
  readonly path: string;
  /** Folder of the file; relative paths in it start there. */
  readonly directory: string;
}

/**
 * Parses a project file. Variables in connections are not expanded yet: those of connections that a
 * pipeline does not use need not be set.
 */
export function parseProject(
  source: SourceText,
  directory: string,
  variables: Variables,
  issues: Issues,
  validator: Validator,
): LoadedProject | undefined {
  const parsed = parseYAML(source, issues);
  if (parsed === undefined) return undefined;
  if (parsed.kind !== "map") {
    issues.add(parsed.place, "the project is not a mapping");
    return undefined;
  }
  const connections = getChild(parsed, "connections");
  const rest = expand(omitKeys(parsed, "connections"), variables, issues) as MapTree;
  const whole = connections === undefined ? rest : withEntry(rest, "connections", connections);
  const tree = withAbsolutePaths(whole, directory);
  const value = validator.project(tree, issues);
  return value === undefined ? undefined : { tree, value, path: source.name, directory };
}

/** Makes paths absolute, since pipelines in other folders inherit them. */
function withAbsolutePaths(tree: MapTree, directory: string): MapTree {
  const absolute = (part: Tree | undefined, wanted: RegExp): Tree | undefined =>
    part === undefined
      ? undefined
      : mapScalars(part, (found) =>
        typeof found.value === "string" && wanted.test(found.value)
          ? { ...found, value: resolve(directory, found.value) }
          : found);
  const change = (map: MapTree, name: string, key: string, wanted: RegExp): MapTree => {
    const part = getChild(map, name);
    if (part?.kind !== "map") return map;
    const value = absolute(getChild(part, key), wanted);
    return value === undefined ? map : withEntry(map, name, withEntry(part, key, value));
  };
  const local = /^\.\.?\//;
  return [
    ["buffer", "location", /^/] as const,
    ["logging", "file", /^/] as const,
    ["logging", "receipts", /^/] as const,
    ["defaults", "extractor", local] as const,
    ["defaults", "loader", local] as const,
    ["permissions", "read", /^/] as const,
    ["permissions", "write", /^/] as const,
    ["permissions", "ffi", /^/] as const,
  ].reduce((map, [name, key, wanted]) => change(map, name, key, wanted), tree);
}
