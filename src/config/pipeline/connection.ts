/** One end of a pipeline: where it comes from and what it says, not yet what its provider makes of it. */
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Issues, Place } from "../text/issues.ts";
import type { LoadedProject } from "./project.ts";
import {
  childOf,
  mapOf,
  type MapTree,
  omitKeys,
  overlay,
  type Path,
  type ScalarTree,
  textOf,
  toValue,
  type Tree,
} from "../text/tree.ts";
import { mayNotLook } from "./find_project.ts";
import { expand, type Variables } from "../text/variables.ts";

/** A connection as it was written down. Its provider checks `url` and `config`. */
export interface ConnectionSpec {
  /** Name or class path; empty when the URL's scheme tells. */
  readonly provider: string;
  /** Without the driver in its scheme: `postgresql+psycopg://` is `postgresql://`. */
  readonly url?: string;
  /** The other keys; they win over those of the URL. */
  readonly config: Record<string, unknown>;
  /** Where the pipeline names it. */
  readonly origin: { readonly path: (string | number)[] };
  /** Folder of the file that the connection is written in: its relative paths start there. */
  readonly baseDirectory: string;
}

export interface ResolvedEndpoint {
  readonly spec: ConnectionSpec;
  /** Keys with their places, from whichever file. */
  readonly tree: Tree;
}

export interface EndpointContext {
  readonly project: LoadedProject | undefined;
  readonly variables: Variables;
  readonly issues: Issues;
  readonly unseen?: readonly string[] | undefined;
}

interface Found {
  readonly tree: MapTree;
  readonly baseDirectory: string;
}

const URL_SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/** Undefined when issues were added. */
export function resolveEndpoint(
  tree: Tree,
  path: Path,
  directory: string,
  context: EndpointContext,
): ResolvedEndpoint | undefined {
  const found = follow(tree, directory, context, []);
  if (found === undefined) return undefined;
  const url = textOf(childOf(found.tree, "url"));
  return {
    tree: found.tree,
    spec: {
      provider: textOf(childOf(found.tree, "provider")) ?? "",
      ...(url === undefined ? {} : { url: url.replace(/^([a-z][a-z0-9.-]*)\+[^:]*:/i, "$1:") }),
      config: toValue(omitKeys(found.tree, "provider", "url")) as Record<string, unknown>,
      origin: { path: [...path] },
      baseDirectory: found.baseDirectory,
    },
  };
}

function follow(
  tree: Tree,
  directory: string,
  context: EndpointContext,
  seen: readonly string[],
): Found | undefined {
  if (tree.kind === "scalar") return named(tree, directory, context, seen);
  if (tree.kind === "list") return undefined;
  const connection = childOf(tree, "connection");
  if (connection?.kind !== "scalar") return { tree, baseDirectory: directory };
  const base = named(connection, directory, context, seen);
  if (base === undefined) return undefined;
  const rest = omitKeys(tree, "connection");
  const [before, after] = [base.tree, rest].map((part) => textOf(childOf(part, "provider")));
  if (before !== undefined && after !== undefined && before !== after) {
    context.issues.add(
      childOf(rest, "provider")!.place,
      `connection "${connection.value}" has provider "${before}", not "${after}"`,
    );
    return undefined;
  }
  const merged = overlay(base.tree, rest) as MapTree;
  return { tree: { ...merged, place: tree.place }, baseDirectory: base.baseDirectory };
}

/** A connection of the project, or a URL. */
function named(
  found: ScalarTree,
  directory: string,
  context: EndpointContext,
  seen: readonly string[],
): Found | undefined {
  const name = String(found.value);
  const { project, issues, unseen } = context;
  const declared = childOf(project?.tree, "connections");
  const connection = childOf(declared, name);
  if (connection === undefined) {
    if (URL_SCHEME.test(name)) {
      return { tree: mapOf(found.place, { url: found }), baseDirectory: directory };
    }
    if (found.broken !== true) {
      issues.add(found.place, unknown(found, declared, project, unseen));
    }
    return undefined;
  }
  if (seen.includes(name)) {
    issues.add(found.place, `connections refer to each other: ${[...seen, name].join(" → ")}`);
    return undefined;
  }
  const expanded = expand(connection, context.variables, issues);
  return atUse(follow(expanded, project!.directory, context, [...seen, name]), found.place);
}

/** A URL has no keys to point at: the place is where the pipeline names the connection. */
function atUse(found: Found | undefined, place: Place): Found | undefined {
  return found === undefined ? undefined : { ...found, tree: { ...found.tree, place } };
}

function unknown(
  { value, written }: ScalarTree,
  declared: Tree | undefined,
  project: LoadedProject | undefined,
  unseen: readonly string[] = [],
): string {
  const shown = written ?? String(value);
  const names = declared?.kind === "map" ? [...declared.entries.keys()] : [];
  if (project === undefined && unseen.length > 0) {
    return `"${shown}" is not a URL, and ${mayNotLook(unseen)}`;
  }
  if (project === undefined) {
    return `"${shown}" is not a URL, and there is no dxt_project.yaml that names connections`;
  }
  const hint = suggestWord(String(value), names);
  const known = names.length === 0 ? "it has none" : `known are ${names.join(", ")}`;
  return `unknown connection "${shown}" in ${project.path}${hint === "" ? `: ${known}` : hint}`;
}
