/** The table that ends a run. */
import type { RunResult, StreamResult } from "../../../models/result.ts";
import type { Phase } from "../../../runner/mod.ts";
import type { Color } from "../../terminal/color.ts";
import type { Printer } from "../printer.ts";
import type { Cell, Column } from "../table.ts";
import { bytesText, countNoun, countText, durationText } from "../format_units.ts";

export const STATUS_COLORS: Readonly<Record<(RunResult | StreamResult)["status"], Color>> = {
  succeeded: "green",
  partial: "red",
  failed: "red",
  skipped: "dim",
  cancelled: "yellow",
};

/** A column of the summary. Its cells show one stream, or the sums of all streams. */
interface ResultColumn extends Column {
  /** Omitted when it is empty for every stream. */
  readonly optional?: true;
  /** Whether the summary of a phase has the column; undefined: always. */
  readonly isShown?: (phase: Phase, streams: readonly StreamResult[]) => boolean;
  cell(result: StreamResult, printer: Printer): string | Cell;
}

const COLUMNS: readonly ResultColumn[] = [
  { title: "stream", cell: ({ stream }) => ({ text: stream }) },
  {
    title: "status",
    cell: ({ status }, printer) => printer.colorCell(status, STATUS_COLORS[status]),
  },
  {
    title: "rows",
    align: "right",
    isShown: (phase, streams) => phase === "run" && streams.every(isWhole),
    cell: (result) => ({ text: countText(result.rows_loaded) }),
  },
  {
    title: "extracted",
    align: "right",
    isShown: (phase, streams) => phase === "extract" || phase === "run" && !streams.every(isWhole),
    cell: (result) => ({ text: countText(result.rows_extracted) }),
  },
  {
    title: "loaded",
    align: "right",
    isShown: (phase, streams) => phase === "load" || phase === "run" && !streams.every(isWhole),
    cell: (result) => ({ text: countText(result.rows_loaded) }),
  },
  {
    title: "deleted",
    align: "right",
    isShown: (_phase, streams) => streams.some(({ rows_deleted }) => rows_deleted !== undefined),
    cell: ({ rows_deleted }) => rows_deleted === undefined ? "" : { text: countText(rows_deleted) },
  },
  {
    title: "staged",
    align: "right",
    cell: ({ bytes_staged }) => ({ text: bytesText(bytes_staged) }),
  },
  {
    title: "rows/s",
    align: "right",
    cell: ({ rows_extracted, rows_loaded, duration_ms }) => ({
      text: rateText(Math.max(rows_extracted, rows_loaded), duration_ms),
    }),
  },
  {
    title: "time",
    align: "right",
    cell: ({ duration_ms }) => ({ text: durationText(duration_ms) }),
  },
  { title: "target", optional: true, yields: true, cell: ({ target }) => target ?? "" },
  {
    title: "mode",
    optional: true,
    yields: true,
    cell: ({ mode }) => mode === undefined ? "" : { text: mode },
  },
  {
    title: "watermark",
    optional: true,
    yields: true,
    cell: ({ watermark_after, watermark_before }) => {
      const text = watermark_after ?? watermark_before;
      return text === undefined ? "" : { text };
    },
  },
  {
    title: "verified",
    optional: true,
    yields: true,
    cell: ({ proof }) => proof?.verified?.level ?? "",
  },
  { title: "stage", optional: true, yields: true, cell: ({ stage }) => stage ?? "" },
];

/** Prints the result of a run for people: one row per stream, their sums, and a line about the run. */
export function printSummary(result: RunResult, phase: Phase, printer: Printer): void {
  const { streams } = result;
  const columns = COLUMNS.filter((column) =>
    (column.isShown?.(phase, streams) ?? true) &&
    !(column.optional && streams.every((stream) => column.cell(stream, printer) === ""))
  );
  const rows = streams.map((stream) => columns.map((column) => column.cell(stream, printer)));
  printer.table(columns, streams.length < 2 ? rows : [...rows, sumRow(columns, result, printer)]);
  const succeeded = streams.filter(({ status }) => status === "succeeded").length;
  printer.progress(
    result.pipeline,
    `${countText(succeeded)} of ${countNoun(streams.length, "stream")} ` +
      `succeeded in ${durationText(result.duration_ms)}, ` +
      `peak memory ${bytesText(result.peak_memory_bytes)}`,
  );
}

/** The figures of all streams together. */
function sumRow(
  columns: readonly ResultColumn[],
  { streams, duration_ms }: RunResult,
  printer: Printer,
): Cell[] {
  const add = (key: "rows_extracted" | "rows_loaded" | "rows_deleted" | "bytes_staged") =>
    streams.reduce((sum, stream) => sum + (stream[key] ?? 0), 0);
  const all: StreamResult = {
    ...streams[0]!,
    rows_extracted: add("rows_extracted"),
    rows_loaded: add("rows_loaded"),
    rows_deleted: add("rows_deleted"),
    bytes_staged: add("bytes_staged"),
    duration_ms,
  };
  return columns.map(({ title, align, cell }) => {
    if (title === "stream") return printer.colorCell(countNoun(streams.length, "stream"), "dim");
    const value = align === "right" ? cell(all, printer) : "";
    const text = typeof value === "string" ? value : value.text;
    return text === "" ? { text } : printer.colorCell(text, "dim");
  });
}

function isWhole({ rows_extracted, rows_loaded }: StreamResult): boolean {
  return rows_extracted === rows_loaded;
}

function rateText(rows: number, ms: number): string {
  return rows === 0 || ms === 0 ? "" : countText(Math.round(rows / ms * 1000));
}
