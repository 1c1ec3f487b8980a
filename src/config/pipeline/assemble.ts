/** Assembles a pipeline from its file, its project and its variables, and validates the result. */
import type { z } from "zod";
import { type ConfigurationError, SECRET_KEY } from "../../core/errors.ts";
import type { PermissionLists } from "../../models/permissions.ts";
import type { LogSettings, Pipeline } from "../../models/pipeline.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Validator } from "../validation/validator.ts";
import { checkSemantics } from "../validation/semantic_checks.ts";
import { type ConnectionSpec, resolveEndpoint } from "./connection.ts";
import { issueAt, Issues, LocatedError } from "../text/issues.ts";
import { mergeDefaults, nameWildcards } from "./merge_defaults.ts";
import { dirname, resolve } from "../../core/files/paths.ts";
import { type LoadedProject, parseProject } from "./project.ts";
import { replaceConnections, type StandIns } from "./stand_ins.ts";
import { findQueries, findSecrets } from "../text/secrets.ts";
import { SourceText } from "../text/source_text.ts";
import {
  getChild,
  type MapTree,
  type Path,
  placeAt,
  type Tree,
  treeAt,
  variablesIn,
  withEntry,
} from "../text/tree.ts";
import { isVariableAt, parseTyped } from "../validation/zod_validate.ts";
import { parseDotenv } from "../text/dotenv.ts";
import { expand, Variables } from "../text/variables.ts";
import { parseYAML } from "../text/yaml.ts";

/** Settings for external modules, from the command line and the environment. */
export interface CodeOptions {
  /** Hosts that modules may be fetched from, in addition to those of the project. */
  readonly allowImport?: readonly string[] | undefined;
  readonly frozen?: boolean | undefined;
  /** Folder of the module cache; undefined caches in memory only. */
  readonly cacheDirectory?: string | undefined;
  /** Base URL of the `jsr:` registry. */
  readonly registry?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  onWarning?(message: string): void;
}

/** A valid pipeline, with the places in its file for errors. */
export interface LoadedPipeline {
  /** In the current shape, with variables expanded and defaults merged into the streams. */
  readonly pipeline: Pipeline;
  readonly source: ConnectionSpec;
  readonly target: ConnectionSpec;
  /** The file as the user named it. */
  readonly path: string;
  /** Absolute folder; relative paths in the file start there. */
  readonly directory: string;
  readonly logging?: LogSettings;
  /** Values of the variables in use, by name. */
  readonly variables: ReadonlyMap<string, string>;
  /** Names that were looked up in the environment, set or not. */
  readonly environment: readonly string[];
  /** Absolute paths of all files that were looked for, existing or not. */
  readonly files: readonly string[];
  /** Limits that the project sets on permissions, with absolute paths. */
  readonly ceiling?: PermissionLists;
  /** Absolute folder of the project, if any. */
  readonly projectDirectory?: string;
  /** Seconds that external code may run without progress, if set. */
  readonly externalTimeout?: number;
  /** Whether errors may quote records from source and target. */
  readonly showValues?: boolean;
  /** Settings for external modules, if any. */
  readonly code?: CodeOptions;
  /** Valid, but probably unintended. */
  readonly warnings: readonly string[];
  /** Returns an error with file, line, column, the line itself and a caret. */
  errorAt(path: Path, message: string): ConfigurationError;
  /**
   * Like `schema.safeParse`, for a part of the file that a provider's schema validates. Text from a
   * variable is read as the number or boolean that the schema expects, as in `port: ${PORT}`.
   */
  parseAt<T>(path: Path, schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T>;
  /** Paths of values that come from a variable, below a path and relative to it. */
  variablesAt(path: Path): Path[];
}

/** A file and its text. */
export interface FileText {
  readonly path: string;
  readonly text: string;
}

export interface ParseOptions {
  /** Environment variables by name. Throws for one that the process may not read. */
  readonly env: Readonly<Record<string, string>>;
  /** `.env` files; earlier ones take precedence, and the environment over all of them. */
  readonly envFiles?: readonly EnvFile[];
  /** Take precedence over the environment. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Path in messages; `<text>` by default. */
  readonly path?: string;
  /** Relative paths start here; by default the folder of `path`, else the working directory. */
  readonly directory?: string;
  readonly project?: FileText;
  /** Absolute paths of files that were looked for while finding these. */
  readonly consulted?: readonly string[];
  /** Paths where a project may exist, but the process lacks the permission to look. */
  readonly unreadable?: readonly string[];
  readonly standIns?: StandIns | undefined;
}

/** A `.env` file. Text is empty when it does not exist, undefined when it may not be read. */
export interface EnvFile {
  readonly path: string;
  readonly text: string | undefined;
}

/** Collects variables from the options, the environment and the `.env` files. */
export function readVariables(
  { env, vars = {}, envFiles = [], standIns }: ParseOptions,
  issues: Issues,
): Variables {
  const files = envFiles.map(({ path, text }) => ({
    path,
    values: text === undefined
      ? undefined
      : parseDotenv(toSourceText({ path, text }, true), issues),
  }));
  return new Variables(vars, env, files, standIns !== undefined);
}

/**
 * Parses and validates a pipeline.
 *
 * @throws {LocatedError} that lists all errors
 */
export function parseWith(
  validator: Validator,
  text: string,
  options: ParseOptions,
): LoadedPipeline {
  const { path = "<text>", vars = {}, consulted = [], unreadable } = options;
  const directory = resolve(options.directory ?? (options.path ? dirname(options.path) : "."));
  const issues = new Issues();
  const variables = readVariables(options, issues);
  const project = readProject(options.project, variables, issues, validator);
  const tree = readPipeline(toSourceText({ path, text }), variables, issues, validator);
  issues.throwIfAny();
  const files = [...(options.path === undefined ? [] : [resolve(options.path)]), ...consulted];
  return assemble(replaceConnections(tree!, options.standIns), {
    path,
    directory,
    project,
    variables,
    issues,
    vars,
    files,
    unreadable,
    validator,
  });
}

/** What a pipeline is assembled with, besides its own tree. */
export interface Assembly {
  readonly path: string;
  readonly directory: string;
  readonly project: LoadedProject | undefined;
  readonly variables: Variables;
  readonly issues: Issues;
  readonly vars: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly unreadable: readonly string[] | undefined;
  readonly validator: Validator;
}

/**
 * Builds the pipeline of a tree in the current shape.
 *
 * @throws {LocatedError} that lists all errors
 */
export function assemble(
  tree: MapTree,
  { path, directory, project, variables, issues, vars, files, unreadable, validator }: Assembly,
): LoadedPipeline {
  const merged = mergeDefaults(tree, project?.tree);
  const context = { project, variables, issues, unreadable };
  const ends = (["source", "target"] as const).map((end) =>
    resolveEndpoint(getChild(merged, end)!, [end], directory, context)
  );
  const pipeline = validator.pipeline(merged, issues);
  if (pipeline !== undefined) checkSemantics(pipeline, merged, issues);
  issues.throwIfAny();
  const [source, target] = ends as [Resolved, Resolved];
  const places = withEntry(withEntry(merged, "source", source.tree), "target", target.tree);
  return {
    pipeline: pipeline!,
    source: source.spec,
    target: target.spec,
    path,
    directory,
    ...(project?.value.logging === undefined ? {} : { logging: project.value.logging }),
    variables: variables.used,
    environment: requestedVariables(variables, vars),
    files: consultedFiles(files, variables),
    ...permissionCeiling(project),
    ...externalTimeout(pipeline, project),
    warnings: warnUnused(Object.keys(vars), variables),
    ...withPlaces(places),
  };
}

/** Functions of a loaded pipeline that need the places of its tree. */
export function withPlaces(
  places: Tree,
): Pick<LoadedPipeline, "errorAt" | "parseAt" | "variablesAt"> {
  return {
    errorAt: (at, message) => new LocatedError([issueAt(placeAt(places, at), message)]),
    parseAt: (at, schema, value) =>
      parseTyped(schema, value, (below) => isVariableAt(places, [...at, ...below])),
    variablesAt: (path) => variablesIn(treeAt(places, path)),
  };
}

/** Paths that were looked for, and the `.env` files in which a variable was looked up. */
export function consultedFiles(paths: readonly string[], { consulted }: Variables): string[] {
  return [...new Set([...paths, ...consulted.map((path) => resolve(path))])];
}

/** Names that were looked up, without those that the command line sets. */
export function requestedVariables(
  { requested }: Variables,
  vars: Readonly<Record<string, string>>,
): readonly string[] {
  return [...requested].filter((name) => !Object.hasOwn(vars, name));
}

export function permissionCeiling(
  project: LoadedProject | undefined,
): Pick<LoadedPipeline, "ceiling" | "projectDirectory"> {
  if (project === undefined) return {};
  const { directory, value: { permissions } } = project;
  return {
    projectDirectory: directory,
    ...(permissions === undefined ? {} : { ceiling: permissions }),
  };
}

/** The pipeline's timeout takes precedence over the project's. */
export function externalTimeout(
  pipeline: Pipeline | undefined,
  project: LoadedProject | undefined,
): Pick<LoadedPipeline, "externalTimeout"> {
  const seconds = pipeline?.external_timeout ?? project?.value.external_timeout;
  return seconds === undefined ? {} : { externalTimeout: seconds };
}

type Resolved = NonNullable<ReturnType<typeof resolveEndpoint>>;

/** Warns of variables that the pipeline does not use: with a mistyped name, a default applies. */
function warnUnused(names: readonly string[], { requested }: Variables): string[] {
  return names.filter((name) => !requested.has(name)).map((name) =>
    `variable "${name}" is set but not used${suggestWord(name, [...requested])}`
  );
}

/** All values that must not be printed; see {@linkcode findSecrets} and {@linkcode findQueries}. */
export function findSecretValues(loaded: LoadedPipeline): string[] {
  const { variables } = loaded;
  const values = listWritten(loaded);
  return [...findSecrets(variables.values(), values), ...findQueries(values)];
}

/**
 * The variables of a pipeline without their secrets. They identify what a run moves: other values
 * move other data, but a new password does not.
 */
export function publicVariables(loaded: LoadedPipeline): Record<string, string> {
  const { variables } = loaded;
  const secrets = findSecrets([], listWritten(loaded));
  const shown = (value: string) => secrets.reduce((text, one) => text.replaceAll(one, ""), value);
  return Object.fromEntries(
    [...variables].filter(([name]) => !SECRET_KEY.test(name))
      .map(([name, value]) => [name, shown(value)])
      .sort(([one], [other]) => one! < other! ? -1 : 1),
  );
}

/** Values of the file that may contain secrets. */
function listWritten({ pipeline, source, target, logging }: LoadedPipeline): unknown[] {
  const secret = logging?.receipt_key;
  return [pipeline, source.url, source.config, target.url, target.config, { secret }];
}

function toSourceText({ path, text }: FileText, hidden = false): SourceText {
  return new SourceText(path, text.replace(/^\ufeff/, ""), hidden);
}

export function readProject(
  file: FileText | undefined,
  variables: Variables,
  issues: Issues,
  validator: Validator,
): LoadedProject | undefined {
  if (file === undefined) return undefined;
  return parseProject(
    toSourceText(file),
    dirname(resolve(file.path)),
    variables,
    issues,
    validator,
  );
}

/** A valid tree in the current shape; undefined when issues were added. */
function readPipeline(
  source: SourceText,
  variables: Variables,
  issues: Issues,
  validator: Validator,
): MapTree | undefined {
  const parsed = parseYAML(source, issues);
  if (parsed === undefined) return undefined;
  const expanded: Tree = expand(parsed, variables, issues);
  if (expanded.kind !== "map") {
    issues.add(expanded.place, "the file is not a mapping, expected version, name, source, …");
    return undefined;
  }
  const tree = nameWildcards(validator.normalize(expanded, issues));
  validator.pipeline(tree, issues);
  return tree;
}
