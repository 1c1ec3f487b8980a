/** Text → validated pipeline: YAML with positions, variables, `.env`, project file, legacy shapes. */
import {
  type Argument,
  buildPipeline,
  type NamedConnection,
  resolveConnection,
  type StreamArguments,
} from "./cli_arguments.ts";
import { type LoadOptions, readSurroundings } from "./load_pipeline.ts";
import type { FileText, LoadedPipeline } from "./pipeline/assemble.ts";
import { Issues } from "./text/issues.ts";
import { SourceText } from "./text/source_text.ts";
import { parseYAML } from "./text/yaml.ts";

export type { Argument, NamedConnection, StreamArguments } from "./cli_arguments.ts";
export { parsePipeline } from "./pipeline/parse_strict.ts";
export type { ConnectionSpec } from "./pipeline/connection.ts";
export { type Issue, LocatedError } from "./text/issues.ts";
export { type LoadOptions, loadPipeline } from "./load_pipeline.ts";
export { loadReceiptSettings, type ReceiptSettings } from "./load_receipts.ts";
export {
  type CodeOptions,
  type FileText,
  findSecretValues,
  type LoadedPipeline,
  type ParseOptions,
  publicVariables,
} from "./pipeline/assemble.ts";
export type { StandIns } from "./pipeline/stand_ins.ts";
export { isSettingsKey, maskSettings } from "./text/hidden_values.ts";
export { DATASET, QUERY } from "./pipeline/classify_argument.ts";
export { findProject, PROJECT_FILES } from "./pipeline/find_project.ts";

/**
 * Resolves a connection argument: a connection name of the project, a URL, a file or a folder. With
 * `makes` it is a target, whose file or folder need not exist yet.
 */
export async function loadConnection(
  argument: Argument,
  directory: string,
  options: LoadOptions & { readonly makes?: boolean },
): Promise<NamedConnection> {
  return await resolveConnection(argument, directory, {
    ...options,
    ...await readSurroundings(directory, options.envFile),
  });
}

/** Builds a pipeline of one stream from options of the command line. */
export async function loadArguments(
  stream: StreamArguments,
  directory: string,
  options: LoadOptions,
): Promise<LoadedPipeline> {
  return await buildPipeline(stream, directory, {
    ...options,
    ...await readSurroundings(directory, options.envFile),
  });
}

/** The text of a pipeline file, valid or not, with the values of connections and class settings masked. */
export function maskFile({ path, text }: FileText): string {
  const source = new SourceText(path, text);
  parseYAML(source, new Issues());
  return source.masked();
}
