/** Everything that dxt prints passes through here: secrets are masked, control characters escaped. */
import { DXTError, maskSecrets, messageOf, PermissionError } from "../../core/errors.ts";
import { type Color, type ColorChoice, hasColor, wrapColor } from "../terminal/color.ts";
import { type IO, type Output, readVariable } from "../terminal/stdio.ts";
import { LiveLines } from "./live_lines.ts";
import { createMask, maskStrings } from "./secret_mask.ts";
import type { Format } from "../terminal/global_options.ts";
import { type Cell, type Column, formatTable } from "./table.ts";
import { escapeControls, escapeJSON, escapeLines } from "./terminal_text.ts";

export interface Verbosity {
  /** Print the result as one JSON document, and no progress. */
  readonly quiet: boolean;
  /** Print each step, and the stack trace of an error. */
  readonly verbose: boolean;
  /** Format of the result; by default text, or json with `quiet`. */
  readonly output?: Format | undefined;
  readonly color?: ColorChoice | undefined;
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
  readonly #listeners = new Set<(message: string) => void>();

  constructor(private readonly io: IO, private readonly verbosity: Verbosity) {
    this.format = verbosity.output ?? (verbosity.quiet ? "json" : "text");
    this.#live = new LiveLines(io.stderr);
  }

  /** Whether stderr is a terminal that can redraw lines, and progress is on. */
  get isLive(): boolean {
    const { quiet, verbose } = this.verbosity;
    return this.io.stderr.isTerminal && readVariable(this.io.env, "TERM") !== "dumb" &&
      (!quiet || verbose);
  }

  /** Draws live lines at the bottom of stderr, in place of the previous ones. */
  draw(lines: readonly string[]): void {
    this.#live.draw(lines.map((line) => escapeControls(this.#mask(line))));
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
    this.#write(this.io.stdout, escapeLines(this.#mask(text)));
  }

  /** Prints a result as JSON on one line. */
  json(value: unknown): void {
    this.#write(this.io.stdout, escapeJSON(this.masked(value)));
  }

  /** Prints a result unchanged: names and records, which hold no secret of dxt. */
  document(text: string): void {
    this.#write(this.io.stdout, text);
  }

  /** A copy of a JSON value with secrets masked. */
  masked(value: unknown): unknown {
    return maskStrings(value, this.#mask);
  }

  /** Prints a table. Strings are masked; a {@linkcode Cell} is a name or number and is not. */
  table(
    columns: readonly Column[],
    rows: readonly (readonly (string | Cell)[])[],
    indent = "",
  ): void {
    const masked = rows.map((row) =>
      row.map((cell) => typeof cell === "string" ? { text: this.#mask(cell) } : cell)
    );
    this.#write(
      this.io.stdout,
      formatTable(columns, masked).map((line) => indent + line).join("\n"),
    );
  }

  /** A cell of {@linkcode table} in a color, if stdout has colors. */
  colorCell(text: string, color: Color): Cell {
    return hasColor(this.io.env, this.io.stdout, this.verbosity.color)
      ? { text, style: (padded) => wrapColor(padded, color) }
      : { text };
  }

  /** Prints progress of the pipeline or stream of this name. */
  progress(name: string, text: string): void {
    if (!this.verbosity.quiet || this.verbosity.verbose) this.#writeLine(text, name);
  }

  /** Prints progress only with `--verbose`. */
  detail(name: string, text: string): void {
    if (this.verbosity.verbose) this.#writeLine(text, name);
  }

  warning(message: string, name?: string): void {
    this.#writeLabelled("warning", "yellow", message, name);
  }

  error(message: string): void {
    this.#writeLabelled("error", "red", message);
  }

  /** Prints anything thrown; with `--verbose` its stack trace and its causes. */
  failure(error: unknown): void {
    // The missing flag is useless when its path, which may come from a variable, is masked.
    const mask = error instanceof PermissionError ? maskSecrets : this.#mask;
    for (const text of describeErrors(error)) {
      this.#writeLabelled("error", "red", text, undefined, mask);
      for (const listener of this.#listeners) listener(mask(text));
    }
    if (!this.verbosity.verbose) return;
    for (let at = error; at instanceof Error; at = at.cause) {
      this.#writeLine(at.stack ?? at.message);
    }
  }

  #writeLabelled(
    label: string,
    color: Color,
    message: string,
    name?: string,
    mask = this.#mask,
  ): void {
    const isColored = hasColor(this.io.env, this.io.stderr, this.verbosity.color);
    const shown = isColored ? wrapColor(label, color) : label;
    this.#writeLine(message, name, `${shown}: `, mask);
  }

  #writeLine(text: string, name?: string, label = "", mask = this.#mask): void {
    const about = name === undefined ? "" : `${escapeControls(name)}: `;
    this.#write(this.io.stderr, label + about + escapeLines(mask(text)));
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

/** The message of anything thrown; an unexpected error's class name precedes it. */
export function describeError(error: unknown): string {
  const expected = error instanceof DXTError || error instanceof Deno.errors.NotCapable ||
    !(error instanceof Error);
  return expected ? messageOf(error) : `${error.name}: ${error.message}`;
}
