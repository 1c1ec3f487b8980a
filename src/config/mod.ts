/** Text → validated pipeline: YAML with positions, variables, `.env`, project file, older shapes. */
import {
  type Argument,
  connectionOf,
  type NamedConnection,
  pipelineOf,
  type StreamArguments,
} from "./cli_arguments.ts";
import { type LoadOptions, readAround } from "./load_pipeline.ts";
import type { LoadedPipeline } from "./pipeline/assemble.ts";

export type { Argument, NamedConnection, StreamArguments } from "./cli_arguments.ts";
export { parsePipeline } from "./pipeline/parse_strict.ts";
export type { ConnectionSpec } from "./pipeline/connection.ts";
export { type Issue, LocatedError } from "./text/issues.ts";
export { type LoadOptions, loadPipeline } from "./load_pipeline.ts";
export {
  type CodeOptions,
  type FileText,
  findSecretValues,
  type LoadedPipeline,
  type ParseOptions,
  publicVariables,
} from "./pipeline/assemble.ts";
export { DATASET, QUERY } from "./pipeline/classify_argument.ts";
export { findProject, PROJECT_FILES } from "./pipeline/find_project.ts";

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
