/** Formats records as a table that fits the terminal. */
import type { Value } from "../../core/values/values.ts";
import { isNumeric } from "../../core/values/kinds.ts";
import type { Field } from "../../models/field.ts";
import { type Cell, type Column, shrinkWidths } from "./table.ts";
import { displayWidth, escapeControls, truncate } from "./terminal_text.ts";
import { cellText } from "./format_value.ts";

export interface RecordTable {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Names of the fields left out because they do not fit. */
  readonly hidden: readonly string[];
}

const GAP = 2;
/** Columns are truncated to this width before any is left out. */
const NARROWEST = 12;
const WIDEST = 60;

/**
 * @param width columns of the terminal; undefined truncates nothing
 * @param dim styles NULL, to distinguish it from text
 */
export function formatRecords(
  fields: readonly Field[],
  rows: readonly (readonly Value[])[],
  width: number | undefined,
  dim: (text: string) => Cell,
): RecordTable {
  const texts = rows.map((row) =>
    row.map((value, i) => escapeControls(cellText(value, fields[i]!.dtype)))
  );
  const wanted = fields.map(({ name }, i) =>
    Math.max(displayWidth(escapeControls(name)), ...texts.map((row) => displayWidth(row[i]!)))
  );
  const widths = width === undefined ? wanted : fitWidths(wanted, width);
  const shown = fields.slice(0, widths.length);
  return {
    columns: shown.map(({ name, dtype }, i) => ({
      title: truncate(escapeControls(name), widths[i]!),
      ...(isNumeric(dtype) ? { align: "right" as const } : {}),
    })),
    rows: texts.map((row, at) =>
      shown.map((_, i) => {
        const text = truncate(row[i]!, widths[i]!);
        return rows[at]![i] === null ? dim(text) : { text };
      })
    ),
    hidden: fields.slice(widths.length).map(({ name }) => name),
  };
}

/** Widths of the columns that fit, at least one; the widest columns are truncated first. */
function fitWidths(wanted: readonly number[], width: number): number[] {
  const widths = wanted.map((column) => Math.min(column, WIDEST));
  const least = widths.map((column) => Math.min(column, NARROWEST));
  let count = 0;
  for (let used = -GAP; count < widths.length; count++) {
    used += least[count]! + GAP;
    if (used > width && count > 0) break;
  }
  const room = Math.max(1, width - GAP * (count - 1));
  const kept = widths.slice(0, count);
  return shrinkWidths(kept, kept.map(() => 1), room);
}
