/** The log of a run, one JSON object per line: in a file, on stdout or on stderr. */
import { dirname } from "node:path";
import { ConfigurationError, messageOf } from "../../../core/errors.ts";
import type { LogSettings } from "../../../models/pipeline.ts";
import type { RunResult, StreamResult } from "../../../models/result.ts";
import type { RunEvent } from "../../../runner/mod.ts";
import type { LogLevel } from "../../terminal/log_levels.ts";
import type { LogContext, Printer } from "../printer.ts";

const LEVELS: Readonly<Record<(RunResult | StreamResult)["status"], LogLevel>> = {
  succeeded: "info",
  skipped: "info",
  cancelled: "warning",
  partial: "error",
  failed: "error",
};

/** Least milliseconds between two lines about the progress of one phase of a stream. */
const PROGRESS_MS = 500;

/**
 * Appends the events of a run to the file of `logging` or `--log-file`, and passes them to the
 * printer. Lines are written synchronously, so that a crash loses none.
 */
export class RunLog implements Disposable {
  readonly #file: Deno.FsFile | undefined;
  readonly #path: string;
  readonly #listening: Disposable;
  #isOpen = true;
  /** When the progress of a phase was last logged, in milliseconds of `performance.now()`. */
  readonly #reported = new Map<string, number>();

  /** @throws {ConfigurationError} when the file cannot be written; nothing has been moved then */
  constructor(
    { file, level = "info" }: LogSettings,
    about: LogContext,
    private readonly printer: Printer,
    /** Further keys of the first line. */
    started: object = {},
  ) {
    printer.identify(about, level);
    this.#path = file ?? "";
    this.#file = file === undefined ? undefined : openFile(file);
    this.#listening = printer.onError((message) => this.onError(message));
    const line = printer.logLine("info", "run_started", started);
    try {
      this.#write("info", line);
    } catch (error) {
      this[Symbol.dispose]();
      throw cannotWrite(this.#path, error);
    }
    printer.event("info", line);
  }

  onEvent(event: RunEvent): void {
    if (event.type === "progress" && this.#isEarly(event)) return;
    if (event.type !== "stream_finished") {
      const { type, ...rest } = event;
      return this.#add(eventLevel(event), type, rest);
    }
    const { result } = event;
    this.#add(eventLevel(event), event.type, {
      stream: event.stream,
      rows: result.rows_loaded,
      bytes: result.bytes_staged,
      ms: result.duration_ms,
      result,
    });
  }

  /** Prints and logs a warning about the run as a whole. */
  onWarning(message: string): void {
    this.printer.warning(message);
    this.#append("warning", this.printer.logLine("warning", "warning", { message }));
  }

  onError(message: string): void {
    this.#append("error", this.printer.logLine("error", "error", { message }));
  }

  onEnd(result: RunResult): void {
    const { status, duration_ms, streams } = result;
    const rows = streams.reduce((sum, { rows_loaded }) => sum + rows_loaded, 0);
    this.#add(LEVELS[status], "run_finished", { status, rows, ms: duration_ms, result });
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    if (this.#isOpen) this.#file?.close();
    this.#isOpen = false;
  }

  /** Whether the progress of this phase was logged a moment ago. */
  #isEarly({ stream, phase }: RunEvent & { type: "progress" }): boolean {
    const [key, now] = [`${phase} ${stream}`, performance.now()];
    if (now - (this.#reported.get(key) ?? -Infinity) < PROGRESS_MS) return true;
    this.#reported.set(key, now);
    return false;
  }

  #add(level: LogLevel, event: string, details: object): void {
    const line = this.printer.logLine(level, event, details);
    this.printer.event(level, line);
    this.#append(level, line);
  }

  /** When the file can no longer be written, as on a full disk, warns once; the run goes on. */
  #append(level: LogLevel, line: string): void {
    try {
      this.#write(level, line);
    } catch (error) {
      this.#file?.close();
      this.#isOpen = false;
      this.printer.warning(`${cannotWrite(this.#path, error).message}; nothing more is logged`);
    }
  }

  #write(level: LogLevel, line: string): void {
    if (this.#file === undefined || !this.#isOpen || !this.printer.isLogged(level)) return;
    // One write per line: runs that share the file do not mix their lines.
    let rest = new TextEncoder().encode(`${line}\n`);
    while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
  }
}

function openFile(path: string): Deno.FsFile {
  try {
    return openForAppend(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw cannotWrite(path, error);
  }
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    return openForAppend(path);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

function openForAppend(path: string): Deno.FsFile {
  return Deno.openSync(path, { append: true, create: true, mode: 0o600 });
}

function cannotWrite(path: string, cause: unknown): ConfigurationError {
  return new ConfigurationError(`Cannot write the log "${path}": ${messageOf(cause)}`, { cause });
}

const DEBUG: ReadonlySet<RunEvent["type"]> = new Set(["progress", "waiting", "statement"]);

function eventLevel(event: RunEvent): LogLevel {
  if (DEBUG.has(event.type)) return "debug";
  if (event.type === "warning") return "warning";
  return event.type === "stream_finished" ? LEVELS[event.result.status] : "info";
}
