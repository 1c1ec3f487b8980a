/** Opens what the command line names instead of a pipeline file, and runs work until a signal. */
import type {
  Argument,
  LoadedPipeline,
  NamedConnection,
  StreamArguments,
} from "../../config/mod.ts";
import { messageOf } from "../../core/errors.ts";
import type { VerifyLevel } from "../../models/stream.ts";
import {
  announcePipeline,
  type Context,
  moduleSettings,
  omitUndefined,
  openPipeline,
  type Variables,
  variableSources,
} from "./context.ts";
import type { LimitOptions } from "./permission_limits.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { InterruptedError, Interruption } from "./signals.ts";

/**
 * Resolves a connection argument. The printer masks its secrets from then on.
 *
 * @param makes the connection is a target, whose file or folder need not exist yet
 */
export async function openConnection(
  argument: Argument,
  variables: Variables,
  context: Context,
  makes = false,
): Promise<NamedConnection> {
  const { io, printer } = context;
  const { loadConnection } = await import("../../config/mod.ts");
  const sources = variableSources(variables, context);
  const connection = await loadConnection(argument, Deno.cwd(), { ...sources, makes });
  printer.hide(connection.secrets);
  return { ...connection, ...await moduleSettings(variables, io, printer) };
}

/** The streams that a run or a plan moves: those of a pipeline file, or one that options describe. */
export interface RunScope extends Variables, LimitOptions {
  /** Path of the pipeline file; undefined when options describe the stream. */
  readonly pipeline?: string | undefined;
  readonly stream?: StreamArguments | undefined;
  readonly select?: string | undefined;
  readonly exclude?: string | undefined;
  readonly fullRefresh?: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit?: number | undefined;
  readonly verify?: VerifyLevel | undefined;
}

/** Opens the pipeline of a scope. The printer masks its secrets from then on. */
export async function openScope(scope: RunScope, context: Context): Promise<LoadedPipeline> {
  const { pipeline, stream } = scope;
  if (stream === undefined) return await openPipeline(pipeline!, scope, context);
  const { loadArguments, findSecretValues } = await import("../../config/mod.ts");
  const loaded = await loadArguments(stream, Deno.cwd(), variableSources(scope, context));
  return await announcePipeline(loaded, findSecretValues(loaded), scope, context);
}

/** The options of a scope that choose streams and records, and what is verified, for the runner. */
export function chooseStreams(
  { select, exclude, fullRefresh, since, until, limit, verify }: RunScope,
) {
  const backfill = since === undefined && until === undefined
    ? undefined
    : omitUndefined({ since, until });
  return omitUndefined({ select, exclude, fullRefresh, backfill, limit, verify });
}

/** Runs work, which the first signal aborts; returns the exit code of the work or of the signal. */
export async function runUntilSignal(
  { io, printer }: Context,
  work: (signal: AbortSignal, interruption: Interruption) => Promise<number>,
): Promise<number> {
  using interruption = new Interruption(io, printer);
  try {
    return await work(interruption.signal, interruption);
  } catch (error) {
    if (interruption.received === undefined) throw error;
    printer.detail("stopped", messageOf(error));
    printer.failedResult("cancelled", new InterruptedError(interruption.received));
    return EXIT[interruption.received];
  }
}
