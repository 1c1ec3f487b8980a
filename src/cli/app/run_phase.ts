/** What `run`, `extract` and `load` have in common. */
import type { StreamArguments } from "../../config/mod.ts";
import { ConfigurationError, messageOf } from "../../core/errors.ts";
import type { RunResult } from "../../models/result.ts";
import type { Phase } from "../../runner/mod.ts";
import { type Context, omitUndefined, openPipeline, type Variables } from "./context.ts";
import { openStream } from "./connections.ts";
import { EXIT, exitOfRun } from "../terminal/exit_codes.ts";
import { Interruption } from "./signals.ts";
import { DURATION, FOREVER, isOn } from "../terminal/global_options.ts";
import type { LogLevel } from "../terminal/log_levels.ts";
import { type LimitOptions, parseLimits } from "./permission_limits.ts";
import { RunLog } from "../output/run_log.ts";
import { describe, type Verbosity } from "../output/printer.ts";
import { Progress } from "../output/progress.ts";
import { printSummary } from "../output/summary.ts";

export interface PhaseOptions extends Verbosity, Variables, LimitOptions {
  /** File of the pipeline; absent when the command line says its one stream. */
  readonly pipeline?: string | undefined;
  readonly stream?: StreamArguments | undefined;
  readonly select?: string | undefined;
  readonly exclude?: string | undefined;
  readonly failFast: boolean;
  readonly fullRefresh?: boolean;
  readonly threads?: number | undefined;
  readonly wait?: string | undefined;
  readonly sandbox?: "on" | "off" | undefined;
  readonly showValues?: boolean;
  readonly logFile?: string | undefined;
  readonly logLevel?: LogLevel | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit?: number | undefined;
}

/** Runs a phase of a pipeline, prints its result, and returns the exit code. */
export async function runPhase(
  phase: Phase,
  options: PhaseOptions,
  context: Context,
): Promise<number> {
  const { printer } = context;
  using interruption = new Interruption(context.io, printer);
  const tell = (result: RunResult) => tellResult(result, phase, options, context);
  let result: RunResult;
  try {
    result = await execute(phase, options, context, interruption.signal, tell);
  } catch (error) {
    if (interruption.received === undefined) throw error;
    printer.detail("stopped", messageOf(error));
    return EXIT[interruption.received];
  }
  return exitOfRun(result, interruption.received);
}

function tellResult(
  result: RunResult,
  phase: Phase,
  options: PhaseOptions,
  context: Context,
): void {
  const { printer } = context;
  if (printer.format === "text") printSummary(result, phase, printer);
  else printer.json(printer.format === "json" ? result : { event: "run_finished", result });
  if (phase !== "extract" && options.pipeline !== undefined) {
    adviseLoad(result, options.pipeline, options, context);
  }
}

async function execute(
  phase: Phase,
  options: PhaseOptions,
  context: Context,
  signal: AbortSignal,
  tell: (result: RunResult) => void,
): Promise<RunResult> {
  const { pipeline, stream, select, exclude, failFast, fullRefresh, threads } = options;
  const loaded = stream === undefined
    ? await openPipeline(pipeline!, options, context)
    : await openStream(stream, options, context);
  const { since, until, limit, sandbox, wait } = options;
  const waitMs = wait === undefined ? undefined : waitOf(wait);
  const backfill = since === undefined && until === undefined
    ? undefined
    : omitUndefined({ since, until });
  signal.throwIfAborted();
  const logging = {
    ...loaded.logging,
    ...omitUndefined({ file: options.logFile, level: options.logLevel }),
  };
  const { runPipeline, admitPipeline } = await context.engine.runner();
  await admitPipeline(loaded, {
    purpose: phase,
    ...omitUndefined({ select, exclude, logFile: logging.file }),
    limits: parseLimits(options),
  });
  using log = new RunLog(logging, loaded.pipeline.name, context.printer);
  if (sandbox === "off") log.onWarning(UNCONFINED);
  using progress = new Progress(context.printer, phase);
  return await telling(
    log,
    () =>
      runPipeline({ ...loaded, showValues: options.showValues ?? false }, {
        phase,
        ...omitUndefined({ select, exclude, fullRefresh, threads, backfill, limit, waitMs }),
        ...(context.printer.isLive ? { estimates: true } : {}),
        // Absent, the pipeline's own on_error decides.
        ...(failFast ? { failFast } : {}),
        ...(sandbox === undefined ? {} : { sandbox: sandbox === "on" }),
        signal,
        onEvent(event) {
          log.onEvent(event);
          progress.onEvent(event);
          if (context.printer.format === "ndjson") {
            const { type, ...rest } = event;
            context.printer.json({ event: type, ...rest });
          }
        },
        onResult(result) {
          progress[Symbol.dispose]();
          log.onEnd(result);
          tell(result);
        },
      }),
  );
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds that `--wait` means. */
function waitOf(text: string): number {
  if (text === FOREVER || isOn(text)) return Infinity;
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (unit !== undefined) return Number(amount) * UNITS[unit]!;
  throw new ConfigurationError(
    `Cannot wait "${text}": expected a duration such as 30s, 10m or 2h, or no value to wait as long as it takes`,
  );
}

const UNCONFINED =
  "the sandbox is off: each side of a stream may do all that dxt may, not only what it needs";

/** An error that ends a run is logged before the log is closed. */
async function telling(log: RunLog, run: () => Promise<RunResult>): Promise<RunResult> {
  try {
    return await run();
  } catch (error) {
    log.onError(describe(error));
    throw error;
  }
}

/** A stage that outlived its run can be loaded without extracting again. */
function adviseLoad(
  result: RunResult,
  pipeline: string,
  { envFile, vars, threads }: PhaseOptions,
  { printer }: Context,
): void {
  const kept = result.streams.filter(({ status, stage }) =>
    status !== "succeeded" && stage !== undefined
  );
  if (kept.length === 0) return;
  const ids = kept.map(({ stream }) => stream).join(",");
  const words = [
    "dxt",
    "load",
    pipeline,
    "--select",
    ids,
    ...(threads === undefined ? [] : ["--threads", String(threads)]),
    ...(envFile === undefined ? [] : ["--env-file", envFile]),
    // A value may be a secret, which is masked.
    ...vars.flatMap(([name, value]) => ["--var", `${name}=${value}`]),
  ];
  printer.progress(
    result.pipeline,
    `what was staged is kept: ${words.map(shellWord).join(" ")}`,
  );
}

/** A word that a shell takes as it is. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
