/** Formats text tables. On a terminal they fit its width. */
import {
  displayWidth,
  escapeControls,
  truncate,
  truncateMiddle,
  wrapText,
} from "./terminal_text.ts";

export interface Column {
  readonly title: string;
  /** Columns of numbers, which are never truncated, are aligned to the right. */
  readonly align?: "left" | "right";
  /** Sentences, which are wrapped instead of truncated. */
  readonly wraps?: true;
  /** Values that may differ in their ends only, which are truncated in the middle. */
  readonly keepsEnds?: true;
  /** Width to which text is truncated before columns are left out. */
  readonly least?: number;
  /** Left out where the table does not fit, the last such column first. */
  readonly yields?: true;
}

export interface Cell {
  readonly text: string;
  /** Styles the text, for example with a color. Must not change its width. */
  readonly style?: (text: string) => string;
}

const GAP = "  ";
const NARROWEST = 12;
const NARROWEST_PROSE = 24;

/**
 * Lines of a table, titles first. Control characters are escaped, so a cell cannot break it. If the
 * table is wider than `width`, text is truncated or wrapped, the widest column first. If that is not
 * enough, columns that yield are left out; then each row becomes a block of one line per cell.
 *
 * @param width undefined for a table of any width
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width?: number,
): string[] {
  const titles = columns.map(({ title }): Cell => ({ text: title }));
  const cells = [titles, ...rows].map((row) =>
    columns.map((_, i): Cell => ({ ...row[i], text: escapeControls(row[i]?.text ?? "") }))
  );
  const wanted = columns.map((_, i) => Math.max(...cells.map((row) => displayWidth(row[i]!.text))));
  for (let shown = columns.map((_, i) => i);;) {
    const room = (width ?? Infinity) - GAP.length * (shown.length - 1);
    const least = shown.map((i) => leastWidth(columns[i]!));
    const widths = shrinkWidths(shown.map((i) => wanted[i]!), least, room);
    if (sum(widths) <= room) {
      const chosen = shown.map((i) => columns[i]!);
      return cells.flatMap((row) => formatRow(chosen, shown.map((i) => row[i]!), widths));
    }
    const yielding = shown.findLast((i) => columns[i]!.yields);
    if (yielding === undefined) return stackRows(columns, cells.slice(1), width!);
    shown = shown.filter((i) => i !== yielding);
  }
}

function leastWidth({ align, wraps, least }: Column): number {
  if (align === "right") return Infinity;
  return least ?? (wraps ? NARROWEST_PROSE : NARROWEST);
}

/** Widths that fit the room, the widest made smaller first, none below its least if it was above. */
export function shrinkWidths(
  wanted: readonly number[],
  least: readonly number[],
  room: number,
): number[] {
  const widths = wanted.map((width, i) => Math.min(width, Math.max(least[i]!, room)));
  let excess = sum(widths) - room;
  while (excess > 0) {
    const able = widths.map((width, i) => width > least[i]! ? width : 0);
    const widest = Math.max(...able);
    if (widest === 0) break;
    widths[able.indexOf(widest)]!--;
    excess--;
  }
  return widths;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The lines of one row: as many as its highest wrapped cell. */
function formatRow(
  columns: readonly Column[],
  row: readonly Cell[],
  widths: readonly number[],
): string[] {
  const texts = row.map(({ text }, i) => {
    const { wraps, keepsEnds } = columns[i]!;
    if (wraps) return wrapText(text, widths[i]!);
    return [(keepsEnds ? truncateMiddle : truncate)(text, widths[i]!)];
  });
  const height = Math.max(...texts.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) => {
    const padded = row.map((cell, i) =>
      pad({ ...cell, text: texts[i]![line] ?? "" }, widths[i]!, columns[i]!.align ?? "left")
    );
    return padded.join(GAP).trimEnd();
  });
}

function pad({ text, style = (text) => text }: Cell, width: number, align: string): string {
  const space = " ".repeat(width - displayWidth(text));
  return align === "right" ? space + style(text) : style(text) + space;
}

/** Each row as a line with its first cell, and below it a line for each further cell with a text. */
function stackRows(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): string[] {
  const label = Math.max(...columns.map(({ title }) => displayWidth(title))) + 2 * GAP.length;
  return rows.flatMap(([first, ...cells]) => {
    const below = cells.flatMap(({ text, style = (text) => text }, i) => {
      if (text === "") return [];
      const title = (GAP + columns[i + 1]!.title).padEnd(label);
      return wrapText(text, Math.max(1, width - label)).map((line, at) =>
        (at === 0 ? title : " ".repeat(label)) + style(line)
      );
    });
    // A row without a name goes on with the one above.
    if (first!.text === "") return below;
    return [
      ...wrapText(first!.text, width).map((line) => (first!.style ?? String)(line)),
      ...below,
    ];
  });
}
