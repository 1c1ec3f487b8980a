import type { LoadedPipeline } from "../../config/mod.ts";
import type { Engine } from "./engine.ts";
import { type IO, readVariable } from "../terminal/stdio.ts";
import type { Printer, Verbosity } from "../output/printer.ts";

export interface Context {
  readonly io: IO;
  readonly engine: Engine;
  readonly printer: Printer;
}

/** A parsed command line, ready to be carried out; `act` returns the exit code. */
export interface Action {
  readonly verbosity: Verbosity;
  act(context: Context): Promise<number>;
}

/** What a pipeline is read with: where values of its variables and its modules come from. */
export interface Variables extends ImportOptions {
  readonly envFile?: string | undefined;
  readonly vars: readonly (readonly [string, string])[];
}

/** Where external modules come from. */
export interface ImportOptions {
  /** Comma list as it was given. */
  readonly allowImport?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly frozen?: boolean | undefined;
}

/** Reads a pipeline; its secrets are hidden in all that is printed afterwards. */
export async function openPipeline(
  path: string,
  variables: Variables,
  { io, engine, printer }: Context,
): Promise<LoadedPipeline> {
  const { envFile, vars } = variables;
  const { loadPipeline, findSecretValues } = await engine.config();
  const loaded = await loadPipeline(path, {
    env: io.env,
    ...omitUndefined({ envFile }),
    vars: Object.fromEntries(vars),
  });
  printer.hide(findSecretValues(loaded));
  for (const warning of loaded.warnings) printer.warning(warning);
  return { ...loaded, ...await moduleSettings(variables, io, printer) };
}

/** What is said of external modules, where something is; few pipelines have any. */
export async function moduleSettings(
  { allowImport, cacheDir, frozen }: ImportOptions,
  io: IO,
  printer: Printer,
): Promise<Pick<LoadedPipeline, "code">> {
  const onWarning = (message: string) => printer.warning(message);
  const said = [allowImport, cacheDir, frozen || undefined, readVariable(io.env, "JSR_URL")];
  if (said.every((value) => value === undefined)) return { code: { onWarning } };
  const { codeOptions } = await import("./module_options.ts");
  return { code: { ...codeOptions({ allowImport, cacheDir, frozen }, io), onWarning } };
}

/** Without the options that were not given. */
export function omitUndefined<T extends object>(
  options: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
