/** The log file of `logging` and `--log-file`: one JSON object per line. */
import { dirname } from "node:path";
import { ConfigurationError, messageOf } from "../../core/errors.ts";
import type { LogSettings } from "../../models/pipeline.ts";
import type { RunResult, StreamResult } from "../../models/result.ts";
import type { RunEvent } from "../../runner/mod.ts";
import { LOG_LEVELS, type LogLevel } from "../terminal/log_levels.ts";
import type { Printer } from "./printer.ts";
import { escapeJSON } from "./terminal_text.ts";

const LEVELS: Readonly<Record<(RunResult | StreamResult)["status"], LogLevel>> = {
  succeeded: "info",
  skipped: "info",
  cancelled: "warning",
  partial: "error",
  failed: "error",
};

/**
 * Appends the events of a run to a file; without a file it does nothing. Lines are written
 * synchronously, so that a crash loses none.
 */
export class RunLog implements Disposable {
  readonly #file: Deno.FsFile | undefined;
  readonly #path: string;
  readonly #least: number;
  readonly #listening: Disposable;
  #isOpen = true;

  /** @throws {ConfigurationError} when the file cannot be written; nothing has been moved then */
  constructor(
    { file, level = "info" }: LogSettings,
    private readonly pipeline: string,
    private readonly printer: Printer,
  ) {
    this.#least = LOG_LEVELS.indexOf(level);
    this.#path = file ?? "";
    this.#file = file === undefined ? undefined : openFile(file);
    this.#listening = printer.onError((message) => this.onError(message));
    try {
      this.#write("info", "run_started", {});
    } catch (error) {
      this[Symbol.dispose]();
      throw cannotWrite(this.#path, error);
    }
  }

  onEvent(event: RunEvent): void {
    if (event.type !== "stream_finished") {
      const { type, ...rest } = event;
      return this.#add(eventLevel(event), type, rest);
    }
    const { result } = event;
    this.#add(eventLevel(event), event.type, {
      stream: event.stream,
      rows: result.rows_loaded,
      bytes: result.bytes_staged,
      ms: result.extract_ms + result.load_ms,
      result,
    });
  }

  /** Prints and logs a warning about the run as a whole. */
  onWarning(message: string): void {
    this.printer.warning(message);
    this.#add("warning", "warning", { message });
  }

  onError(message: string): void {
    this.#add("error", "error", { message });
  }

  onEnd({ status, run_id, duration_ms, streams }: RunResult): void {
    const rows = streams.reduce((sum, { rows_loaded }) => sum + rows_loaded, 0);
    this.#add(LEVELS[status], "run_finished", { run_id, status, rows, ms: duration_ms });
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    if (this.#isOpen) this.#file?.close();
    this.#isOpen = false;
  }

  /** When the log can no longer be written, as on a full disk, warns once; the run goes on. */
  #add(level: LogLevel, event: string, details: object): void {
    try {
      this.#write(level, event, details);
    } catch (error) {
      this.#file?.close();
      this.#isOpen = false;
      this.printer.warning(`${cannotWrite(this.#path, error).message}; nothing more is logged`);
    }
  }

  #write(level: LogLevel, event: string, details: object): void {
    if (this.#file === undefined || !this.#isOpen) return;
    if (LOG_LEVELS.indexOf(level) < this.#least) return;
    const time = new Date().toISOString();
    const { pipeline, printer } = this;
    const line = escapeJSON(printer.masked({ time, level, event, pipeline, ...details }));
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

function eventLevel(event: RunEvent): LogLevel {
  if (event.type === "progress") return "debug";
  if (event.type === "warning") return "warning";
  return event.type === "stream_finished" ? LEVELS[event.result.status] : "info";
}
