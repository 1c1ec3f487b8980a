/** The differences between source and target, as tables for people and as JSON for programs. */
import type { ComparedRows, PipelineDiff, RowDifference, StreamDiff } from "../../runner/mod.ts";
import type { Value } from "../../core/values/values.ts";
import { isNumeric } from "../../core/values/kinds.ts";
import type { Field } from "../../models/field.ts";
import type { RunResult } from "../../models/result.ts";
import { cellText, jsonRecord } from "./format_value.ts";
import { countNoun, countText } from "./format_units.ts";
import type { Printer } from "./printer.ts";
import type { Cell, Column } from "./table.ts";
import { escapeControls, escapeJSON } from "./terminal_text.ts";

type Kind = RowDifference["kind"];

/** Each kind in a table, in a sentence, and in JSON. */
const KINDS: Readonly<
  Record<Kind, { title: string; count: string; key: string; noun?: string }>
> = {
  source: { title: "only in source", count: "only in the source", key: "only_in_source" },
  target: { title: "only in target", count: "only in the target", key: "only_in_target" },
  changed: { title: "changed", count: "changed", key: "changed" },
  several: {
    title: "several rows",
    count: "of several rows that differ",
    key: "several_rows",
    noun: "key",
  },
};

/** Prints one stream as text, with a table of its differences. */
export function printStreamDiff(diff: StreamDiff, printer: Printer): void {
  const { stream, compared, error } = diff;
  for (const warning of diff.warnings) printer.warning(warning, stream);
  if (compared === undefined) return printer.error(error!.message);
  const { omitted, differences, keys } = compared;
  const head = `${stream}: `;
  printer.paragraph(`${head}${describeCounts(diff.status, compared)}`, head.length);
  if (omitted.length > 0) {
    const list = omitted.map(({ field, reason }) => `"${field}" (${reason})`).join(", ");
    printer.warning(`not compared: ${list}`, stream);
  }
  if (differences.length === 0) return;
  printer.table(
    makeColumns(keys),
    differences.flatMap((one) => makeRows(one, keys, printer)),
    "  ",
  );
  const all = Object.values(compared.counts).reduce((sum, count) => sum + count, 0);
  if (all > differences.length) {
    printer.progress(stream, `${countText(differences.length)} of ${countText(all)} are shown`);
  }
}

/** For example `different: 100 rows in the source, 99 in the target; 1 only in the source, 2 changed`. */
function describeCounts(
  status: StreamDiff["status"],
  { rows, counts, later }: ComparedRows,
): string {
  const found = Object.entries(KINDS).flatMap(([kind, { count, noun }]) => {
    const number = counts[kind as Kind];
    if (number === 0) return [];
    return [`${noun === undefined ? countText(number) : countNoun(number, noun)} ${count}`];
  });
  const sizes = rows.source === rows.target
    ? `${countNoun(rows.source, "row")} on both sides`
    : `${countNoun(rows.source, "row")} in the source, ${countText(rows.target)} in the target`;
  const next = later === 0 ? [] : [`${countText(later)} not loaded yet`];
  const details = [...found, ...next];
  return `${status}: ${sizes}${details.length === 0 ? "" : `; ${details.join(", ")}`}`;
}

function makeColumns(keys: readonly Field[]): Column[] {
  return [
    { title: "difference" },
    ...keys.map(({ name, dtype }): Column => ({
      title: escapeControls(name),
      ...(isNumeric(dtype) ? { align: "right" } : {}),
    })),
    { title: "field" },
    { title: "source", keepsEnds: true },
    { title: "target", keepsEnds: true },
  ];
}

/** A row for each field that differs. A row that one side lacks is named by its key, or else by all its fields. */
function makeRows(
  { kind, key, fields }: RowDifference,
  keys: readonly Field[],
  printer: Printer,
): Cell[][] {
  const cell = (value: Value | undefined, { dtype }: Field): Cell =>
    value === undefined
      ? { text: "" }
      : value === null
      ? printer.colorCell(cellText(value), "dim")
      : { text: cellText(value, dtype) };
  const name = [
    printer.colorCell(KINDS[kind].title, kind === "changed" ? "yellow" : "red"),
    ...keys.map((field, i) => cell(key[i], field)),
  ];
  const isNamed = keys.length > 0 && kind !== "changed";
  if (isNamed || fields.length === 0) return [name];
  return fields.map(({ field, source, target }, i) => [
    ...(i === 0 ? name : name.map(() => ({ text: "" }))),
    { text: field.name },
    cell(source, field),
    cell(target, field),
  ]);
}

/** A pipeline as one JSON document, with the run that repaired it before. */
export function formatDiff(
  { pipeline, status, streams }: PipelineDiff,
  repair: RunResult | undefined,
  printer: Printer,
): string {
  const list = streams.map((stream) => formatStreamDiff(stream, printer)).join(",");
  const head = {
    pipeline,
    status,
    ...(repair === undefined ? {} : { repair: printer.masked(repair) }),
  };
  return addMember(escapeJSON(head), "streams", `[${list}]`);
}

/** A stream as a JSON object on one line. Records hold no secret of dxt, so that they are not masked. */
export function formatStreamDiff(
  { stream, status, source, target, compared, warnings, error, ms }: StreamDiff,
  printer: Printer,
): string {
  const head = {
    ...{ stream, status, source, target },
    ...(compared === undefined ? {} : {
      rows_source: compared.rows.source,
      rows_target: compared.rows.target,
      rows_not_loaded: compared.later,
      ...Object.fromEntries(
        Object.entries(KINDS).map(([kind, { key }]) => [key, compared.counts[kind as Kind]]),
      ),
      keys: compared.keys.map(({ name }) => name),
      omitted: compared.omitted,
    }),
    warnings,
    ...(error === undefined ? {} : { error }),
    duration_ms: ms,
  };
  const text = escapeJSON(printer.masked(head));
  if (compared === undefined) return text;
  const list = compared.differences.map((one) => formatDifference(one, compared.keys)).join(",");
  return addMember(text, "differences", `[${list}]`);
}

function formatDifference({ kind, key, fields }: RowDifference, keys: readonly Field[]): string {
  const sides = (["source", "target"] as const).flatMap((side) => {
    const shown = fields.filter((one) => one[side] !== undefined);
    if (shown.length === 0) return [];
    const values = jsonRecord(shown.map(({ field }) => field), shown.map((one) => one[side]!));
    return [`"${side}":${values}`];
  });
  return escapeControls(
    `{${
      [
        `"kind":${JSON.stringify(KINDS[kind].key)}`,
        `"key":${jsonRecord(keys, key)}`,
        ...sides,
      ].join(",")
    }}`,
  );
}

/** Adds a member, which is JSON already, to the text of a JSON object that has others. */
function addMember(object: string, name: string, value: string): string {
  return `${object.slice(0, -1)},${JSON.stringify(name)}:${value}}`;
}
