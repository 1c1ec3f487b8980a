/** Connections and streams that the command line names, in place of a file. */
import { resolve } from "node:path";
import type { PermissionLists } from "../models/permissions.ts";
import { LOAD_MODES } from "../models/stream.ts";
import { BY_SCHEMA } from "./pipeline/parse_strict.ts";
import { type ConnectionSpec, resolveEndpoint } from "./pipeline/connection.ts";
import { Issues, type Place } from "./text/issues.ts";
import {
  assemble,
  type CodeOptions,
  filesOf,
  type LoadedPipeline,
  type ParseOptions,
  permissionCeiling,
  readProject,
  requestedPermissions,
  timeoutOf,
  variablesOf,
  withPlaces,
} from "./pipeline/assemble.ts";
import {
  type ArgumentKind,
  classifyArgument,
  DATASET,
  QUERY,
} from "./pipeline/classify_argument.ts";
import { describeConnection } from "./pipeline/connection_reference.ts";
import { findSecrets } from "./text/secrets.ts";
import { SourceText } from "./text/source_text.ts";
import { childOf, mapOf, type MapTree, scalar, type ScalarTree, type Tree } from "./text/tree.ts";
import { expand, type Variables } from "./text/variables.ts";

/** A value of the command line. */
export interface Argument {
  /** The option as a message names it: `--from`. */
  readonly option: string;
  readonly text: string;
}

export interface NamedConnection
  extends Pick<LoadedPipeline, "errorAt" | "parseAt" | "variablesAt" | "externalTimeout"> {
  readonly spec: ConnectionSpec;
  /** As of a {@linkcode LoadedPipeline}. */
  readonly directory: string;
  readonly projectDirectory?: string;
  readonly code?: CodeOptions;
  /** The file or the files that were named, below the folder, as a stream's `source` has them. */
  readonly dataset?: string;
  /** How a pipeline's file says it, without a secret. */
  readonly reference: string | Readonly<Record<string, string>>;
  /** Variable of the reference that has no value yet. */
  readonly unset?: string;
  /** A name for what is made of it: of the database, the file or the folder. */
  readonly name: string;
  readonly secrets: readonly string[];
  /** As of a {@linkcode LoadedPipeline}. */
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
  readonly keys?: readonly Argument[];
}

interface Reading {
  readonly directory: string;
  readonly variables: Variables;
  readonly issues: Issues;
  readonly project: ReturnType<typeof readProject>;
  readonly files: readonly string[];
  readonly unseen: readonly string[] | undefined;
}

function readingOf(directory: string, options: ParseOptions): Reading {
  const { project, looked = [], unseen } = options;
  const issues = new Issues();
  const variables = variablesOf(options, issues);
  const reading: Reading = {
    directory,
    variables,
    issues,
    project: readProject(project, variables, issues, BY_SCHEMA),
    files: looked,
    unseen,
  };
  issues.throwIfAny();
  return reading;
}

/** @throws {LocatedError} that names the option */
export async function connectionOf(
  argument: Argument,
  directory: string,
  options: ParseOptions & { readonly makes?: boolean },
): Promise<NamedConnection> {
  const reading = readingOf(resolve(directory), options);
  const { variables, issues } = reading;
  const meaning = await read(argument, reading, options.makes ?? false);
  const resolved = resolveEndpoint(meaning.tree, [], reading.directory, reading);
  issues.throwIfAny();
  const { spec, tree } = resolved!;
  const secrets = findSecrets(variables.used.values(), [spec.url, spec.config]);
  const inURL = findSecrets([], [spec.url, spec.config]);
  return {
    spec,
    directory: reading.directory,
    ...(meaning.dataset === undefined ? {} : { dataset: datasetOf(meaning) }),
    ...describeConnection(argument.text, meaning, spec, inURL, variables),
    secrets,
    environment: requestedPermissions(variables, options.vars ?? {}),
    files: filesOf(reading.files, variables),
    ...permissionCeiling(reading.project),
    ...timeoutOf(undefined, reading.project),
    ...withPlaces(tree),
  };
}

/** A name that was taken as it stands is a pattern that finds it alone. */
function datasetOf({ dataset, kind }: ArgumentKind): string {
  return kind === "files" ? dataset!.replace(/[*?[{]/g, "[$&]") : dataset!;
}

/** @throws {LocatedError} that lists all that is wrong, by option */
export async function pipelineOf(
  { from, to, source, target, mode, keys = [] }: StreamArguments,
  directory: string,
  options: ParseOptions,
): Promise<LoadedPipeline> {
  const reading = readingOf(resolve(directory), options);
  const [origin, goal] = [await read(from, reading, false), await read(to, reading, true)];
  // A connection that nobody knows is told before what it lacks.
  for (const { tree } of [origin, goal]) {
    resolveEndpoint(tree, [], reading.directory, reading);
  }
  reading.issues.throwIfAny();
  const dataset = source === undefined ? origin.dataset : source.text;
  if (dataset === undefined) {
    reading.issues.add(
      placeOf(from),
      "it has more than one dataset, expected --source to name one; dxt discover lists them",
    );
  }
  if (source !== undefined && origin.dataset !== undefined) {
    reading.issues.add(placeOf(source), `--from names the file already, "${origin.dataset}"`);
  }
  if (target !== undefined && goal.dataset !== undefined) {
    reading.issues.add(placeOf(target), `--to names the file already, "${goal.dataset}"`);
  }
  reading.issues.throwIfAny();
  const id = stemOf(dataset!);
  const words = (argument: Argument) => scalar(argument.text, placeOf(argument));
  const at = placeOf(from);
  const stream = mapOf(at, {
    id: scalar(id, placeOf(source ?? from)),
    source: sourceTree(dataset!, source ?? from, origin),
    target: target !== undefined ? words(target) : targetTree(goal, id, placeOf(to)),
    load: mode === undefined && keys.length === 0 ? undefined : mapOf(placeOf(mode ?? keys[0]!), {
      mode: mode === undefined ? undefined : words(mode),
      upsert_keys: keys.length === 0
        ? undefined
        : { kind: "list", items: keys.map(words), place: placeOf(keys[0]!) },
    }),
  });
  if (mode !== undefined && !LOAD_MODES.some((known) => known === mode.text)) {
    reading.issues.add(
      placeOf(mode),
      `unknown mode "${mode.text}", expected ${LOAD_MODES.join(", ")}`,
    );
    reading.issues.throwIfAny();
  }
  const tree: MapTree = mapOf(at, {
    version: scalar(1, at),
    name: scalar("run", at),
    source: origin.tree,
    target: goal.tree,
    // There is no file that a later dxt load could name.
    buffer: mapOf(at, { retain_on_failure: scalar(false, at) }),
    streams: { kind: "list", items: [stream], place: at },
  });
  return assemble(tree, {
    ...reading,
    path: "--from",
    vars: options.vars ?? {},
    checking: BY_SCHEMA,
  });
}

function placeOf({ option, text }: Argument): Place {
  return { source: new SourceText(option, text, false, true), offset: 0 };
}

async function read(
  argument: Argument,
  { directory, variables, issues, project }: Reading,
  makes: boolean,
): Promise<ArgumentKind> {
  const written = scalar(argument.text, placeOf(argument));
  const found = expand(written, variables, issues) as ScalarTree;
  issues.throwIfAny();
  const isName = childOf(childOf(project?.tree, "connections"), String(found.value)) !== undefined;
  return isName ? { tree: found, kind: "name" } : await classifyArgument(found, directory, makes);
}

/** A query is told by its first word; a file that was named is taken as it stands. */
function sourceTree(text: string, argument: Argument, { dataset, kind }: ArgumentKind): Tree {
  const place = placeOf(argument);
  const word = scalar(text, place);
  if (kind !== "files" && QUERY.test(text)) {
    return mapOf(place, { type: scalar("sql", place), sql: word });
  }
  if (dataset === undefined || kind === "pattern") return word;
  return mapOf(place, { type: scalar("file", place), path: word });
}

function targetTree({ dataset, kind }: ArgumentKind, id: string, place: Place): Tree {
  if (dataset !== undefined) {
    return mapOf(place, { type: scalar("file", place), path: scalar(dataset, place) });
  }
  return scalar(kind === "files" ? `${id}.parquet` : id, place);
}

/** An id of what a dataset is called: without schema, folders and endings. */
function stemOf(dataset: string): string {
  if (QUERY.test(dataset)) return "query";
  const bare = DATASET.test(dataset)
    ? dataset.replace(/^.*\//, "").replace(DATASET, "")
    : dataset.replace(/^.*\.(?=[^.]+$)/, "");
  const id = bare.replace(/[^\p{L}\p{N}_-]+/gu, "_").replace(/^_+(?=.)|(?<=.)_+$/g, "");
  return id === "" || id === "_" ? "records" : id;
}
