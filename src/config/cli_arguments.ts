/** Connections and streams that the command line describes instead of a pipeline file. */
import { resolve } from "node:path";
import type { PermissionLists } from "../models/permissions.ts";
import { LOAD_MODES } from "../models/stream.ts";
import { hasPattern, WILDCARD_ID } from "../models/wildcard.ts";
import { BY_SCHEMA } from "./pipeline/parse_strict.ts";
import { type ConnectionSpec, resolveEndpoint } from "./pipeline/connection.ts";
import { Issues, type Place } from "./text/issues.ts";
import {
  assemble,
  type CodeOptions,
  consultedFiles,
  externalTimeout,
  type LoadedPipeline,
  type ParseOptions,
  permissionCeiling,
  readProject,
  readVariables,
  requestedVariables,
  withPlaces,
} from "./pipeline/assemble.ts";
import {
  type ArgumentKind,
  classifyArgument,
  DATASET,
  QUERY,
} from "./pipeline/classify_argument.ts";
import { describeConnection } from "./pipeline/connection_reference.ts";
import { findQueries, findSecrets } from "./text/secrets.ts";
import { SourceText } from "./text/source_text.ts";
import {
  getChild,
  makeMap,
  type MapTree,
  scalar,
  type ScalarTree,
  type Tree,
} from "./text/tree.ts";
import { expand, type Variables } from "./text/variables.ts";

/** An argument of the command line. */
export interface Argument {
  /** Its option, as messages name it: `--from`. */
  readonly option: string;
  readonly text: string;
}

/** A connection argument, resolved. */
export interface NamedConnection
  extends Pick<LoadedPipeline, "errorAt" | "parseAt" | "variablesAt" | "externalTimeout"> {
  readonly spec: ConnectionSpec;
  /** As in {@linkcode LoadedPipeline}. */
  readonly directory: string;
  readonly projectDirectory?: string;
  readonly code?: CodeOptions;
  /** The file or pattern in the argument, relative to the folder, as a stream's `source` has it. */
  readonly dataset?: string;
  /** The connection as a pipeline file spells it, without secrets. */
  readonly reference: string | Readonly<Record<string, string>>;
  /** Variable in the reference that the user still has to set. */
  readonly unset?: string;
  /** Name of the database, file or folder, from which new files are named. */
  readonly name: string;
  readonly secrets: readonly string[];
  /** As in {@linkcode LoadedPipeline}. */
  readonly environment: readonly string[];
  readonly files: readonly string[];
  readonly ceiling?: PermissionLists;
}

/** A pipeline of one stream. */
export interface StreamArguments {
  readonly from: Argument;
  readonly to: Argument;
  readonly source?: Argument | undefined;
  readonly target?: Argument | undefined;
  readonly mode?: Argument | undefined;
  /** A condition in the source's SQL. */
  readonly where?: Argument | undefined;
  /** Names of the columns to read, separated by commas, in the order of the target. */
  readonly columns?: Argument | undefined;
  readonly keys?: readonly Argument[];
  /** Absolute folder of the stage, for a stream that no other run may share it with. */
  readonly stageFolder?: string;
}

/** What is needed to interpret arguments. */
interface ArgumentContext {
  readonly directory: string;
  readonly variables: Variables;
  readonly issues: Issues;
  readonly project: ReturnType<typeof readProject>;
  readonly files: readonly string[];
  readonly unreadable: readonly string[] | undefined;
}

function openContext(directory: string, options: ParseOptions): ArgumentContext {
  const { project, consulted = [], unreadable } = options;
  const issues = new Issues();
  const variables = readVariables(options, issues);
  const context: ArgumentContext = {
    directory,
    variables,
    issues,
    project: readProject(project, variables, issues, BY_SCHEMA),
    files: consulted,
    unreadable,
  };
  issues.throwIfAny();
  return context;
}

/**
 * Resolves a connection argument.
 *
 * @throws {LocatedError} that names the option
 */
export async function resolveConnection(
  argument: Argument,
  directory: string,
  options: ParseOptions & { readonly makes?: boolean },
): Promise<NamedConnection> {
  const context = openContext(resolve(directory), options);
  const { variables, issues } = context;
  const kind = await readArgument(argument, context, options.makes ?? false);
  const resolved = resolveEndpoint(kind.tree, [], context.directory, context);
  issues.throwIfAny();
  const { spec, tree } = resolved!;
  const written = [spec.url, spec.config];
  const queries = findQueries([...written, kind.dataset]);
  const secrets = [...findSecrets(variables.used.values(), written), ...queries];
  const inURL = [...findSecrets([], written), ...queries];
  return {
    spec,
    directory: context.directory,
    ...(kind.dataset === undefined ? {} : { dataset: escapePattern(kind) }),
    ...describeConnection(argument.text, kind, spec, inURL, variables),
    secrets,
    environment: requestedVariables(variables, options.vars ?? {}),
    files: consultedFiles(context.files, variables),
    ...permissionCeiling(context.project),
    ...externalTimeout(undefined, context.project),
    ...withPlaces(tree),
  };
}

/** Escapes the wildcards of a file name, so that as a pattern it matches only this file. */
function escapePattern({ dataset, kind }: ArgumentKind): string {
  return kind !== "pattern" ? dataset!.replace(/[*?[{]/g, "[$&]") : dataset!;
}

/**
 * Builds a pipeline of one stream.
 *
 * @throws {LocatedError} that lists all errors, by option
 */
export async function buildPipeline(
  stream: StreamArguments,
  directory: string,
  options: ParseOptions,
): Promise<LoadedPipeline> {
  const context = openContext(resolve(directory), options);
  const source = await readEndpoint(stream.from, context, false);
  const target = await readEndpoint(stream.to, context, true);
  // Unknown connections are reported first; the errors below would only follow from them.
  context.issues.throwIfAny();
  const at = argumentPlace(stream.from);
  const tree: MapTree = makeMap(at, {
    version: scalar(1, at),
    name: scalar("run", at),
    source: source.tree,
    target: target.tree,
    // A later `dxt load` would need a pipeline file, which does not exist.
    buffer: makeMap(at, {
      retain_on_failure: scalar(false, at),
      location: stream.stageFolder === undefined ? undefined : scalar(stream.stageFolder, at),
    }),
    streams: { kind: "list", items: [streamTree(stream, source, target, context)], place: at },
  });
  return assemble(tree, {
    ...context,
    path: "--from",
    vars: options.vars ?? {},
    validator: BY_SCHEMA,
  });
}

/** One end of the stream: what its argument names, and whether that holds files. */
interface EndpointArgument extends ArgumentKind {
  readonly hasFiles: boolean;
}

async function readEndpoint(
  argument: Argument,
  context: ArgumentContext,
  makes: boolean,
): Promise<EndpointArgument> {
  const kind = await readArgument(argument, context, makes);
  const { provider, url = "" } = resolveEndpoint(kind.tree, [], context.directory, context)?.spec ??
    {};
  return {
    ...kind,
    hasFiles: provider === "local" || provider === "http" || /^(file|https?):/i.test(url),
  };
}

/** @throws {LocatedError} that lists all errors, by option */
function streamTree(
  { from, to, source, target, mode, where, columns, keys = [] }: StreamArguments,
  reads: EndpointArgument,
  writes: EndpointArgument,
  { issues, project }: ArgumentContext,
): MapTree {
  const dataset = source === undefined ? reads.dataset : source.text;
  if (dataset === undefined) {
    issues.add(
      argumentPlace(from),
      "it has more than one dataset, expected --source to name one; dxt discover lists them",
    );
  }
  if (source !== undefined && reads.dataset !== undefined) {
    issues.add(argumentPlace(source), `--from already names the file "${reads.dataset}"`);
  }
  if (target !== undefined && writes.dataset !== undefined) {
    issues.add(argumentPlace(target), `--to already names the file "${writes.dataset}"`);
  }
  if (mode !== undefined && !LOAD_MODES.some((known) => known === mode.text)) {
    issues.add(
      argumentPlace(mode),
      `unknown mode "${mode.text}", expected ${LOAD_MODES.join(", ")}`,
    );
  }
  issues.throwIfAny();
  const id = deriveId(dataset!, reads);
  const loadPlace = argumentPlace(mode ?? keys[0] ?? to);
  const stream = makeMap(argumentPlace(from), {
    id: scalar(id, argumentPlace(source ?? from)),
    source: sourceTree({ option: (source ?? from).option, text: dataset! }, reads, where, issues),
    target: target === undefined ? targetTree(writes, id, argumentPlace(to)) : toWord(target),
    ...(columns === undefined ? {} : columnTrees(columns, issues)),
    load: makeMap(loadPlace, {
      mode: mode === undefined ? defaultMode(writes, project?.tree, loadPlace) : toWord(mode),
      upsert_keys: keys.length === 0
        ? undefined
        : { kind: "list", items: keys.map(toWord), place: argumentPlace(keys[0]!) },
    }),
  });
  issues.throwIfAny();
  return stream;
}

/**
 * The mode of a load whose mode is unset, where neither the project nor the schema's default sets
 * it. A file is replaced, as by a redirection of the shell. A table keeps its rows: unlike a file,
 * it often has rows of other sources.
 */
function defaultMode(
  { hasFiles }: EndpointArgument,
  project: Tree | undefined,
  place: Place,
): Tree | undefined {
  const chosen = getChild(getChild(getChild(project, "defaults"), "load"), "mode");
  return chosen === undefined && hasFiles ? scalar("replace", place) : undefined;
}

/** The keys of a stream that moves only these columns, in this order. */
function columnTrees(columns: Argument, issues: Issues): Record<string, Tree> {
  const place = argumentPlace(columns);
  const names = columns.text.split(",").map((name) => name.trim());
  if (names.includes("")) {
    issues.add(place, "a name is empty, expected names of columns separated by commas");
  }
  const items = names.map((name) => makeMap(place, { id: scalar(name, place) }));
  return { fields: { kind: "list", items, place }, only_declared_fields: scalar(true, place) };
}

function argumentPlace({ option, text }: Argument): Place {
  return { source: new SourceText(option, text, false, true), offset: 0 };
}

function toWord(argument: Argument): ScalarTree {
  return scalar(argument.text, argumentPlace(argument));
}

async function readArgument(
  argument: Argument,
  { directory, variables, issues, project }: ArgumentContext,
  makes: boolean,
): Promise<ArgumentKind> {
  const written = toWord(argument);
  const found = expand(written, variables, issues) as ScalarTree;
  issues.throwIfAny();
  const isName =
    getChild(getChild(project?.tree, "connections"), String(found.value)) !== undefined;
  return isName ? { tree: found, kind: "name" } : await classifyArgument(found, directory, makes);
}

/** A query is recognized by its first word. A file name is taken literally. */
function sourceTree(
  argument: Argument,
  { dataset, kind, hasFiles }: EndpointArgument,
  where: Argument | undefined,
  issues: Issues,
): Tree {
  const place = argumentPlace(argument);
  const word = toWord(argument);
  const isQuery = kind !== "files" && QUERY.test(argument.text);
  if (where !== undefined && (isQuery || hasFiles)) {
    issues.add(
      argumentPlace(where),
      isQuery
        ? "--source is a query, expected the condition in the query"
        : "files evaluate no SQL, expected a table of a database; a run with --to x.db makes one",
    );
  }
  if (isQuery) return makeMap(place, { type: scalar("sql", place), sql: word });
  if (where !== undefined) {
    return makeMap(place, { type: scalar("relation", place), name: word, where: toWord(where) });
  }
  if (dataset === undefined || kind === "pattern") return word;
  return makeMap(place, { type: scalar("file", place), path: word });
}

function targetTree({ dataset, kind }: ArgumentKind, id: string, place: Place): Tree {
  if (dataset !== undefined) {
    return makeMap(place, { type: scalar("file", place), path: scalar(dataset, place) });
  }
  return scalar(kind === "files" ? `${id}.parquet` : id, place);
}

/** Derives a stream id from a dataset: its name without schema, folders and file extensions. */
function deriveId(dataset: string, { hasFiles }: EndpointArgument): string {
  if (QUERY.test(dataset)) return "query";
  if (!hasFiles && hasPattern(dataset)) return WILDCARD_ID;
  const isKnown = DATASET.test(dataset);
  const bare = isKnown || hasFiles
    ? dataset.replace(/^.*\/(?=.)/, "").replace(isKnown ? DATASET : /\.\w+$/, "")
    : dataset.replace(/^.*\.(?=[^.]+$)/, "");
  const id = bare.replace(/[^\p{L}\p{N}_-]+/gu, "_").replace(/^_+(?=.)|(?<=.)_+$/g, "");
  return id === "" || id === "_" ? "records" : id;
}
