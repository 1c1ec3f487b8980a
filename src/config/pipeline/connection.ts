/** Resolves `source` and `target` of a pipeline to connections, before their provider checks them. */
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Issues, Place } from "../text/issues.ts";
import type { LoadedProject } from "./project.ts";
import {
  getChild,
  getText,
  makeMap,
  type MapTree,
  omitKeys,
  overlay,
  type Path,
  type ScalarTree,
  toValue,
  type Tree,
} from "../text/tree.ts";
import { describeMissingRead } from "./find_project.ts";
import { expand, type Variables } from "../text/variables.ts";

/** A connection as its file spells it. Its provider validates `url` and `config`. */
export interface ConnectionSpec {
  /** Name or class path; empty when the scheme of the URL determines it. */
  readonly provider: string;
  /** Without the driver in its scheme: `postgresql+psycopg://` becomes `postgresql://`. */
  readonly url?: string;
  /** The other keys, which take precedence over the URL. */
  readonly config: Record<string, unknown>;
  /** Where the pipeline refers to it. */
  readonly origin: { readonly path: (string | number)[] };
  /** Folder of the file that declares the connection; its relative paths start there. */
  readonly baseDirectory: string;
}

export interface ResolvedEndpoint {
  readonly spec: ConnectionSpec;
  /** Keys with their places, whether in the pipeline or in the project. */
  readonly tree: Tree;
}

export interface EndpointContext {
  readonly project: LoadedProject | undefined;
  readonly variables: Variables;
  readonly issues: Issues;
  readonly unreadable?: readonly string[] | undefined;
}

interface Found {
  readonly tree: MapTree;
  readonly baseDirectory: string;
}

const URL_SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/** Resolves one end of a pipeline; returns undefined when issues were added. */
export function resolveEndpoint(
  tree: Tree,
  path: Path,
  directory: string,
  context: EndpointContext,
): ResolvedEndpoint | undefined {
  const found = follow(tree, directory, context, []);
  if (found === undefined) return undefined;
  const url = getText(getChild(found.tree, "url"));
  return {
    tree: found.tree,
    spec: {
      provider: getText(getChild(found.tree, "provider")) ?? "",
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
  if (tree.kind === "scalar") return followName(tree, directory, context, seen);
  if (tree.kind === "list") return undefined;
  const connection = getChild(tree, "connection");
  if (connection?.kind !== "scalar") return { tree, baseDirectory: directory };
  const base = followName(connection, directory, context, seen);
  if (base === undefined) return undefined;
  const rest = omitKeys(tree, "connection");
  const [before, after] = [base.tree, rest].map((part) => getText(getChild(part, "provider")));
  if (before !== undefined && after !== undefined && before !== after) {
    context.issues.add(
      getChild(rest, "provider")!.place,
      `connection "${connection.value}" has provider "${before}", not "${after}"`,
    );
    return undefined;
  }
  const merged = overlay(base.tree, rest) as MapTree;
  return { tree: { ...merged, place: tree.place }, baseDirectory: base.baseDirectory };
}

/** Resolves the name of a connection in the project, or a URL. */
function followName(
  found: ScalarTree,
  directory: string,
  context: EndpointContext,
  seen: readonly string[],
): Found | undefined {
  const name = String(found.value);
  const { project, issues, unreadable } = context;
  const declared = getChild(project?.tree, "connections");
  const connection = getChild(declared, name);
  if (connection === undefined) {
    if (URL_SCHEME.test(name)) {
      return { tree: makeMap(found.place, { url: found }), baseDirectory: directory };
    }
    if (found.broken !== true) {
      issues.add(found.place, describeUnknown(found, declared, project, unreadable));
    }
    return undefined;
  }
  if (seen.includes(name)) {
    issues.add(found.place, `connections refer to each other: ${[...seen, name].join(" → ")}`);
    return undefined;
  }
  const expanded = expand(connection, context.variables, issues);
  return withPlace(follow(expanded, project!.directory, context, [...seen, name]), found.place);
}

/** Places errors where the pipeline refers to the connection, since a URL has no keys. */
function withPlace(found: Found | undefined, place: Place): Found | undefined {
  if (found === undefined) return undefined;
  return { ...found, tree: { ...found.tree, place: { ...found.tree.place, ...place } } };
}

function describeUnknown(
  { value, written }: ScalarTree,
  declared: Tree | undefined,
  project: LoadedProject | undefined,
  unreadable: readonly string[] = [],
): string {
  const shown = written ?? String(value);
  const names = declared?.kind === "map" ? [...declared.entries.keys()] : [];
  if (project === undefined && unreadable.length > 0) {
    return `"${shown}" is not a URL, and ${describeMissingRead(unreadable)}`;
  }
  if (project === undefined) {
    return `"${shown}" is not a URL, and no dxt_project.yaml declares connections`;
  }
  const hint = suggestWord(String(value), names);
  const known = names.length === 0 ? "it has none" : `known are ${names.join(", ")}`;
  return `unknown connection "${shown}" in ${project.path}${hint === "" ? `: ${known}` : hint}`;
}
