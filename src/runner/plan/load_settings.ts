/** How a stream is loaded: the settings of its plan, as a loader gets them. */
import type { PlannedLoad } from "../../core/contracts/loader.ts";
import type { LoadMode } from "../../models/stream.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { StreamPlan } from "./pipeline_plan.ts";
import { targetName } from "./resolve_fields.ts";

export function loadSettings(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh">,
): Pick<PlannedLoad, "mode" | "upsertKeys" | "lossy" | "schema"> {
  const { load } = plan.stream;
  return {
    mode: loadMode(plan, context),
    upsertKeys: (load?.upsert_keys ?? []).map((id) => targetName(plan.stream, id)),
    lossy: load?.lossy ?? "stop",
    schema: load?.schema,
  };
}

/** A full refresh replaces what earlier runs added. */
function loadMode(plan: StreamPlan, context: Pick<RunContext, "fullRefresh">): LoadMode {
  return context.fullRefresh && "replace" in plan.loader.modes ? "replace" : plan.mode;
}
