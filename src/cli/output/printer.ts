/** Everything that dxt prints passes through here: secrets are masked, control characters escaped. */
import { DXTError, maskSecrets, messageOf, PermissionError } from "../../core/errors.ts";
import type { CommandError, FailedResult } from "../../models/result.ts";
import { type Color, hasColor, wrapColor } from "../terminal/color.ts";
import { LOG_LEVELS, type LogLevel } from "../terminal/log_levels.ts";
import { type IO, type Output, readVariable } from "../terminal/stdio.ts";
import { type LiveLine, LiveLines } from "./run/live_lines.ts";
import { createMask, maskStrings } from "./secret_mask.ts";
import type { Format } from "../terminal/global_options.ts";
import type { Verbosity } from "../terminal/verbosity.ts";
import { type Cell, type Column, formatTable } from "./table.ts";
import { escapeControls, escapeJSON, escapeLines, wrapText } from "./terminal_text.ts";

/** The pipeline and the run that a line of the log is about. */
export interface LogContext {
  readonly pipeline?: string;
  readonly run_id?: string;
}

/** A result that is a list of entries. */
export interface Results {
  /** Key of the list in the JSON document. */
  readonly name: string;
  readonly entries: readonly unknown[];
  /** Further keys of the document. */
  readonly about: Readonly<Record<string, unknown>>;
  /** Prints the entries as text. */
  table(): void;
}

/**
 * Prints results to stdout and everything else to stderr, without secrets and without terminal
 * control characters. Values of all variables count as secrets, and one may be as plain as
 * `orders`. Names of pipelines and streams are therefore not masked: they would be unreadable.
 */
export class Printer {
  #mask: (text: string) => string = maskSecrets;

  readonly format: Format;
  readonly #live: LiveLines;
  #results: Output;
  readonly #listeners = new Set<(message: string) => void>();
  /** Keys of every line of the log: the pipeline and the run. */
  #about: LogContext = {};
  #least: LogLevel = "info";
  /** Whether stdout has a result, or part of one. */
  #hasResult = false;

  constructor(private readonly io: IO, private readonly verbosity: Verbosity) {
    this.format = verbosity.output ?? (verbosity.quiet ? "json" : "text");
    this.#live = new LiveLines(io.stderr);
    this.#results = io.stdout;
  }

  /** Prints results to stderr from now on, since stdout gets records. */
  sendResultsToStderr(): void {
    this.#results = this.io.stderr;
  }

  /** Whether stderr is a terminal that can redraw lines, and progress is on. */
  get isLive(): boolean {
    const { quiet, verbose } = this.verbosity;
    return this.io.stderr.isTerminal && readVariable(this.io.env, "TERM") !== "dumb" &&
      (!quiet || verbose) && !this.verbosity.silent && !this.logsJSON;
  }

  /** Whether each line of stderr is a JSON object, as in the log file. */
  get logsJSON(): boolean {
    return this.verbosity.logFormat === "json";
  }

  /** Sets the keys of every line of the log, and its lowest level, from now on. */
  identify(about: LogContext, least: LogLevel): void {
    this.#about = about;
    this.#least = least;
  }

  /** Whether lines of this level belong in the log. */
  isLogged(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.#least);
  }

  /** A line of the log: a JSON object, secrets masked. */
  logLine(level: LogLevel, event: string, details: object): string {
    const time = new Date().toISOString();
    return escapeJSON(this.masked({ time, level, event, ...this.#about, ...details }));
  }

  /** Prints a line of the log: to stdout with ndjson, to stderr if that is JSON. */
  event(level: LogLevel, line: string): void {
    if (this.format === "ndjson") this.document(line);
    if (this.logsJSON && this.isLogged(level) && !this.verbosity.silent) {
      this.#write(this.io.stderr, line);
    }
  }

  /** Draws live lines at the bottom of stderr, in place of the previous ones. */
  draw(lines: readonly LiveLine[]): void {
    this.#live.draw(lines);
  }

  /** Styles of stderr; without colors they change nothing. */
  styler(): (color: Color) => (text: string) => string {
    const isColored = hasColor(this.io.env, this.io.stderr, this.verbosity.color);
    return (color) => (text) => isColored ? wrapColor(text, color) : text;
  }

  /** Columns of stderr. */
  get width(): number {
    return this.io.stderr.columns;
  }

  /** Calls the listener with each printed error, secrets masked, until the result is disposed. */
  onError(listener: (message: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Prints entries as a table, as one JSON document, or as one line of JSON each. */
  results({ name, entries, about, table }: Results): void {
    if (this.format === "text") return table();
    if (this.format === "json") return this.json({ ...about, [name]: entries });
    for (const entry of entries) this.json(entry);
  }

  /** Sets the secrets to mask from now on, in place of earlier ones. */
  hide(secrets: readonly string[]): void {
    this.#mask = createMask(secrets);
  }

  /** Prints lines of a result. */
  result(text: string): void {
    this.#writeResult(escapeLines(this.#mask(text)));
  }

  /** Prints a paragraph of a result, wrapped on a terminal; lines after the first are indented. */
  paragraph(text: string, indent: number): void {
    const { isTerminal, columns } = this.#results;
    // Masked first: a secret must not be cut by the end of a line.
    const shown = escapeControls(this.#mask(text));
    if (!isTerminal) return this.#writeResult(shown);
    const lines = wrapText(shown.slice(indent), Math.max(1, columns - indent));
    this.#writeResult(shown.slice(0, indent) + lines.join(`\n${" ".repeat(indent)}`));
  }

  /** Prints a result as JSON on one line. */
  json(value: unknown): void {
    this.#writeResult(escapeJSON(this.masked(value)));
  }

  /** Prints a result unchanged: names and records, which hold no secret of dxt. */
  document(text: string): void {
    this.#writeResult(text);
  }

  /** Text with secrets masked, which may then be cut or wrapped. */
  maskedText(text: string): string {
    return this.#mask(text);
  }

  /** A copy of a JSON value with secrets masked. */
  masked(value: unknown): unknown {
    return maskStrings(value, this.#mask);
  }

  /** Prints a table, which fits a terminal. Strings are masked; a {@linkcode Cell} is a name or number and is not. */
  table(
    columns: readonly Column[],
    rows: readonly (readonly (string | Cell)[])[],
    indent = "",
  ): void {
    const masked = rows.map((row) =>
      row.map((cell) => typeof cell === "string" ? { text: this.#mask(cell) } : cell)
    );
    const { isTerminal, columns: width } = this.#results;
    const lines = formatTable(columns, masked, isTerminal ? width - indent.length : undefined);
    this.#writeResult(lines.map((line) => indent + line).join("\n"));
  }

  /** A cell of {@linkcode table} in a color, if stdout has colors. */
  colorCell(text: string, color: Color): Cell {
    return hasColor(this.io.env, this.#results, this.verbosity.color)
      ? { text, style: (padded) => wrapColor(padded, color) }
      : { text };
  }

  /** Prints progress of the pipeline or stream of this name. */
  progress(name: string, text: string): void {
    const { quiet, verbose, silent } = this.verbosity;
    if (silent || (quiet && !verbose)) return;
    if (!this.logsJSON) return this.#writeLine(text, name);
    if (!this.isLogged("info")) return;
    this.#write(this.io.stderr, this.logLine("info", "message", { message: text }));
  }

  /** Prints progress only with `--verbose`. */
  detail(name: string, text: string): void {
    if (this.verbosity.verbose) this.progress(name, text);
  }

  warning(message: string, name?: string): void {
    if (!this.verbosity.silent) this.#writeLabelled("warning", "yellow", message, name);
  }

  error(message: string): void {
    this.#writeLabelled("error", "red", message);
  }

  /**
   * Prints the JSON document of a command that ended without a result, if results are JSON. Prints
   * nothing after part of a result, since stdout would then have two documents.
   */
  failedResult(status: FailedResult["status"], error: unknown): void {
    if (this.format === "text" || this.#hasResult) return;
    const { run_id } = this.#about;
    const result: FailedResult = {
      status,
      ...(run_id === undefined ? {} : { run_id }),
      error: { ...describePlace(error), message: this.#maskFor(error)(describeError(error)) },
      streams: [],
    };
    if (this.format === "json") this.document(escapeJSON(result));
    else this.document(this.logLine("error", "error", result));
  }

  /** Keeps paths in permission errors: a flag to add is useless if its path, from a variable, is masked. */
  #maskFor(error: unknown): (text: string) => string {
    return error instanceof PermissionError ? maskSecrets : this.#mask;
  }

  /** Prints anything thrown; with `--verbose` its stack trace and its causes. */
  failure(error: unknown): void {
    const mask = this.#maskFor(error);
    for (const text of describeErrors(error)) {
      this.#writeLabelled("error", "red", text, undefined, mask);
      for (const listener of this.#listeners) listener(mask(text));
    }
    if (!this.verbosity.verbose || this.logsJSON) return;
    for (let at = error; at instanceof Error; at = at.cause) {
      this.#writeLine(at.stack ?? at.message);
    }
  }

  #writeLabelled(
    label: "warning" | "error",
    color: Color,
    message: string,
    name?: string,
    mask = this.#mask,
  ): void {
    if (this.logsJSON) {
      const details = { ...(name === undefined ? {} : { stream: name }), message: mask(message) };
      return this.#write(this.io.stderr, this.logLine(label, label, details));
    }
    const isColored = hasColor(this.io.env, this.io.stderr, this.verbosity.color);
    const shown = isColored ? wrapColor(label, color) : label;
    this.#writeLine(message, name, `${shown}: `, mask);
  }

  #writeLine(text: string, name?: string, label = "", mask = this.#mask): void {
    const about = name === undefined ? "" : `${escapeControls(name)}: `;
    this.#write(this.io.stderr, label + about + escapeLines(mask(text)));
  }

  #writeResult(text: string): void {
    if (this.verbosity.silent) return;
    this.#hasResult = true;
    this.#write(this.#results, text);
  }

  #write(output: Output, text: string): void {
    this.#live.clear();
    output.write(`${text}\n`);
    if (output === this.io.stderr) this.#live.redraw();
  }
}

/** Returns a message for each error that was thrown together, such as all issues of a file. */
function describeErrors(error: unknown): readonly string[] {
  const { messages } = error as { messages?: readonly string[] };
  return error instanceof DXTError && messages !== undefined ? messages : [describeError(error)];
}

/** The class of anything thrown, and the place of its first issue in a file. */
function describePlace(error: unknown): Omit<CommandError, "message"> {
  const type = error instanceof Error ? error.name : "Error";
  const { issues: [issue] = [] } = error as { issues?: readonly Required<CommandError>[] };
  if (!(error instanceof DXTError) || issue === undefined) return { type };
  const { file, line, column } = issue;
  // An argument of the command line has no line.
  return line === 0 ? { type } : { type, file, line, column };
}

/** The message of anything thrown; an unexpected error's class name precedes it. */
export function describeError(error: unknown): string {
  const expected = error instanceof DXTError || error instanceof Deno.errors.NotCapable ||
    !(error instanceof Error);
  return expected ? messageOf(error) : `${error.name}: ${error.message}`;
}
