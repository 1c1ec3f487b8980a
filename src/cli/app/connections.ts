/** Opens what the command line names instead of a pipeline file, and runs work until a signal. */
import type {
  Argument,
  LoadedPipeline,
  NamedConnection,
  StreamArguments,
} from "../../config/mod.ts";
import { messageOf } from "../../core/errors.ts";
import { type Context, moduleSettings, omitUndefined, type Variables } from "./context.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { Interruption } from "./signals.ts";

/**
 * Resolves a connection argument. The printer masks its secrets from then on.
 *
 * @param makes the connection is a target, whose file or folder need not exist yet
 */
export async function openConnection(
  argument: Argument,
  variables: Variables,
  { io, printer }: Context,
  makes = false,
): Promise<NamedConnection> {
  const { envFile, vars } = variables;
  const { loadConnection } = await import("../../config/mod.ts");
  const connection = await loadConnection(argument, Deno.cwd(), {
    env: io.env,
    ...omitUndefined({ envFile }),
    vars: Object.fromEntries(vars),
    makes,
  });
  printer.hide(connection.secrets);
  return { ...connection, ...await moduleSettings(variables, io, printer) };
}

/** Builds a pipeline of one stream from options. The printer masks its secrets from then on. */
export async function openStream(
  stream: StreamArguments,
  variables: Variables,
  { io, printer }: Context,
): Promise<LoadedPipeline> {
  const { envFile, vars } = variables;
  const { loadArguments, findSecretValues } = await import("../../config/mod.ts");
  const loaded = await loadArguments(stream, Deno.cwd(), {
    env: io.env,
    ...omitUndefined({ envFile }),
    vars: Object.fromEntries(vars),
  });
  printer.hide(findSecretValues(loaded));
  for (const warning of loaded.warnings) printer.warning(warning);
  return { ...loaded, ...await moduleSettings(variables, io, printer) };
}

/** Runs work, which the first signal aborts; returns the exit code of the work or of the signal. */
export async function runUntilSignal(
  { io, printer }: Context,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  using interruption = new Interruption(io, printer);
  try {
    return await work(interruption.signal);
  } catch (error) {
    if (interruption.received === undefined) throw error;
    printer.detail("stopped", messageOf(error));
    return EXIT[interruption.received];
  }
}
