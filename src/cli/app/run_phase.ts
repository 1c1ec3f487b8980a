/** Carries out `run`, `extract` and `load`: runs the phase, shows progress, writes the log. */
import { ConfigurationError } from "../../core/errors.ts";
import { shellWord } from "../../core/permission_errors.ts";
import type { RunResult, StreamResult } from "../../models/result.ts";
import type { Phase, Repair } from "../../runner/mod.ts";
import { type Context, omitUndefined } from "./context.ts";
import { commandText } from "./command_text.ts";
import { chooseStreams, openScope, type RunScope, runUntilSignal } from "./connections.ts";
import { runExitCode } from "../terminal/exit_codes.ts";
import { parseSize } from "../terminal/byte_size.ts";
import { FOREVER, isOn, parseDuration } from "../terminal/global_options.ts";
import type { LogLevel } from "../terminal/log_levels.ts";
import { parseLimits } from "./permission_limits.ts";
import { RunLog } from "../output/run/log.ts";
import { describeError } from "../output/printer.ts";
import type { Verbosity } from "../terminal/verbosity.ts";
import { RunReceiptWriter } from "../output/run/receipt.ts";
import type { OpenedPlan } from "./stored/saved_plan.ts";
import { Progress } from "../output/run/progress.ts";
import { printSummary } from "../output/run/summary.ts";

export interface PhaseOptions extends Verbosity, RunScope {
  readonly failFast: boolean;
  readonly threads?: number | undefined;
  readonly wait?: string | undefined;
  readonly retries?: number | undefined;
  readonly maxRows?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly maxMemory?: string | undefined;
  readonly sandbox?: "on" | "off" | undefined;
  readonly showValues?: boolean;
  readonly logFile?: string | undefined;
  readonly receipts?: string | undefined;
  readonly logLevel?: LogLevel | undefined;
  /** What is run instead of the pipeline of the scope. */
  readonly repair?: Repair | undefined;
  /** The saved plan that the run follows. */
  readonly saved?: OpenedPlan;
}

/** Runs a phase of a pipeline, prints its result, and returns the exit code. */
export function runPhase(phase: Phase, options: PhaseOptions, context: Context): Promise<number> {
  return runUntilSignal(context, async (signal, interruption) => {
    const onResult = (result: RunResult) => printResult(result, phase, options, context);
    const result = await executePhase(phase, options, context, signal, onResult);
    return runExitCode(result, interruption.received);
  });
}

function printResult(
  result: RunResult,
  phase: Phase,
  options: PhaseOptions,
  context: Context,
): void {
  const { printer } = context;
  if (printer.format === "text") printSummary(result, phase, printer);
  else if (printer.format === "json") printer.json(result);
  if (options.pipeline !== undefined) {
    adviseRepair(phase, result, options.pipeline, options, context);
    adviseReport(result, options.pipeline, context);
  }
}

/** Runs a phase of a pipeline; the log, progress and receipt are written, the result is not printed. */
export async function executePhase(
  phase: Phase,
  options: PhaseOptions,
  context: Context,
  signal: AbortSignal,
  onResult: (result: RunResult) => void,
): Promise<RunResult> {
  const { select, exclude, failFast, threads, sandbox, wait, retries, maxRows, maxBytes } = options;
  const loaded = options.repair?.loaded ?? await openScope(options, context);
  const waitMs = wait === undefined ? undefined : parseWait(wait);
  const maxMemory = options.maxMemory === undefined ? undefined : parseMemory(options.maxMemory);
  signal.throwIfAborted();
  const logging = {
    ...loaded.logging,
    ...omitUndefined({
      file: options.logFile,
      level: options.logLevel,
      receipts: options.receipts,
    }),
  };
  const { runPipeline, admitPipeline } = await context.engine.runner();
  const mayExplore = await admitPipeline(loaded, {
    purpose: phase,
    ...omitUndefined({ select, exclude, logFile: logging.file, receipts: logging.receipts }),
    limits: parseLimits(options),
  });
  const runId = crypto.randomUUID();
  using log = new RunLog(
    logging,
    { pipeline: loaded.pipeline.name, run_id: runId },
    context.printer,
    { phase, file: loaded.path, dxt: context.io.version },
  );
  const receipt = new RunReceiptWriter(
    logging,
    { phase, file: loaded.path, run_id: runId, ...planDigest(options) },
    context.printer,
  );
  if (sandbox === "off") log.onWarning(SANDBOX_OFF);
  // Lines of JSON report the progress already.
  using progress = context.printer.logsJSON ? undefined : new Progress(context.printer, phase);
  return await logFailure(
    log,
    async () => {
      const records = { ...chooseStreams(options), mayExplore };
      if (options.saved !== undefined) {
        const { verifyPlan } = await import("./stored/saved_plan.ts");
        await verifyPlan(options.saved, loaded, { ...records, signal }, context);
      }
      return await runPipeline({ ...loaded, showValues: options.showValues ?? false }, {
        phase,
        runId,
        ...records,
        ...omitUndefined({
          threads,
          waitMs,
          retries,
          maxRows,
          maxBytes,
          maxMemory,
          only: options.repair?.only,
        }),
        ...(context.printer.isLive ? { estimates: true } : {}),
        ...(logging.level === "debug" ? { statements: true } : {}),
        // Without it, the pipeline's own on_error applies.
        ...(failFast ? { failFast } : {}),
        ...(sandbox === undefined ? {} : { sandbox: sandbox === "on" }),
        signal,
        onEvent(event) {
          log.onEvent(event);
          progress?.onEvent(event);
        },
        onResult(result) {
          progress?.[Symbol.dispose]();
          log.onEnd(result);
          receipt.onEnd(result);
          onResult(result);
        },
      });
    },
  );
}

const planDigest = ({ saved }: PhaseOptions) => saved === undefined ? {} : { plan: saved.sha256 };

/**
 * The value of `--wait` in milliseconds; Infinity without a duration.
 *
 * @throws {ConfigurationError} when it is not a duration
 */
function parseWait(text: string): number {
  if (text === FOREVER || isOn(text)) return Infinity;
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new ConfigurationError(
    `Cannot wait "${text}": expected a duration such as 30s, 10m or 2h, or no value to wait indefinitely`,
  );
}

/** @throws {ConfigurationError} when it is not a size */
function parseMemory(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new ConfigurationError(
    `Cannot bound memory to "${text}": expected a size with its unit such as 512MiB or 2GB`,
  );
}

const SANDBOX_OFF =
  "the sandbox is off: workers have all permissions of dxt, not only those that they need";

/** Logs an error that ends the run, before the log is closed. */
async function logFailure(log: RunLog, run: () => Promise<RunResult>): Promise<RunResult> {
  try {
    return await run();
  } catch (error) {
    log.onError(describeError(error));
    throw error;
  }
}

/** Prints the commands that complete a run: one loads kept stages, one repeats the other streams. */
function adviseRepair(
  phase: Phase,
  { pipeline: name, streams }: RunResult,
  pipeline: string,
  options: PhaseOptions,
  { printer }: Context,
): void {
  const unfinished = streams.filter(({ status }) => status !== "succeeded");
  const kept = unfinished.filter(({ stage }) => phase !== "extract" && stage !== undefined);
  if (kept.length > 0) {
    const command = commandText("load", pipeline, kept.map(idOf), options);
    printer.progress(name, `the staged data is kept, load it with: ${command}`);
  }
  const missing = unfinished.filter((stream) => !kept.includes(stream));
  // If no stream succeeded, the command to repeat is the one that the user has just run.
  if (missing.length > 0 && unfinished.length < streams.length) {
    const command = commandText(phase, pipeline, missing.map(idOf), options);
    printer.progress(name, `fix the cause, then run the other streams with: ${command}`);
  }
}

/** Shown with --verbose only: users who know the command need no reminder. */
function adviseReport({ pipeline: name, status }: RunResult, path: string, { printer }: Context) {
  if (status !== "failed" && status !== "partial") return;
  const command = `dxt explain-failure ${shellWord(path)}`;
  printer.detail(name, `to ask somebody, collect what is known of this run with: ${command}`);
}

const idOf = ({ stream }: StreamResult) => stream;
