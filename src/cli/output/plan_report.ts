/** Prints a plan for people. On a terminal its lines fit the width; elsewhere only prose is wrapped. */
import type { PlannedField, PlannedStream, PlanResult } from "../../models/plan.ts";
import type { Expectations } from "../../models/stream.ts";
import type { Output } from "../terminal/stdio.ts";
import type { Printer } from "./printer.ts";
import type { Cell } from "./table.ts";
import { escapeControls, wrapText } from "./terminal_text.ts";
import { bytesText, countNoun, countText } from "./format_units.ts";

const INDENT = "  ";
const LABEL = 10;

export function printPlan(plan: PlanResult, output: Output, printer: Printer): void {
  for (const stream of plan.streams) printStream(stream, output, printer);
  const ready = plan.streams.filter(({ status }) => status === "ready").length;
  printer.progress(
    plan.pipeline,
    `${countText(ready)} of ${countNoun(plan.streams.length, "stream")} ready; nothing was changed`,
  );
}

function printStream(
  stream: PlannedStream,
  { isTerminal, columns }: Output,
  printer: Printer,
): void {
  // Masked first: a secret must not be cut by the end of a line.
  const print = (label: string, text: string) => {
    const shown = escapeControls(printer.maskedText(text));
    wrapText(shown, columns - INDENT.length - LABEL).forEach((line, i) =>
      printer.result(`${INDENT}${(i === 0 ? label : "").padEnd(LABEL)}${line}`)
    );
  };
  const printName = (label: string, name: string) => {
    if (isTerminal) print(label, name);
    else printer.result(`${INDENT}${label.padEnd(LABEL)}${escapeControls(name)}`);
  };
  printer.document(escapeControls(`${stream.stream}: ${stream.status}`));
  printName("source", sourceText(stream));
  print("read", readText(stream));
  printName("target", targetText(stream));
  print("load", loadText(stream));
  if (stream.expect !== undefined) print("expect", expectText(stream.expect));
  if (stream.fields.length > 0) {
    printer.table(COLUMNS, stream.fields.map(listCells), INDENT.repeat(2));
  }
  for (const field of stream.fields) {
    if (field.note !== undefined) print("note", noteText(field));
  }
  for (const statement of stream.statements) print("runs", `${statement};`);
  for (const loss of stream.destructive) print("LOST", loss);
  for (const warning of stream.warnings) print("warning", warning.replace(/\s*\n\s*/g, " "));
  for (const problem of stream.problems) print("problem", problem.replace(/\s*\n\s*/g, " "));
}

function expectText(expect: Expectations): string {
  const { min_rows, max_rows, max_bytes, max_delete_pct, max_age } = expect;
  return [
    ...(min_rows === undefined ? [] : [`at least ${countNoun(min_rows, "row")}`]),
    ...(max_rows === undefined ? [] : [`at most ${countNoun(max_rows, "row")}`]),
    ...(max_bytes === undefined ? [] : [`at most ${bytesText(max_bytes)}`]),
    ...(max_delete_pct === undefined ? [] : [`a target at most ${max_delete_pct} % smaller`]),
    ...(max_age === undefined ? [] : [`a watermark at most ${max_age} old`]),
  ].join(", ");
}

function sourceText({ source: { name, kind, rows, bytes } }: PlannedStream): string {
  const size = [
    rows === undefined ? "rows unknown" : `about ${countNoun(rows, "row")}`,
    ...(bytes === undefined ? [] : [bytesText(bytes)]),
  ];
  return kind === undefined ? name : `${[kind, ...size].join(", ")}: ${name}`;
}

function readText({ extract }: PlannedStream): string {
  const { mode, watermark_field: field, watermark, watermark_of, after, up_to: upTo } = extract;
  if (mode === "full") return "full: everything";
  if (field === undefined) return "incremental";
  if (after === undefined && upTo !== undefined) return `incremental by ${field}: below ${upTo}`;
  if (upTo !== undefined) return `incremental by ${field}: from ${after}, below ${upTo}`;
  if (after === undefined) {
    return `incremental by ${field}: everything, ${watermark_of ?? "the target"} has none yet`;
  }
  const from = watermark === null || watermark === undefined
    ? "the initial value"
    : `the highest in ${watermark_of ?? "the target"} is ${watermark}`;
  return `incremental by ${field}: after ${after}, ${from}`;
}

function targetText({ target: { name, exists, rows } }: PlannedStream): string {
  if (exists === undefined) return name;
  if (!exists) return `new: ${name}`;
  return `${rows === undefined ? "exists" : countNoun(rows, "row")}: ${name}`;
}

function loadText(
  { load: { mode, upsert_keys, where, deletes, verify, guarantee } }: PlannedStream,
): string {
  const keys = upsert_keys.length === 0 ? "" : ` by ${upsert_keys.join(", ")}`;
  const rows = where === undefined ? "" : ` rows where ${where}`;
  const missing = deletes === undefined ? "" : `, ${deletes} deletes`;
  const proof = verify === undefined ? "" : `, verify ${verify}`;
  return `${mode}${keys}${missing}${rows} (${guarantee})${proof}`;
}

function noteText({ name, conversion, note, accepted }: PlannedField): string {
  return `${name}: ${note}${conversion === "lossy" && accepted ? " (accepted)" : ""}`;
}

const COLUMNS = ["field", "source", "dxt", "target", "conversion"]
  .map((title) => ({ title, least: title.length, wraps: true }) as const);

function listCells(
  { name, source_type, dtype, target_type, conversion }: PlannedField,
): Cell[] {
  return [name, source_type, dtype, target_type, conversion].map((text) => ({ text }));
}
