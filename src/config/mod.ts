/** Text → validated pipeline: YAML with positions, variables, `.env`, project file, older shapes. */
import { dirname, join, resolve } from "node:path";
import { ConfigurationError, messageOf } from "../core/errors.ts";
import {
  type Argument,
  connectionOf,
  type NamedConnection,
  pipelineOf,
  type StreamArguments,
} from "./arguments.ts";
import {
  type FileText,
  type LoadedPipeline,
  type ParseOptions,
  parsePipeline,
} from "./pipeline.ts";
import { findProject } from "./project.ts";
import { MAX_BYTES } from "./yaml.ts";

export type { Argument, NamedConnection, StreamArguments } from "./arguments.ts";
export type { ConnectionSpec } from "./endpoint.ts";
export { type Issue, LocatedError } from "./issues.ts";
export {
  type FileText,
  type LoadedPipeline,
  type ParseOptions,
  parsePipeline,
  secretsOf,
} from "./pipeline.ts";
export { DATASET, QUERY } from "./meaning.ts";
export { findProject, PROJECT_FILES } from "./project.ts";

export interface LoadOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Instead of the `.env` beside the pipeline and the one beside the project. */
  readonly envFile?: string;
  /** Win over the environment. */
  readonly vars?: Readonly<Record<string, string>>;
}

/**
 * Reads a pipeline's file with its project and `.env` files.
 *
 * @throws {ConfigurationError} when a file cannot be read
 * @throws {LocatedError} that lists all that is wrong in them
 */
export async function loadPipeline(path: string, options: LoadOptions): Promise<LoadedPipeline> {
  const { env, envFile, vars = {} } = options;
  const text = await read("pipeline", path);
  const directory = dirname(resolve(path));
  const around = await readAround(directory, envFile);
  return parsePipeline(text, { env, vars, path, directory, ...around });
}

/** The project and the `.env` files of a folder. */
async function readAround(
  directory: string,
  envFile: string | undefined,
): Promise<Pick<ParseOptions, "project" | "envFiles" | "unseen">> {
  const unseen = { project: [] as string[], env: [] as string[] };
  const found = await findProject(directory, (path) => unseen.project.push(path));
  const project = found === undefined
    ? undefined
    : { path: found, text: await read("project", found) };
  const folders = [...new Set([directory, ...(found === undefined ? [] : [dirname(found)])])];
  const envFiles = envFile === undefined
    ? (await Promise.all(
      folders.map((folder) => readIfThere(join(folder, ".env"), (path) => unseen.env.push(path))),
    ))
    : [{ path: envFile, text: await read("variables file", envFile) }];
  return {
    envFiles: envFiles.filter((file) => file !== undefined),
    ...(project === undefined ? {} : { project }),
    unseen,
  };
}

/**
 * A connection of the command line: the name of one of the project, a URL, a file or a folder, which
 * need not be there yet when the connection `makes` it.
 */
export async function loadConnection(
  argument: Argument,
  directory: string,
  options: LoadOptions & { readonly makes?: boolean },
): Promise<NamedConnection> {
  return await connectionOf(argument, directory, {
    ...options,
    ...await readAround(directory, options.envFile),
  });
}

/** A pipeline of one stream from the options of the command line. */
export async function loadArguments(
  stream: StreamArguments,
  directory: string,
  options: LoadOptions,
): Promise<LoadedPipeline> {
  return await pipelineOf(stream, directory, {
    ...options,
    ...await readAround(directory, options.envFile),
  });
}

async function read(what: string, path: string): Promise<string> {
  const fail = (detail: string, cause?: unknown) =>
    new ConfigurationError(`Cannot read ${what} "${path}": ${detail}`, { cause });
  let bytes: Uint8Array;
  try {
    const { size, isDirectory } = await Deno.stat(path);
    if (isDirectory) throw fail("it is a folder");
    if (size > MAX_BYTES) throw fail(`it has ${size} bytes, expected at most ${MAX_BYTES}`);
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    if (error instanceof Deno.errors.NotFound) throw fail("there is no such file", error);
    if (error instanceof Deno.errors.PermissionDenied) throw fail("permission denied", error);
    if (error instanceof Deno.errors.NotCapable) throw fail(messageOf(error), error);
    throw error;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw fail("it is not UTF-8", error);
  }
}

async function readIfThere(
  path: string,
  unseen: (path: string) => void,
): Promise<FileText | undefined> {
  try {
    if (!(await Deno.stat(path)).isFile) return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    unseen(path);
    return undefined;
  }
  return { path, text: await read("variables file", path) };
}
