/** Verifies values: compares the rows that a load wrote with the summary of its stage. */
import { arrowSchema, formatTotal, Summarizer, wrapBatch } from "../arrow/mod.ts";
import type { StagedData } from "../core/contracts/buffer.ts";
import type {
  LoadedRows,
  LoadedTotals,
  VerifiedLoad,
  VerifyLoad,
} from "../core/contracts/loader.ts";
import { VerificationError } from "../core/errors.ts";
import type { Field } from "../models/field.ts";
import type { VerifyLevel } from "../models/stream.ts";
import type { RowsSummary } from "../models/summary.ts";
import { findDifference } from "./first_difference.ts";

/**
 * Returns the verification of a load.
 *
 * @param wanted what the pipeline asks for; unset, it depends on what the stage and the target have
 */
export function createVerification(
  staged: StagedData,
  keys: readonly string[],
  wanted: VerifyLevel | undefined,
): VerifyLoad {
  return async (rows) => {
    const start = performance.now();
    if ("unreadable" in rows) {
      return { level: "counts", reason: rows.unreadable, omitted: [], ms: 0 };
    }
    const { summary } = await staged.committed();
    const { level, reason } = chooseLevel(summary, rows, wanted);
    if (level === "full" && rows.fields.every(({ name }) => rows.altered.has(name))) {
      const omitted = [...rows.altered].map(([field, reason]) => ({ field, reason }));
      return { level: "counts", reason: "no field reads back as it was staged", omitted, ms: 0 };
    }
    const omitted = level === "full"
      ? await compareRows(staged, await summarize(staged, level, summary), rows, keys)
      : level === "aggregates"
      ? compareTotals(
        await summarize(staged, level, summary),
        rows,
        await rows.total!(rows.fields),
      )
      : [];
    return { level, reason, omitted, ms: Math.round(performance.now() - start) };
  };
}

/** A stage has digests where that cost little, or the pipeline asks for them. */
function chooseLevel(
  summary: RowsSummary | undefined,
  { doubt, total }: LoadedRows,
  wanted: VerifyLevel | undefined,
): Pick<VerifiedLoad, "level" | "reason"> {
  if (wanted === "aggregates" && total === undefined) {
    return { level: "full", reason: "the target computes no aggregates" };
  }
  if (wanted !== undefined) return { level: wanted };
  if (doubt !== undefined) return { level: "counts", reason: doubt };
  if (summary?.digest !== undefined) return { level: "full" };
  return summary === undefined || total === undefined
    ? { level: "counts", reason: "to read a large target back takes long" }
    : { level: "aggregates", reason: "to read a large target back takes long" };
}

/** Returns the summary of a stage, which is read again if an earlier run wrote it without. */
async function summarize(
  staged: StagedData,
  level: "aggregates" | "full",
  summary: RowsSummary | undefined,
): Promise<RowsSummary> {
  if (summary !== undefined && (level === "aggregates" || summary.digest !== undefined)) {
    return summary;
  }
  const summarizer = new Summarizer(staged.fields, level);
  for await (const batch of staged.scanBatches()) summarizer.add(batch);
  return summarizer.summarize()!;
}

/** Compares digests of all values. Returns the fields that cannot be compared. */
async function compareRows(
  staged: StagedData,
  whole: RowsSummary,
  rows: LoadedRows,
  keys: readonly string[],
): Promise<VerifiedLoad["omitted"]> {
  const fields = rows.fields.filter(({ name }) => !rows.altered.has(name));
  const omitted = [...rows.altered].map(([field, reason]) => ({ field, reason }));
  const summarizer = new Summarizer(fields);
  for await (const batch of rows.read(fields)) summarizer.add(batch);
  const found = summarizer.summarize()!;
  const isWhole = fields.length === staged.fields.length;
  const summary = isWhole ? whole : await summarizeFields(staged, fields);
  const wanted = new Map(summary.columns.map((column) => [column.name, column]));
  const wrong = fields.flatMap(({ name }, i) => {
    const [before, after] = [wanted.get(name)!, found.columns[i]!];
    return before.digest === after.digest && before.nulls === after.nulls ? [] : [name];
  });
  const isMoved = wrong.length === 0 && found.digest !== summary.digest;
  if (found.rows !== summary.rows || wrong.length > 0 || isMoved) {
    const what = found.rows !== summary.rows
      ? `it holds ${found.rows} rows of the load, staged are ${summary.rows}`
      : isMoved
      ? "values changed places between rows"
      : `${describeFields(wrong)} differ from the stage`;
    const row = await findDifference(staged, rows, fields, keys);
    throw new VerificationError(
      `Cannot prove the load into ${rows.label}: ${what}${row === undefined ? "" : `; ${row}`}`,
    );
  }
  return omitted;
}

/** Summarizes some fields of a stage: the digest of its rows covers all fields. */
async function summarizeFields(
  staged: Pick<StagedData, "fields" | "scanBatches">,
  fields: readonly Field[],
): Promise<RowsSummary> {
  const indexes = fields.map(({ name }) => staged.fields.findIndex((field) => field.name === name));
  const summarizer = new Summarizer(fields);
  for await (const { data: { children }, numRows } of staged.scanBatches()) {
    const columns = indexes.map((i) => children[i]!);
    summarizer.add(wrapBatch(arrowSchema(fields), columns, numRows));
  }
  return summarizer.summarize()!;
}

/** Compares what the target computed. Returns the fields of which it computed nothing but NULLs. */
function compareTotals(
  summary: RowsSummary,
  { label, fields }: LoadedRows,
  found: LoadedTotals,
): VerifiedLoad["omitted"] {
  const refuse = (detail: string) =>
    new VerificationError(`Cannot prove the load into ${label}: ${detail}`);
  if (found.rows !== summary.rows) {
    throw refuse(`it holds ${found.rows} rows of the load, staged are ${summary.rows}`);
  }
  const byName = new Map(summary.columns.map((column) => [column.name, column]));
  const omitted: string[] = [];
  fields.forEach((field, i) => {
    const [wanted, column] = [byName.get(field.name)!, found.columns[i]!];
    if (column.nulls !== wanted.nulls) {
      throw refuse(`"${field.name}" is NULL in ${column.nulls} rows, staged are ${wanted.nulls}`);
    }
    for (const total of TOTALS) {
      if (column[total] === undefined || wanted[total] === undefined) continue;
      const staged = formatTotal(field, total, wanted[total]);
      if (column[total] === staged) continue;
      throw refuse(`the ${total} of "${field.name}" is ${column[total]}, staged is ${staged}`);
    }
    const hasTotals = TOTALS.some((total) => column[total] !== undefined);
    if (!hasTotals && wanted.nulls < summary.rows) omitted.push(field.name);
  });
  return omitted.map((field) => ({ field, reason: "only its NULLs were counted" }));
}

const TOTALS = ["min", "max", "sum"] as const;

function describeFields(names: readonly Field["name"][]): string {
  const list = names.slice(0, 5).map((name) => `"${name}"`).join(", ");
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return `the values of ${names.length === 1 ? "field" : "fields"} ${list}${more}`;
}
