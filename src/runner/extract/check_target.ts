/** Checks before the first row is read, or before a stage is loaded, that the target can store the stream. */
import { LoaderError, LossyConversionError } from "../../core/errors.ts";
import { describeLosses } from "../../core/values/conversion.ts";
import type { Field } from "../../models/field.ts";
import { chooseLoadSettings } from "../plan/load_settings.ts";
import { datasetName } from "../plan/dataset_name.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { asTargetError } from "../contract/target_errors.ts";
import type { Progress, RunContext } from "../contract/run_context.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { comparesTarget } from "./expectations.ts";
import { plainClass } from "../worker/connection_clients.ts";
import type { PrepareContext } from "./prepare_context.ts";

interface TargetPlan {
  /** Whether the load changes columns. */
  readonly changes: boolean;
  /** The target before the load, if the stream compares it. */
  readonly before: Progress["targetBefore"];
  /** Reasons to refuse the load, losses aside. */
  readonly problems: readonly string[];
  /** Columns that hold less than their fields, where the pipeline does not accept that. */
  readonly losses: string | undefined;
}

/** Asks the target whether it can take a stream, and changes nothing. */
export async function planTarget(
  plan: StreamPlan,
  target: ConnectionClient,
  fields: readonly Field[],
  context: Pick<RunContext, "fullRefresh">,
): Promise<TargetPlan> {
  const settings = chooseLoadSettings(plan, context);
  const isCompared = comparesTarget(plan, context);
  const { exists, rows, columns, problems, changes = false } = await target.call("plan", {
    ...settings,
    loader: plainClass(plan.loader),
    target: plan.target,
    staged: { kind: plan.extractor.yields, fields },
    countsRows: isCompared ? "exact" : "none",
  });
  const name = `"${datasetName(plan.target)}"`;
  const losses = describeLosses(name, columns, settings.lossy, settings.schema);
  return { changes, before: isCompared ? { exists, rows } : undefined, problems, losses };
}

/**
 * Plans the load of a stream, and warns of its changes of an existing table.
 *
 * @returns whether it changes columns, and the target before the load, if the stream compares it
 * @throws {LoaderError} with all reasons to refuse the load
 * @throws {LossyConversionError} if the only reason is that columns hold less than their fields
 */
export async function checkTarget(
  plan: StreamPlan,
  context: PrepareContext & RunContext,
  fields: readonly Field[],
): Promise<Pick<TargetPlan, "changes" | "before">> {
  const { changes, before, problems, losses } = await context.withTarget((target) =>
    planTarget(plan, target, fields, context)
  );
  if (problems.length > 0) {
    const all = losses === undefined ? problems : [...problems, losses];
    throw asTargetError(new LoaderError(all.join("; ")));
  }
  if (losses !== undefined) throw asTargetError(new LossyConversionError(losses));
  return { changes, before };
}
