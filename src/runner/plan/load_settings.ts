/** Chooses the settings of a stream's load from its plan and the options of the run. */
import { type History, type PlannedLoad, replacesAll } from "../../core/contracts/loader.ts";
import { isKeyed } from "../../models/rules.ts";
import type { LoadMode, Stream } from "../../models/stream.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { StreamPlan } from "./pipeline_plan.ts";
import { targetName } from "./field_declarations.ts";

type LoadSettings = Pick<
  PlannedLoad,
  "mode" | "upsertKeys" | "where" | "deletes" | "history" | "lossy" | "schema" | "rejects"
>;

/** The options of a run that load settings depend on. */
export type LoadOptions = Pick<RunContext, "fullRefresh"> & Partial<Pick<RunContext, "only">>;

export function chooseLoadSettings(
  plan: StreamPlan,
  context: LoadOptions,
): LoadSettings {
  const { load } = plan.stream;
  const mode = chooseMode(plan, context);
  return {
    mode,
    deletes: isKeyed(mode) ? chooseDeletes(plan, context) : undefined,
    history: mode === "scd2" ? chooseHistory(plan) : undefined,
    upsertKeys: (load?.upsert_keys ?? []).map((id) => targetName(plan.stream, id)),
    where: load?.where,
    lossy: load?.lossy ?? "stop",
    schema: load?.schema,
    rejects: rejectsRows(plan.stream),
  };
}

/** How a load may change the types of its target's columns: not at all, to wider types, or to any type. */
export type TypeChange = "none" | "widen" | "any";

export function chooseTypeChange(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh">,
): TypeChange {
  const { schema, ...load } = chooseLoadSettings(plan, context);
  if (schema === "strict") return "none";
  if (replacesAll(load)) return "any";
  return schema === "evolve" ? "widen" : "none";
}

/** Highest percentage of rows that `load.deletes` deletes where `expect` says none: a source may be empty by mistake. */
const MAX_DELETE_PCT = 50;

function chooseDeletes(
  { stream: { id, load, expect } }: StreamPlan,
  { only }: LoadOptions,
): PlannedLoad["deletes"] {
  if (load?.deletes === undefined) return undefined;
  const column = findDeletedColumn(load);
  const selection = only?.get(id);
  if (selection !== undefined && selection.deletes !== true) {
    return column === undefined ? undefined : { maxPercent: 0, column, spares: true };
  }
  return { maxPercent: expect?.max_delete_pct ?? MAX_DELETE_PCT, column };
}

/** Highest percentage by which a replacement may reduce the rows of its target; undefined where any number may go. */
export function findReductionBound(
  { stream: { load, expect } }: Pick<StreamPlan, "stream">,
): number | undefined {
  const unset = load?.deletes === undefined ? undefined : MAX_DELETE_PCT;
  return expect?.max_delete_pct ?? unset;
}

/** The names of the columns that tell versions apart. */
export function chooseHistory({ stream }: Pick<StreamPlan, "stream">): History {
  const { valid_from_field: field, ...names } = stream.load?.history ?? {};
  return {
    validFrom: names.valid_from ?? "valid_from",
    validTo: names.valid_to ?? "valid_to",
    isCurrent: names.is_current ?? "is_current",
    fromField: field === undefined ? undefined : targetName(stream, field),
  };
}

/** The target's column in which a load marks deleted rows; undefined where it marks none. */
function findDeletedColumn(load: Stream["load"]): string | undefined {
  return load?.deletes === "soft" && load.mode !== "scd2"
    ? load.deleted_at ?? "_dxt_deleted_at"
    : undefined;
}

/** The target's columns that the load fills itself, and no field of the stream. */
export function listOwnColumns(plan: Pick<StreamPlan, "stream" | "mode">): string[] {
  if (plan.mode !== "scd2") return [findDeletedColumn(plan.stream.load) ?? []].flat();
  const { validFrom, validTo, isCurrent } = chooseHistory(plan);
  return [validFrom, validTo, isCurrent];
}

/** The target's column that is not NULL in deleted rows, and in versions that have ended. */
export function findEndColumn(plan: Pick<StreamPlan, "stream" | "mode">): string | undefined {
  return plan.mode === "scd2" ? chooseHistory(plan).validTo : findDeletedColumn(plan.stream.load);
}

/** Whether the rows that one of the steps rejects become dead letters. */
export function keepsLetters({ error_handling = {} }: Pick<Stream, "error_handling">): boolean {
  return rejectsRows({ error_handling }) || rejectsRecords({ error_handling });
}

/** Whether some records are rejected before they are staged, instead of failing the extraction. */
export function rejectsRecords({ error_handling }: Pick<Stream, "error_handling">): boolean {
  return error_handling?.on_extract_error === "skip" ||
    error_handling?.on_transform_error === "skip";
}

/** Whether rows that the target refuses become dead letters, instead of failing the load. */
export function rejectsRows({ error_handling }: Pick<Stream, "error_handling">): boolean {
  return error_handling?.on_load_error === "skip";
}

/** Returns `replace` for a full refresh, if the loader has that mode; history is never replaced. */
function chooseMode(
  { mode, loader }: StreamPlan,
  { fullRefresh }: Pick<RunContext, "fullRefresh">,
): LoadMode {
  return fullRefresh && mode !== "scd2" && "replace" in loader.modes ? "replace" : mode;
}
