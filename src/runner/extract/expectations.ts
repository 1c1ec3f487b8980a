/** Checks the data of a stream against the bounds of its `expect`, before the target changes. */
import type { StagedFiles } from "../../core/contracts/buffer.ts";
import { ConfigurationError, ExpectationError } from "../../core/errors.ts";
import { formatValue } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { Expectations, ReadBounds } from "../../models/stream.ts";
import type { Progress, RunContext } from "../contract/run_context.ts";
import { chooseLoadSettings, findReductionBound } from "../plan/load_settings.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { findAge, hasAge, inSourceType } from "../plan/watermark.ts";

/** Returns a context that aborts the extraction once it has read more than the stream's bounds. */
export function boundReading(
  { stream }: StreamPlan,
  context: RunContext,
  progress: Progress,
): RunContext {
  const bounds = { ...stream.expect, ...context.bounds };
  const stop = new AbortController();
  return {
    ...context,
    signal: AbortSignal.any([context.signal, stop.signal]),
    onEvent(event) {
      context.onEvent(event);
      if (event.type !== "progress" || event.phase !== "extract") return;
      progress.bytesRead = event.bytes;
      const error = findExcess(bounds, event);
      if (error !== undefined) stop.abort(error);
    },
  };
}

/**
 * Checks a stage that was just committed: its extraction may have ended before it was aborted.
 *
 * @throws {ExpectationError} if the extraction has read more than the stream's bounds
 */
export function checkReading(
  { stream }: StreamPlan,
  { bounds }: Pick<RunContext, "bounds">,
  { kind, count, files }: StagedFiles,
  { bytesRead }: Pick<Progress, "bytesRead">,
): void {
  const bytes = kind === "files" ? files.reduce((sum, { size }) => sum + size, 0) : bytesRead;
  const excess = findExcess({ ...stream.expect, ...bounds }, { rows: count, bytes });
  if (excess !== undefined) throw excess;
}

function findExcess(
  { max_rows, max_bytes }: ReadBounds,
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
): ExpectationError | undefined {
  if (max_rows !== undefined && rows > max_rows) {
    return createError(`more than ${max_rows} rows were read`, `at most ${max_rows}`, "max_rows");
  }
  if (max_bytes !== undefined && bytes > max_bytes) {
    return createError(
      `more than ${max_bytes} bytes were read`,
      `at most ${max_bytes}`,
      "max_bytes",
    );
  }
  return undefined;
}

/** Whether the rows of the target have to be counted before the load. */
export function comparesTarget(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh">,
): boolean {
  return findReductionBound(plan) !== undefined &&
    chooseLoadSettings(plan, context).mode === "replace";
}

/**
 * Checks before a row is read that the bounds can be checked after the last one.
 *
 * @param watermark the field of the range to read; undefined if everything is read
 * @throws {ConfigurationError} if the target's rows cannot be counted, or the watermark has no age
 */
export function checkBounds(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh" | "backfill">,
  watermark: Field | undefined,
  before: Progress["targetBefore"],
): void {
  if (comparesTarget(plan, context)) requireCount(before);
  const isAged = plan.stream.expect?.max_age !== undefined && context.backfill === undefined;
  if (isAged && watermark !== undefined) requireAge(watermark);
}

/** The rows of the target before the load; undefined if it does not exist. */
function requireCount(before: Progress["targetBefore"]): number | undefined {
  if (before?.exists === false) return undefined;
  if (before?.rows !== undefined) return before.rows;
  throw new ConfigurationError(
    "the rows of the target cannot be counted, as expect.max_delete_pct requires",
  );
}

function requireAge(field: Field): void {
  if (hasAge(field)) return;
  throw new ConfigurationError(
    `watermark field "${field.name}" has no age, as expect.max_age requires: it is of type ${field.dtype}, expected a date or a timestamp`,
  );
}

/**
 * Checks a committed stage before it is loaded. Its bytes were checked when it was read.
 *
 * @throws {ExpectationError} if the stage, or the rows that its load would delete, are out of bounds
 * @throws {ConfigurationError} if the target's rows cannot be counted, or the watermark has no age
 */
export function checkExpectations(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh" | "backfill" | "bounds">,
  staged: StagedFiles,
  { targetBefore }: Pick<Progress, "targetBefore">,
): void {
  const { expect = {} } = plan.stream;
  const { min_rows, max_age } = expect;
  const { count, kind } = staged;
  const read = `${count} ${kind === "files" ? "files" : "rows"} were read`;
  const excess = findExcess({ ...expect, ...context.bounds }, { rows: count, bytes: 0 });
  if (excess !== undefined) throw excess;
  if (min_rows !== undefined && count < min_rows) {
    throw createError(read, `at least ${min_rows}`, "min_rows");
  }
  if (comparesTarget(plan, context)) {
    const which = plan.stream.load?.where === undefined ? "" : " that load.where finds";
    checkDeletes(findReductionBound(plan)!, count, targetBefore, which);
  }
  if (max_age !== undefined && !context.fullRefresh && context.backfill === undefined) {
    checkAge(max_age, staged);
  }
}

function checkDeletes(
  maxPercent: number,
  count: number,
  before: Progress["targetBefore"],
  which: string,
): void {
  const rows = requireCount(before);
  if (rows === undefined) return;
  const lost = rows - count;
  if (lost * 100 <= maxPercent * rows) return;
  const percent = Math.ceil(lost * 1000 / rows) / 10;
  throw createError(
    `the replacement would leave ${count} of the target's ${rows} rows${which}, ${percent} % fewer`,
    `at most ${maxPercent} % fewer`,
    "max_delete_pct",
  );
}

/** The newest watermark is that of the rows that were read, or the target's if there were none. */
function checkAge(maxAge: string, { fields, details: { watermark } }: StagedFiles): void {
  const newest = watermark?.max ?? watermark?.expected?.max;
  if (watermark === undefined || newest === undefined) return;
  const field = fields.find(({ name }) => name === watermark.field)!;
  requireAge(field);
  const value = inSourceType(newest, field);
  const age = findAge(value, field, Temporal.Now.instant());
  const most = Temporal.Duration.from(maxAge);
  const relativeTo = Temporal.Now.zonedDateTimeISO("UTC");
  if (Temporal.Duration.compare(age, most, { relativeTo }) <= 0) return;
  const shown = age.round({ largestUnit: "days", smallestUnit: "minutes", relativeTo });
  throw createError(
    `the newest "${field.name}" is "${formatValue(value)}", ${shown.toString()} ago`,
    `at most ${maxAge} ago`,
    "max_age",
  );
}

/** Options that set a bound, too. */
const OPTIONS: { readonly [K in keyof Expectations]?: string } = {
  max_rows: "--max-rows",
  max_bytes: "--max-bytes",
};

function createError(found: string, expected: string, key: keyof Expectations): ExpectationError {
  const option = OPTIONS[key];
  const places = option === undefined ? `expect.${key}` : `expect.${key} or ${option}`;
  return new ExpectationError(
    `${found}, expected ${expected} (${places}); the target is unchanged`,
  );
}
