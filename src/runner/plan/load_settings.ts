/** Chooses the settings of a stream's load from its plan and the options of the run. */
import { type PlannedLoad, replacesAll } from "../../core/contracts/loader.ts";
import type { LoadMode, Stream } from "../../models/stream.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { StreamPlan } from "./pipeline_plan.ts";
import { targetName } from "./field_declarations.ts";

export function chooseLoadSettings(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh">,
): Pick<PlannedLoad, "mode" | "upsertKeys" | "where" | "deletes" | "lossy" | "schema" | "rejects"> {
  const { load } = plan.stream;
  const mode = chooseMode(plan, context);
  return {
    mode,
    deletes: mode === "upsert" ? chooseDeletes(plan) : undefined,
    upsertKeys: (load?.upsert_keys ?? []).map((id) => targetName(plan.stream, id)),
    where: load?.where,
    lossy: load?.lossy ?? "stop",
    schema: load?.schema,
    rejects: rejectsRows(plan.stream),
  };
}

/** How a load may change the types of its target's columns: not at all, to types that hold more, or to any type. */
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

function chooseDeletes({ stream: { load, expect } }: StreamPlan): PlannedLoad["deletes"] {
  if (load?.deletes === undefined) return undefined;
  return {
    maxPercent: expect?.max_delete_pct ?? MAX_DELETE_PCT,
    column: findDeletedColumn(load),
  };
}

/** The target's column in which a load marks deleted rows; undefined where it marks none. */
export function findDeletedColumn(load: Stream["load"]): string | undefined {
  return load?.deletes === "soft" ? load.deleted_at ?? "_dxt_deleted_at" : undefined;
}

/** Whether rows that the target refuses become dead letters, instead of failing the load. */
export function rejectsRows({ error_handling }: Pick<Stream, "error_handling">): boolean {
  return error_handling?.on_load_error === "skip";
}

/** Returns `replace` for a full refresh, if the loader has that mode. */
function chooseMode(plan: StreamPlan, context: Pick<RunContext, "fullRefresh">): LoadMode {
  return context.fullRefresh && "replace" in plan.loader.modes ? "replace" : plan.mode;
}
