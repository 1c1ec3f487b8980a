/** The tables of `dxt status` and `dxt clean`. */
import { relative } from "node:path";
import { describeOwner } from "../../core/files/run_lock.ts";
import type { CleanedEntry, StoredEntry } from "../../models/stored.ts";
import { ageText, bytesText, countText } from "./format_units.ts";
import type { Printer } from "./printer.ts";
import type { Cell, Column } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { title: "name" },
  { title: "kind", yields: true },
  { title: "state" },
  { title: "rows", align: "right", yields: true },
  { title: "size", align: "right" },
  { title: "age", align: "right" },
];

/** Prints what runs keep or left, with the command that goes on. */
export function printStatus(
  entries: readonly (StoredEntry & { readonly command?: string })[],
  printer: Printer,
): void {
  const rows = entries.map((entry) => [
    ...describeEntry(entry),
    [describeSituation(entry), entry.command].filter((text) => text !== undefined).join(": "),
  ]);
  printer.table([...COLUMNS, { title: "next", wraps: true }], rows);
}

/** Prints what was removed, or would be, and what was kept. */
export function printCleaned(entries: readonly CleanedEntry[], printer: Printer): void {
  const rows = entries.map((entry) => [
    ...describeEntry(entry),
    entry.reason === undefined ? entry.action : `${entry.action}: ${entry.reason}`,
  ]);
  printer.table([...COLUMNS, { title: "action", wraps: true }], rows);
}

function describeEntry(entry: StoredEntry): (string | Cell)[] {
  const { kind, state, rows, bytes, changed } = entry;
  return [
    entry.kind === "stage" || entry.kind === "letters"
      ? { text: formatName(entry) }
      : formatPlace(entry),
    ...[
      kind,
      state,
      rows === undefined ? "" : countText(rows),
      bytes === undefined ? "" : bytesText(bytes),
      changed === undefined ? "" : ageText(Date.now() - Date.parse(changed)),
    ].map((text): Cell => ({ text })),
  ];
}

function formatName({ pipeline, stream }: StoredEntry): string {
  return `${pipeline}/${stream}`;
}

/** A path in the current folder without it; a name in a target as it is. */
function formatPlace({ kind, place }: StoredEntry): string {
  if (kind === "table" || kind === "lock" || !place.startsWith("/")) return place;
  const path = relative(Deno.cwd(), place);
  return path.startsWith("..") ? place : path;
}

const OUTCOMES: Readonly<Record<NonNullable<StoredEntry["outcome"]>, string>> = {
  committed: "the target took it",
  aborted: "the target did not take it",
  running: "the target still loads it",
  unknown: "the target cannot tell",
};

function describeSituation({ held_by, outcome, problem }: StoredEntry): string | undefined {
  if (held_by !== undefined) return typeof held_by === "string" ? held_by : describeOwner(held_by);
  return outcome === undefined ? problem : OUTCOMES[outcome];
}
