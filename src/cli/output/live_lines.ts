import type { Output } from "../terminal/stdio.ts";
import { displayWidth, truncate } from "./terminal_text.ts";

const UP = (lines: number) => `\u001b[${lines}A`;
const CLEAR_BELOW = "\u001b[J";

/** Lines at the end of a terminal that are drawn again and again, in one write each time. */
export class LiveLines {
  #wanted: readonly string[] = [];
  /** What stands on the terminal, below which the cursor is. */
  #drawn: readonly string[] = [];

  constructor(private readonly output: Output) {}

  draw(lines: readonly string[]): void {
    this.#wanted = lines;
    this.redraw();
  }

  redraw(): void {
    if (this.#wanted.length === 0 && this.#drawn.length === 0) return;
    const erase = this.#erase();
    // The last column stays free: some terminals go to the next line as soon as it is written.
    const lines = fitting(this.#wanted, this.output.rows - 1)
      .map((line) => truncate(line, Math.max(1, this.output.columns - 1)));
    this.output.write(erase + lines.map((line) => `${line}\n`).join(""));
    this.#drawn = lines;
  }

  clear(): void {
    if (this.#drawn.length === 0) return;
    this.output.write(this.#erase());
    this.#drawn = [];
  }

  /** A terminal that became narrower has broken what was drawn into more lines. */
  #erase(): string {
    if (this.#drawn.length === 0) return "";
    const columns = Math.max(1, this.output.columns);
    const lines = this.#drawn.map((line) => Math.max(1, Math.ceil(displayWidth(line) / columns)));
    const above = Math.min(lines.reduce((sum, count) => sum + count, 0), this.output.rows);
    return `\r${UP(above)}${CLEAR_BELOW}`;
  }
}

function fitting(lines: readonly string[], most: number): readonly string[] {
  if (lines.length <= most) return lines;
  const shown = Math.max(0, most - 1);
  return [...lines.slice(0, shown), `… and ${lines.length - shown} more`];
}
