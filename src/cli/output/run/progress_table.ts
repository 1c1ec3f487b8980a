/** Lays out one line for each running stream, in columns that neither wrap nor jump. */
import type { Color } from "../../terminal/color.ts";
import type { Cell } from "../table.ts";
import { displayWidth, escapeControls, truncate } from "../terminal_text.ts";

/** The cells of one line. An absent cell is empty. */
export interface ProgressLine {
  readonly state: string;
  readonly color: Color;
  readonly name: string;
  readonly elapsed: string;
  /** Share of the rows that is done, from 0 to 1, if the total is known. */
  readonly share?: number;
  readonly percent?: string;
  readonly rows?: string;
  readonly rate?: string;
  readonly bytes?: string;
  readonly left?: string;
  /** Replaces everything after `elapsed`. */
  readonly reason?: string;
}

type Key = "state" | "name" | "elapsed" | "percent" | "rows" | "rate" | "bytes" | "left";

const KEYS: readonly Key[] = [
  "state",
  "name",
  "elapsed",
  "percent",
  "rows",
  "rate",
  "bytes",
  "left",
];
/**
 * What gives way on a terminal that is too narrow, in this order: columns are left out, and a number
 * is the width that names then have at most. Shares and numbers of rows stay in any case.
 */
const GIVING_WAY: readonly (Key | "bar" | number)[] = [
  ...["left", "bytes", 12, "bar", "rate", "elapsed", 8] as const,
];
const GAP = "  ";
/** Share of a line for stream names. */
const NAME_SHARE = 0.4;
const BAR = { least: 6, most: 20 };

/** The columns of all lines, and the widths that depend on the terminal. */
interface Layout {
  readonly keys: readonly Key[];
  readonly name: number;
  /** 0 without a bar. */
  readonly bar: number;
}

export class ProgressTable {
  /** Widths so far. A column never becomes narrower, so that the next ones stay where they are. */
  readonly #widths: Record<Key, number> = {
    ...{ state: 10, name: 0, elapsed: 0, percent: 0, rows: 0, rate: 0, bytes: 0, left: 0 },
  };

  /** @param width columns that a line may take at most */
  layOut(all: readonly ProgressLine[], width: number, style: Styler): Cell[][] {
    const lines = all.map((line) => ({ ...line, name: escapeControls(line.name) }));
    for (const key of KEYS) {
      const widest = Math.max(0, ...lines.map((line) => displayWidth(line[key] ?? "")));
      this.#widths[key] = Math.max(this.#widths[key], widest);
    }
    const layout = this.#chooseLayout(width);
    return lines.map((line) => this.#layOutLine(line, layout, width, style));
  }

  #chooseLayout(width: number): Layout {
    let keys = KEYS.filter((key) => this.#widths[key] > 0);
    let name = Math.min(this.#widths.name, Math.max(8, Math.floor(width * NAME_SHARE)));
    let bar = this.#widths.percent > 0 ? BAR.least : 0;
    const room = () =>
      width - (bar === 0 ? 0 : bar + GAP.length) -
      keys.reduce(
        (sum, key) => sum + (key === "name" ? name : this.#widths[key]) + GAP.length,
        -GAP.length,
      );
    for (const one of GIVING_WAY) {
      if (room() >= 0) break;
      if (typeof one === "number") name = Math.max(Math.min(name, one), name + room());
      else if (one === "bar") bar = 0;
      else keys = keys.filter((key) => key !== one);
    }
    if (bar > 0) bar = Math.min(BAR.most, bar + Math.max(0, room()));
    return { keys, name, bar };
  }

  #layOutLine(
    line: ProgressLine,
    { keys, name, bar }: Layout,
    width: number,
    style: Styler,
  ): Cell[] {
    const cells: Cell[] = [];
    let used = 0;
    const add = (text: string, color?: Color) => {
      const gap = cells.length === 0 ? "" : GAP;
      const fitting = truncate(gap + text, width - used);
      cells.push({ text: fitting, ...(color === undefined ? {} : { style: style(color) }) });
      used += displayWidth(fitting);
    };
    const last = keys.includes("elapsed") ? "elapsed" : "name";
    for (const key of keys) {
      const text = line[key] ?? "";
      if (key === "name") add(padEnd(truncate(text, name), name));
      else add(padStart(text, this.#widths[key]), key === "state" ? line.color : DIM[key]);
      if (key !== last) continue;
      if (line.reason !== undefined) {
        add(escapeControls(line.reason), "dim");
        break;
      }
      if (bar > 0) add(drawBar(line.share, bar), "green");
    }
    return cells;
  }
}

/** Returns the style of a color, if the output has colors. */
export type Styler = (color: Color) => (text: string) => string;

const DIM: Partial<Record<Key, Color>> = { elapsed: "dim", bytes: "dim", left: "dim" };

const FULL = "━";
const EMPTY = "╌";

/** A bar of this many columns; blank when the share is unknown. */
export function drawBar(share: number | undefined, width: number): string {
  if (share === undefined) return " ".repeat(width);
  const full = Math.floor(Math.min(share, 1) * width);
  return FULL.repeat(full) + EMPTY.repeat(width - full);
}

function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - displayWidth(text))) + text;
}

function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}
