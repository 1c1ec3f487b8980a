import type { LoadedPipeline } from "../config/mod.ts";
import type { Engine } from "./engine.ts";
import type { IO } from "./io.ts";
import type { Printer, Verbosity } from "./printer.ts";

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

/** Where values of a pipeline's variables come from. */
export interface Variables {
  readonly envFile?: string | undefined;
  readonly vars: readonly (readonly [string, string])[];
}

/** Reads a pipeline; its secrets are hidden in all that is printed afterwards. */
export async function openPipeline(
  path: string,
  { envFile, vars }: Variables,
  { io, engine, printer }: Context,
): Promise<LoadedPipeline> {
  const { loadPipeline, secretsOf } = await engine.config();
  const loaded = await loadPipeline(path, {
    env: io.env,
    ...given({ envFile }),
    vars: Object.fromEntries(vars),
  });
  printer.hide(secretsOf(loaded));
  for (const warning of loaded.warnings) printer.warning(warning);
  return loaded;
}

/** Without the options that were not given. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
