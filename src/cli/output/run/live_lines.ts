/** Status lines at the bottom of a terminal, redrawn in place. */
import type { Output } from "../../terminal/stdio.ts";
import type { Cell } from "../table.ts";
import { displayWidth, truncate } from "../terminal_text.ts";

/** The pieces of a line. */
export type LiveLine = readonly Cell[];

const UP = (lines: number) => `\u001b[${lines}A`;
const CLEAR_BELOW = "\u001b[J";

/** Lines below everything else on a terminal. Each redraw is one write, so that nothing flickers. */
export class LiveLines {
  #lines: readonly LiveLine[] = [];
  /** Text of the lines on the terminal now; the cursor is below them. */
  #drawn: readonly string[] = [];

  constructor(private readonly output: Output) {}

  draw(lines: readonly LiveLine[]): void {
    this.#lines = lines;
    this.redraw();
  }

  redraw(): void {
    if (this.#lines.length === 0 && this.#drawn.length === 0) return;
    const erase = this.#erase();
    // The last column stays empty: some terminals wrap as soon as it is written.
    const width = Math.max(1, this.output.columns - 1);
    const lines = limitLines(this.#lines, this.output.rows - 1).map((line) => fit(line, width));
    this.output.write(
      erase + lines.map((line) => `${line.map(styled).join("").trimEnd()}\n`).join(""),
    );
    this.#drawn = lines.map((line) => line.map(({ text }) => text).join("").trimEnd());
  }

  clear(): void {
    if (this.#drawn.length === 0) return;
    this.output.write(this.#erase());
    this.#drawn = [];
  }

  /** Erases the drawn lines, which a terminal wraps into more lines when it becomes narrower. */
  #erase(): string {
    if (this.#drawn.length === 0) return "";
    const columns = Math.max(1, this.output.columns);
    const lines = this.#drawn.map((line) => Math.max(1, Math.ceil(displayWidth(line) / columns)));
    const above = Math.min(lines.reduce((sum, count) => sum + count, 0), this.output.rows);
    return `\r${UP(above)}${CLEAR_BELOW}`;
  }
}

function styled({ text, style }: Cell): string {
  return style === undefined ? text : style(text);
}

/** The pieces of a line that fit, the last one truncated. */
function fit(line: LiveLine, width: number): LiveLine {
  let room = width;
  return line.map((cell) => {
    const text = room <= 0 ? "" : truncate(cell.text, room);
    room -= displayWidth(text);
    return { ...cell, text };
  });
}

function limitLines(lines: readonly LiveLine[], most: number): readonly LiveLine[] {
  if (lines.length <= most) return lines;
  const shown = Math.max(0, most - 1);
  return [...lines.slice(0, shown), [{ text: `… and ${lines.length - shown} more` }]];
}
