/** The text of a pipeline and of its project → what they mean together. */
import type { z } from "zod";
import { type ConfigurationError, SECRET_KEY } from "../../core/errors.ts";
import type { PermissionLists } from "../../models/permissions.ts";
import type { LogSettings, Pipeline } from "../../models/pipeline.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Checking } from "../validation/validator.ts";
import { checkMeaning } from "../validation/semantic_checks.ts";
import { type ConnectionSpec, resolveEndpoint } from "./connection.ts";
import { issueAt, Issues, LocatedError } from "../text/issues.ts";
import { mergeDefaults } from "./merge_defaults.ts";
import { dirname, resolve } from "../../core/files/paths.ts";
import { type LoadedProject, parseProject } from "./project.ts";
import { findSecrets } from "../text/secrets.ts";
import { SourceText } from "../text/source_text.ts";
import {
  childOf,
  type MapTree,
  type Path,
  placeAt,
  type Tree,
  treeAt as partAt,
  variablesIn,
  withEntry,
} from "../text/tree.ts";
import { isVariableAt, parseTyped } from "../validation/zod_validate.ts";
import { parseDotenv } from "../text/dotenv.ts";
import { expand, Variables } from "../text/variables.ts";
import { parseYAML } from "../text/yaml.ts";

/** What the command line and the environment say of external modules. */
export interface CodeOptions {
  /** Hosts that modules may be fetched from, besides those of the project. */
  readonly allowImport?: readonly string[] | undefined;
  readonly frozen?: boolean | undefined;
  /** Folder that fetched modules are kept in; memory alone when unset. */
  readonly cacheDirectory?: string | undefined;
  /** Base URL of the registry that `jsr:` means. */
  readonly registry?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  onWarning?(message: string): void;
}

/** A pipeline that means something, with the places that errors point at. */
export interface LoadedPipeline {
  /** Of today's shape, variables expanded, defaults merged into the streams. */
  readonly pipeline: Pipeline;
  readonly source: ConnectionSpec;
  readonly target: ConnectionSpec;
  /** The file as the user named it. */
  readonly path: string;
  /** Absolute folder that relative paths in the file start from. */
  readonly directory: string;
  readonly logging?: LogSettings;
  /** Variables that were used, by name. */
  readonly variables: ReadonlyMap<string, string>;
  /** Names that were asked of the environment, set or not. */
  readonly environment: readonly string[];
  /** Absolute paths that were looked at for all this, whether a file is there or not. */
  readonly files: readonly string[];
  /** The most that the project lets its pipelines need, paths absolute. */
  readonly ceiling?: PermissionLists;
  /** Absolute folder of the project, where there is one. */
  readonly projectDirectory?: string;
  /** Seconds that external code may work without progress, where somebody says. */
  readonly externalTimeout?: number;
  /** Whether errors may quote records as source and target print them. */
  readonly showValues?: boolean;
  /** How external modules are gathered, where somebody says. */
  readonly code?: CodeOptions;
  /** What is no mistake of the file and rarely meant. */
  readonly warnings: readonly string[];
  /** An error with file, line, column, the line itself and a caret. */
  errorAt(path: Path, message: string): ConfigurationError;
  /**
   * As `schema.safeParse`, for a part of the file that another room's schema checks: text of a
   * variable is read as the number or the boolean that the schema wants, as in `port: ${PORT}`.
   */
  parseAt<T>(path: Path, schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T>;
  /** Keys below a path, relative to it, whose text comes from a variable. */
  variablesAt(path: Path): Path[];
}

/** A file that has been read. */
export interface FileText {
  readonly path: string;
  readonly text: string;
}

export interface ParseOptions {
  /** Asked by name; throws for one that the process may not read. */
  readonly env: Readonly<Record<string, string>>;
  /** `.env` files, the first wins; the environment wins over all. */
  readonly envFiles?: readonly EnvFile[];
  /** Win over the environment. */
  readonly vars?: Readonly<Record<string, string>>;
  /** For messages; `<text>` */
  readonly path?: string;
  /** Relative paths start here; the path's folder, or the working directory. */
  readonly directory?: string;
  readonly project?: FileText;
  /** Absolute paths that were looked at to find all this. */
  readonly looked?: readonly string[];
  /** Where a project may be, and the process may not look. */
  readonly unseen?: readonly string[];
}

/** A file of variables: empty when it is not there, without text when the process may not look. */
export interface EnvFile {
  readonly path: string;
  readonly text: string | undefined;
}

/** The variables of the options, each file of them read. */
export function variablesOf(
  { env, vars = {}, envFiles = [] }: ParseOptions,
  issues: Issues,
): Variables {
  const files = envFiles.map(({ path, text }) => ({
    path,
    values: text === undefined ? undefined : parseDotenv(sourceOf({ path, text }, true), issues),
  }));
  return new Variables(vars, env, files);
}

/** @throws {LocatedError} that lists all that is wrong */
export function parseWith(
  checking: Checking,
  text: string,
  options: ParseOptions,
): LoadedPipeline {
  const { path = "<text>", vars = {}, looked = [], unseen } = options;
  const directory = resolve(options.directory ?? (options.path ? dirname(options.path) : "."));
  const issues = new Issues();
  const variables = variablesOf(options, issues);
  const project = readProject(options.project, variables, issues, checking);
  const tree = readPipeline(sourceOf({ path, text }), variables, issues, checking);
  issues.throwIfAny();
  const files = [...(options.path === undefined ? [] : [resolve(options.path)]), ...looked];
  const around = { path, directory, project, variables, issues, vars, files, unseen };
  return assemble(tree!, { ...around, checking });
}

export interface Assembly {
  readonly path: string;
  readonly directory: string;
  readonly project: LoadedProject | undefined;
  readonly variables: Variables;
  readonly issues: Issues;
  readonly vars: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly unseen: readonly string[] | undefined;
  readonly checking: Checking;
}

/**
 * The pipeline that a tree of today's shape means.
 *
 * @throws {LocatedError} that lists all that is wrong
 */
export function assemble(
  tree: MapTree,
  { path, directory, project, variables, issues, vars, files, unseen, checking }: Assembly,
): LoadedPipeline {
  const merged = mergeDefaults(tree, project?.tree);
  const ends = (["source", "target"] as const).map((end) =>
    resolveEndpoint(childOf(merged, end)!, [end], directory, { project, variables, issues, unseen })
  );
  const pipeline = checking.pipeline(merged, issues);
  if (pipeline !== undefined) checkMeaning(pipeline, merged, issues);
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
    environment: requestedPermissions(variables, vars),
    files: filesOf(files, variables),
    ...permissionCeiling(project),
    ...timeoutOf(pipeline, project),
    warnings: unused(Object.keys(vars), variables),
    ...withPlaces(places),
  };
}

/** Errors and checks of values, at the places of a tree. */
export function withPlaces(
  places: Tree,
): Pick<LoadedPipeline, "errorAt" | "parseAt" | "variablesAt"> {
  return {
    errorAt: (at, message) => new LocatedError([issueAt(placeAt(places, at), message)]),
    parseAt: (at, schema, value) =>
      parseTyped(schema, value, (below) => isVariableAt(places, [...at, ...below])),
    variablesAt: (path) => variablesIn(partAt(places, path)),
  };
}

/** What had to be looked at: files of variables only where one was wanted from there. */
export function filesOf(looked: readonly string[], { consulted }: Variables): string[] {
  return [...new Set([...looked, ...consulted.map((path) => resolve(path))])];
}

/** Names that the command line does not say. */
export function requestedPermissions(
  { asked }: Variables,
  vars: Readonly<Record<string, string>>,
): readonly string[] {
  return [...asked].filter((name) => !Object.hasOwn(vars, name));
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

/** What the pipeline says wins over what its project says. */
export function timeoutOf(
  pipeline: Pipeline | undefined,
  project: LoadedProject | undefined,
): Pick<LoadedPipeline, "externalTimeout"> {
  const externalTimeout = pipeline?.external_timeout ?? project?.value.external_timeout;
  return externalTimeout === undefined ? {} : { externalTimeout };
}

type Resolved = NonNullable<ReturnType<typeof resolveEndpoint>>;

/** A mistyped name leaves a default in force without a word. */
function unused(names: readonly string[], { asked }: Variables): string[] {
  return names.filter((name) => !asked.has(name)).map((name) =>
    `variable "${name}" is given and not used${suggestWord(name, [...asked])}`
  );
}

/** Everything that may not be printed: see {@linkcode findSecrets}. */
export function findSecretValues(loaded: LoadedPipeline): string[] {
  const { pipeline, source, target, variables } = loaded;
  return findSecrets(variables.values(), [
    pipeline,
    source.url,
    source.config,
    target.url,
    target.config,
  ]);
}

/**
 * The variables that a pipeline uses, with what is secret left out: runs of one pipeline with other
 * values here move other data, and a new password makes no other run.
 */
export function publicVariables(
  { pipeline, source, target, variables }: LoadedPipeline,
): Record<string, string> {
  const written = [pipeline, source.url, source.config, target.url, target.config];
  const secrets = findSecrets([], written);
  const shown = (value: string) => secrets.reduce((text, one) => text.replaceAll(one, ""), value);
  return Object.fromEntries(
    [...variables].filter(([name]) => !SECRET_KEY.test(name))
      .map(([name, value]) => [name, shown(value)])
      .sort(([one], [other]) => one! < other! ? -1 : 1),
  );
}

function sourceOf({ path, text }: FileText, hidden = false): SourceText {
  return new SourceText(path, text.replace(/^\ufeff/, ""), hidden);
}

export function readProject(
  file: FileText | undefined,
  variables: Variables,
  issues: Issues,
  checking: Checking,
): LoadedProject | undefined {
  if (file === undefined) return undefined;
  return parseProject(sourceOf(file), dirname(resolve(file.path)), variables, issues, checking);
}

/** A tree of today's shape that the models accept; undefined when issues were added. */
function readPipeline(
  source: SourceText,
  variables: Variables,
  issues: Issues,
  checking: Checking,
): MapTree | undefined {
  const parsed = parseYAML(source, issues);
  if (parsed === undefined) return undefined;
  const expanded: Tree = expand(parsed, variables, issues);
  if (expanded.kind !== "map") {
    issues.add(expanded.place, "the file is no mapping, expected version, name, source, …");
    return undefined;
  }
  const tree = checking.normalise(expanded, issues);
  checking.pipeline(tree, issues);
  return tree;
}
