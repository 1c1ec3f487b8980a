/** What each command receives, the shape of a parsed command, and loading of the pipeline. */
import type { Parser } from "optique";
import type { LoadedPipeline } from "../../config/mod.ts";
import type { Engine } from "./engine.ts";
import { type IO, readVariable } from "../terminal/stdio.ts";
import type { Printer } from "../output/printer.ts";
import type { Verbosity } from "../terminal/verbosity.ts";

/** The process, the engine and the printer, passed to each command. */
export interface Context {
  readonly io: IO;
  readonly engine: Engine;
  readonly printer: Printer;
}

/** A parsed command line. `act` is called once and returns the exit code. */
export interface Action {
  readonly verbosity: Verbosity;
  act(context: Context): Promise<number>;
}

/** The parser of one command's options, which `commands/` exports and the command table loads. */
export type CommandParser = Parser<"sync", Action, unknown>;

/** Options for reading a pipeline: sources of its variables and of its external modules. */
export interface Variables extends ImportOptions {
  readonly envFile?: string | undefined;
  readonly vars: readonly (readonly [string, string])[];
}

/** Options for fetching external modules. */
export interface ImportOptions {
  /** Hosts separated by commas, unparsed. */
  readonly allowImport?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly frozen?: boolean | undefined;
}

/** Reads a pipeline file and prints its warnings. The printer masks its secrets from then on. */
export async function openPipeline(
  path: string,
  variables: Variables,
  context: Context,
): Promise<LoadedPipeline> {
  const { loadPipeline, findSecretValues } = await context.engine.config();
  const loaded = await loadPipeline(path, variableSources(variables, context));
  return await announcePipeline(loaded, findSecretValues(loaded), variables, context);
}

/** Where config finds the values of variables. */
export function variableSources({ envFile, vars }: Variables, { io }: Context) {
  return { env: io.env, ...omitUndefined({ envFile }), vars: Object.fromEntries(vars) };
}

/** Masks the secrets of a pipeline, prints its warnings, and adds settings for external modules. */
export async function announcePipeline(
  loaded: LoadedPipeline,
  secrets: readonly string[],
  variables: Variables,
  { io, printer }: Context,
): Promise<LoadedPipeline> {
  printer.hide(secrets);
  for (const warning of loaded.warnings) printer.warning(warning);
  return { ...loaded, ...await moduleSettings(variables, io, printer) };
}

/** Settings for external modules. Few pipelines have any, so the parser is loaded only if needed. */
export async function moduleSettings(
  { allowImport, cacheDir, frozen }: ImportOptions,
  io: IO,
  printer: Printer,
): Promise<Pick<LoadedPipeline, "code">> {
  const onWarning = (message: string) => printer.warning(message);
  const given = [allowImport, cacheDir, frozen || undefined, readVariable(io.env, "JSR_URL")];
  if (given.every((value) => value === undefined)) return { code: { onWarning } };
  const { codeOptions } = await import("./module_options.ts");
  return { code: { ...codeOptions({ allowImport, cacheDir, frozen }, io), onWarning } };
}

/** A copy without keys whose value is undefined. */
export function omitUndefined<T extends object>(
  options: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
