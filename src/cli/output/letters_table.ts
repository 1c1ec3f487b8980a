/** The tables of `dxt dlq`. */
import type { FoundLetters } from "../../integrity/dead_letters.ts";
import type { DeadLetter } from "../../models/stored.ts";
import { ageText, bytesText, countText } from "./format_units.ts";
import type { Printer } from "./printer.ts";
import type { Column } from "./table.ts";

const FILES: readonly Column[] = [
  ...[{ title: "stream" }, { title: "run" }, { title: "state" }],
  { title: "rows", align: "right" },
  { title: "size", align: "right", yields: true },
  { title: "age", align: "right" },
  { title: "reasons", wraps: true },
];

const ROWS: readonly Column[] = [
  ...[{ title: "stream" }, { title: "row" }, { title: "kind" }, { title: "record" }],
  { title: "message", wraps: true },
];

/** Prints files of rejected rows. */
export function printLetters(found: readonly FoundLetters[], printer: Printer): void {
  const rows = found.map(({ header, rows, bytes, reasons, isInDoubt }) =>
    [
      header.stream,
      header.run_id.slice(0, 8),
      isInDoubt ? "in doubt" : "rejected",
      countText(rows),
      bytesText(bytes),
      ageText(Date.now() - Date.parse(header.at)),
      Object.entries(reasons).map(([kind, count]) => `${kind} ${count}`).join(", "),
    ].map((text) => ({ text }))
  );
  printer.table(FILES, rows);
}

/** A rejected row, with its stream and the run that rejected it. */
export type ShownRow = DeadLetter & { readonly stream: string; readonly run_id: string };

/** Prints rejected rows, each with its values in one cell: streams have different fields. */
export function printRows(entries: readonly ShownRow[], printer: Printer): void {
  if (entries.length === 0) return printer.progress("dlq", "there are no dead letters");
  const rows = entries.map(({ stream, row, line, kind, record, text, message }) => {
    const place = line !== undefined ? `line ${line}` : row === undefined ? "" : countText(row);
    const values = record === undefined ? text ?? "" : JSON.stringify(record);
    return [stream, place, kind, values, message].map((text) => ({ text }));
  });
  printer.table(ROWS, rows);
}
