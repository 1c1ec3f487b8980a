import { DXTError, maskSecrets, messageOf, PermissionError } from "../../core/errors.ts";
import { type Color, type ColorChoice, hasColor, wrapColor } from "../terminal/color.ts";
import { type IO, type Output, readVariable } from "../terminal/stdio.ts";
import { LiveLines } from "./live_lines.ts";
import { createMask, maskStrings } from "./secret_mask.ts";
import type { Format } from "../terminal/global_options.ts";
import { type Cell, type Column, formatTable } from "./table.ts";
import { escapeControls, escapeJSON, escapeLines } from "./terminal_text.ts";

export interface Verbosity {
  /** Results as one JSON document, and no progress. */
  readonly quiet: boolean;
  /** Each step, and the stack of an error. */
  readonly verbose: boolean;
  /** How a result is written; text, or json with `quiet`, when absent. */
  readonly output?: Format | undefined;
  readonly color?: ColorChoice | undefined;
}

/** A result of several entries of one kind. */
export interface Results {
  /** Key of the entries in the JSON document. */
  readonly name: string;
  readonly entries: readonly unknown[];
  /** More keys of the document. */
  readonly about: Readonly<Record<string, unknown>>;
  table(): void;
}

/**
 * The one way out: results to stdout, everything else to stderr, no secret and no character that
 * steers a terminal in either. The values of all variables count as secrets, and one may well be
 * `orders`: so names of pipelines and streams are not masked, or nobody could tell them apart.
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

  /** Whether lines can be drawn again on stderr: a terminal, and progress wanted. */
  get isLive(): boolean {
    const { quiet, verbose } = this.verbosity;
    return this.io.stderr.isTerminal && readVariable(this.io.env, "TERM") !== "dumb" &&
      (!quiet || verbose);
  }

  /** Draws these lines below all that was written to stderr, in place of those drawn before. */
  draw(lines: readonly string[]): void {
    this.#live.draw(lines.map((line) => escapeControls(this.#mask(line))));
  }

  /** Columns that a line drawn on stderr has. */
  get width(): number {
    return this.io.stderr.columns;
  }

  /** Calls back with each error that is told, secrets masked, until what is returned is disposed. */
  onError(listener: (message: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Entries as a table, as one JSON document, or as a line of JSON each. */
  results({ name, entries, about, table }: Results): void {
    if (this.format === "text") return table();
    if (this.format === "json") return this.json({ ...about, [name]: entries });
    for (const entry of entries) this.json(entry);
  }

  /** Masks secrets from here on. */
  hide(secrets: readonly string[]): void {
    this.#mask = createMask(secrets);
  }

  /** A line of a result. */
  result(text: string): void {
    this.#write(this.io.stdout, escapeLines(this.#mask(text)));
  }

  json(value: unknown): void {
    this.#write(this.io.stdout, escapeJSON(this.masked(value)));
  }

  /** Text that is a result as it stands: names and records, which hold no secret of dxt. */
  document(text: string): void {
    this.#write(this.io.stdout, text);
  }

  /** The same JSON value without secrets. */
  masked(value: unknown): unknown {
    return maskStrings(value, this.#mask);
  }

  /** Text is masked; a cell that is one already holds a name, a number or a word of dxt. */
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

  /** A cell of {@linkcode table} in a colour, where stdout has colours. */
  coloured(text: string, colour: Color): Cell {
    return hasColor(this.io.env, this.io.stdout, this.verbosity.color)
      ? { text, style: (padded) => wrapColor(padded, colour) }
      : { text };
  }

  /** What happens, to the pipeline or the stream of this name. */
  progress(name: string, text: string): void {
    if (!this.verbosity.quiet || this.verbosity.verbose) this.#note(text, name);
  }

  /** Progress that only `--verbose` asks for. */
  detail(name: string, text: string): void {
    if (this.verbosity.verbose) this.#note(text, name);
  }

  warning(message: string, name?: string): void {
    this.#labelled("warning", "yellow", message, name);
  }

  error(message: string): void {
    this.#labelled("error", "red", message);
  }

  /** Anything that was thrown; with `--verbose` its stack and its causes. */
  failure(error: unknown): void {
    // A flag with a path that is masked, because a variable says it, helps nobody.
    const mask = error instanceof PermissionError ? maskSecrets : this.#mask;
    const text = describe(error);
    this.#labelled("error", "red", text, undefined, mask);
    for (const listener of this.#listeners) listener(mask(text));
    if (!this.verbosity.verbose) return;
    for (let at = error; at instanceof Error; at = at.cause) this.#note(at.stack ?? at.message);
  }

  #labelled(
    label: string,
    colour: Color,
    message: string,
    name?: string,
    mask = this.#mask,
  ): void {
    const isColoured = hasColor(this.io.env, this.io.stderr, this.verbosity.color);
    const shown = isColoured ? wrapColor(label, colour) : label;
    this.#note(message, name, `${shown}: `, mask);
  }

  #note(text: string, name?: string, label = "", mask = this.#mask): void {
    const about = name === undefined ? "" : `${escapeControls(name)}: `;
    this.#write(this.io.stderr, label + about + escapeLines(mask(text)));
  }

  #write(output: Output, text: string): void {
    this.#live.clear();
    output.write(`${text}\n`);
    if (output === this.io.stderr) this.#live.redraw();
  }
}

/** The message of anything thrown; with its name where dxt did not raise it on purpose. */
export function describe(error: unknown): string {
  const expected = error instanceof DXTError || error instanceof Deno.errors.NotCapable ||
    !(error instanceof Error);
  return expected ? messageOf(error) : `${error.name}: ${error.message}`;
}
