/** Connections that a command line names, and work that a signal may stop. */
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

/** Finds out what is meant; its secrets are hidden in all that is printed afterwards. */
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

/** A pipeline of the one stream that the command line says; its secrets are hidden from here on. */
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

/** Does work until the first signal aborts it. */
export async function untilSignal(
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
