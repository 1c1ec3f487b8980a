/** Chooses the settings of a stream's load from its plan and the options of the run. */
import type { PlannedLoad } from "../../core/contracts/loader.ts";
import type { LoadMode } from "../../models/stream.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { StreamPlan } from "./pipeline_plan.ts";
import { targetName } from "./field_declarations.ts";

export function chooseLoadSettings(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh">,
): Pick<PlannedLoad, "mode" | "upsertKeys" | "where" | "lossy" | "schema" | "rejects"> {
  const { load } = plan.stream;
  return {
    mode: chooseMode(plan, context),
    upsertKeys: (load?.upsert_keys ?? []).map((id) => targetName(plan.stream, id)),
    where: load?.where,
    lossy: load?.lossy ?? "stop",
    schema: load?.schema,
    rejects: plan.stream.error_handling?.on_load_error === "skip",
  };
}

/** Returns `replace` for a full refresh, if the loader has that mode. */
function chooseMode(plan: StreamPlan, context: Pick<RunContext, "fullRefresh">): LoadMode {
  return context.fullRefresh && "replace" in plan.loader.modes ? "replace" : plan.mode;
}
