/** A file's text, for positions and for the lines that an error shows. */
export class SourceText {
  readonly text: string;
  readonly #starts: number[] = [0];

  constructor(
    /** The file as the user named it. */
    readonly name: string,
    text: string,
    /** Every line may hold a secret, so that none is shown. */
    readonly hidden = false,
    /** It is an argument of the command line, which has no lines; its name is the option's. */
    readonly argument = false,
  ) {
    this.text = text;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  /** Line and column from 1, columns in characters. */
  position(offset: number): { line: number; column: number } {
    const line = this.#lineAt(offset);
    const before = this.text.slice(this.#starts[line]!, offset);
    return { line: line + 1, column: [...before].length + 1 };
  }

  /** The line of an offset with a caret below, secrets in it masked; empty of a hidden file. */
  excerpt(offset: number): string {
    if (this.hidden || this.argument) return "";
    const line = this.#lineAt(offset);
    // A minified file is one line: only what is near is looked at.
    const start = Math.max(this.#starts[line]!, offset - NEAR);
    const text = /^[^\n]*/.exec(this.text.slice(start, offset + NEAR))![0];
    const before = printable(text.slice(0, offset - start));
    const number = String(line + 1).padStart(5);
    const shown = cut(printable(text), before.length);
    return `${number} | ${shown.text}\n      | ${
      shown.text.slice(0, shown.caret).replace(/[^\t]/g, " ")
    }^`;
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

/** Keys whose values are shown to nobody. */
export const SECRET_KEY =
  /pass(word|wd|phrase)?$|secret|token|api_?key|access_?key|private_?key|credential|authorization/i;

const SECRET_VALUE = new RegExp(
  `((?:${
    SECRET_KEY.source.replace("$", "")
  })[\\w-]*["']?\\s*[:=]\\s*)(?!["']?\\$\\{)[^\\s,}][^,}]*`,
  "gi",
);

/** A line without secrets and without characters that a terminal would act on. */
function printable(text: string): string {
  return text.replace(/\r$/, "")
    .replace(/([a-z][\w+.-]*:\/\/)[^/?#\s"']*@/gi, "$1***@")
    .replace(SECRET_VALUE, "$1***")
    .replace(/[^\P{Cc}\t]/gu, "\ufffd");
}

const WIDTH = 120;
const NEAR = 2000;

/** A window of a long line around its caret. */
function cut(text: string, caret: number): { text: string; caret: number } {
  if (text.length <= WIDTH) return { text, caret };
  const from = Math.max(0, caret - WIDTH / 2);
  const window = text.slice(from, from + WIDTH);
  const [left, right] = [from > 0 ? "…" : "", from + WIDTH < text.length ? "…" : ""];
  return { text: `${left}${window}${right}`, caret: caret - from + left.length };
}
