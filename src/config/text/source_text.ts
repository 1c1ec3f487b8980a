/** The text of a file: positions, and excerpts for errors. */
import { maskSecrets, SECRET_KEY } from "../../core/errors.ts";

export class SourceText {
  readonly text: string;
  readonly #starts: number[] = [0];
  readonly #hidden: { readonly from: number; readonly to: number }[] = [];
  readonly #findHidden: (() => void)[] = [];

  constructor(
    /** The file as the user named it. */
    readonly name: string,
    text: string,
    /** No line is shown in errors, since any may hold a secret. */
    readonly hidden = false,
    /** The text is an argument of the command line, without lines; `name` is its option. */
    readonly argument = false,
  ) {
    this.text = text;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  /** Masks a range of the text in excerpts, since it may be a secret. */
  hide(from: number, to: number): void {
    this.#hidden.push({ from, to });
  }

  /** Calls `hide` before the first excerpt; a valid file never needs it. */
  beforeExcerpt(hide: () => void): void {
    this.#findHidden.push(hide);
  }

  /** Line and column, both from 1; columns count characters. */
  position(offset: number): { line: number; column: number } {
    const line = this.#lineAt(offset);
    const before = this.text.slice(this.#starts[line]!, offset);
    return { line: line + 1, column: [...before].length + 1 };
  }

  /** The line at an offset with a caret below, secrets masked; empty for a hidden file. */
  excerpt(offset: number): string {
    if (this.hidden || this.argument) return "";
    this.#hideFound();
    const line = this.#lineAt(offset);
    // A minified file is one long line, so only the text near the offset is used.
    const start = Math.max(this.#starts[line]!, offset - NEAR);
    const end = start + /^[^\n]*/.exec(this.text.slice(start, offset + NEAR))![0].length;
    const text = this.#shown(start, end);
    const before = printable(this.#shown(start, Math.min(offset, end)));
    const number = String(line + 1).padStart(5);
    const shown = cropLine(printable(text), before.length);
    return `${number} | ${shown.text}\n      | ${
      shown.text.slice(0, shown.caret).replace(/[^\t]/g, " ")
    }^`;
  }

  /** The whole text with hidden ranges masked. */
  masked(): string {
    this.#hideFound();
    return this.#shown(0, this.text.length);
  }

  #hideFound(): void {
    for (const hide of this.#findHidden.splice(0)) hide();
  }

  /** A range of the text with hidden ranges masked. */
  #shown(from: number, to: number): string {
    const within = this.#hidden.filter((one) => one.from < to && one.to > from)
      .sort((a, b) => a.from - b.from);
    let shown = "";
    let at = from;
    for (const one of within) {
      if (one.from > at) shown += this.text.slice(at, one.from);
      if (one.to > at) shown += "***";
      at = Math.max(at, one.to);
    }
    return shown + this.text.slice(at, Math.max(at, to));
  }

  #lineAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

const SECRET_VALUE = new RegExp(
  `((?:${
    SECRET_KEY.source.replaceAll("$", "")
  })[\\w-]*["']?\\s*[:=]\\s*)(?!["']?\\$\\{)[^\\s,}][^,}]*`,
  "gi",
);

/** A value in the query of a web address; rather with brackets of YAML than without its end. */
const QUERY_VALUE = /([?&][^\s?&="'#]+=)(?!\$\{)[^\s&"'#]+/g;

/** A line with secrets masked and control characters replaced. */
function printable(text: string): string {
  return maskSecrets(
    text.replace(/\r$/, "").replace(SECRET_VALUE, "$1***").replace(QUERY_VALUE, "$1***"),
  )
    .replace(/[^\P{Cc}\t]/gu, "\ufffd");
}

const WIDTH = 120;
const NEAR = 2000;

/** Crops a long line to the part around its caret. */
function cropLine(text: string, caret: number): { text: string; caret: number } {
  if (text.length <= WIDTH) return { text, caret };
  const from = Math.max(0, caret - WIDTH / 2);
  const window = text.slice(from, from + WIDTH);
  const [left, right] = [from > 0 ? "…" : "", from + WIDTH < text.length ? "…" : ""];
  return { text: `${left}${window}${right}`, caret: caret - from + left.length };
}
