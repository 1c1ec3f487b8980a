/** Formats text tables. */
import { displayWidth, escapeControls } from "./terminal_text.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

export interface Cell {
  readonly text: string;
  /** Styles the text, for example with a color. Must not change its width. */
  readonly style?: (text: string) => string;
}

const GAP = "  ";

/** Lines of a table, titles first. Control characters are escaped, so a cell cannot break it. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string[] {
  const titles = columns.map(({ title }): Cell => ({ text: title }));
  const cells = [titles, ...rows].map((row) =>
    columns.map((_, i): Cell => ({ ...row[i], text: escapeControls(row[i]?.text ?? "") }))
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => displayWidth(row[i]!.text))));
  return cells.map((row) => {
    const padded = row.map((cell, i) => pad(cell, widths[i]!, columns[i]!.align ?? "left"));
    return padded.join(GAP).trimEnd();
  });
}

function pad({ text, style = (text) => text }: Cell, width: number, align: string): string {
  const space = " ".repeat(width - displayWidth(text));
  return align === "right" ? space + style(text) : style(text) + space;
}
