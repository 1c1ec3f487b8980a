/** The table that ends a run. */
import type { RunResult, StreamResult } from "../../models/result.ts";
import type { Phase } from "../../runner/mod.ts";
import type { Color } from "../terminal/color.ts";
import type { Printer } from "./printer.ts";
import type { Cell } from "./table.ts";
import { bytesText, countNoun, countText, durationText } from "./format_units.ts";

const COLORS: Readonly<Record<StreamResult["status"], Color>> = {
  succeeded: "green",
  failed: "red",
  skipped: "dim",
  cancelled: "yellow",
};

interface ResultColumn {
  readonly title: string;
  readonly align?: "right";
  /** Omitted when it is empty for every stream. */
  readonly optional?: true;
  /** Phases that have this column; all when undefined. */
  readonly phases?: readonly Phase[];
  cell(result: StreamResult, printer: Printer): string | Cell;
}

const COLUMNS: readonly ResultColumn[] = [
  { title: "stream", cell: ({ stream }) => ({ text: stream }) },
  { title: "status", cell: ({ status }, printer) => printer.colorCell(status, COLORS[status]) },
  { title: "mode", optional: true, cell: ({ mode }) => mode === undefined ? "" : { text: mode } },
  {
    title: "extracted",
    align: "right",
    phases: ["run", "extract"],
    cell: (result) => ({ text: countText(result.rows_extracted) }),
  },
  {
    title: "loaded",
    align: "right",
    phases: ["run", "load"],
    cell: (result) => ({ text: countText(result.rows_loaded) }),
  },
  {
    title: "staged",
    align: "right",
    phases: ["extract"],
    cell: ({ bytes_staged }) => ({ text: bytesText(bytes_staged) }),
  },
  {
    title: "watermark",
    optional: true,
    cell: ({ watermark_after, watermark_before }) => {
      const text = watermark_after ?? watermark_before;
      return text === undefined ? "" : { text };
    },
  },
  {
    title: "time",
    align: "right",
    cell: ({ extract_ms, load_ms }) => ({ text: durationText(extract_ms + load_ms) }),
  },
  { title: "stage", optional: true, cell: ({ stage }) => stage ?? "" },
];

/** Prints the result of a run for people: one row per stream, and a line about the whole run. */
export function printSummary(result: RunResult, phase: Phase, printer: Printer): void {
  const columns = COLUMNS.filter((column) =>
    (column.phases?.includes(phase) ?? true) &&
    !(column.optional && result.streams.every((stream) => column.cell(stream, printer) === ""))
  );
  printer.table(
    columns,
    result.streams.map((stream) => columns.map((column) => column.cell(stream, printer))),
  );
  const succeeded = result.streams.filter(({ status }) => status === "succeeded").length;
  printer.progress(
    result.pipeline,
    `${countText(succeeded)} of ${countNoun(result.streams.length, "stream")} ` +
      `succeeded in ${durationText(result.duration_ms)}`,
  );
}
