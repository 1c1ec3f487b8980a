/** The table of `dxt runs`. */
import type { RunReceipt } from "../../models/result.ts";
import { countText, durationText } from "./format_units.ts";
import type { Printer } from "./printer.ts";
import { STATUS_COLORS } from "./run/summary.ts";
import type { Column } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { title: "started", least: "2026-03-01 06:00:00Z".length },
  { title: "pipeline" },
  { title: "run", yields: true },
  { title: "command", yields: true },
  { title: "status" },
  { title: "streams", align: "right", yields: true },
  { title: "rows", align: "right" },
  { title: "time", align: "right" },
  { title: "verified", yields: true },
];

/** Prints a row for each run. */
export function printRuns(receipts: readonly RunReceipt[], printer: Printer): void {
  const rows = receipts.map(({ phase, result }) => {
    const { started_at, pipeline, run_id, status, streams, duration_ms } = result;
    const moved = phase === "extract" ? "rows_extracted" : "rows_loaded";
    const rows = streams.reduce((sum, one) => sum + one[moved], 0);
    return [
      { text: started_at.replace("T", " ").replace(/(\.\d+)?Z$/, "Z") },
      { text: pipeline },
      { text: run_id.slice(0, 8) },
      { text: phase },
      printer.colorCell(status, STATUS_COLORS[status]),
      { text: countText(streams.length) },
      { text: countText(rows) },
      { text: durationText(duration_ms) },
      { text: describeVerified(streams) },
    ];
  });
  printer.table(COLUMNS, rows);
}

/** Levels of the streams, each once: `full, counts`. */
function describeVerified(streams: RunReceipt["result"]["streams"]): string {
  const levels = streams.flatMap(({ proof }) => proof?.verified?.level ?? []);
  return [...new Set(levels)].join(", ");
}
