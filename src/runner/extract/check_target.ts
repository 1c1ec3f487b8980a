/** Checks before the first row is read that the target can store the stream. */
import { LoaderError, LossyConversionError } from "../../core/errors.ts";
import { describeLosses } from "../../core/values/conversion.ts";
import { chooseLoadSettings } from "../plan/load_settings.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";
import { asTargetError } from "../contract/target_errors.ts";
import type { RunContext } from "../contract/run_context.ts";
import { plainClass } from "../worker/connection_clients.ts";
import { stagedFields } from "../worker/extract_spec.ts";
import { type PrepareContext, streamName } from "./prepare_stream.ts";

/**
 * Plans the load of a stream, and warns of its changes of an existing table.
 *
 * @returns whether it changes columns
 * @throws {LoaderError} with all reasons to refuse the load
 * @throws {LossyConversionError} if the only reason is that columns hold less than their fields
 */
export async function checkTarget(
  plan: StreamPlan,
  context: PrepareContext & RunContext,
  fields: ResolvedFields,
): Promise<{ readonly changes: boolean }> {
  const settings = chooseLoadSettings(plan, context);
  const load = {
    ...settings,
    loader: plainClass(plan.loader),
    target: plan.target,
    staged: { kind: "records" as const, fields: stagedFields(fields) },
    countsRows: false,
  };
  const { columns, problems, changes = false } = await context.withTarget((target) =>
    target.call("plan", load)
  );
  const lost = describeLosses(`"${streamName(plan.target)}"`, columns, settings.lossy);
  if (problems.length > 0) {
    const all = lost === undefined ? problems : [...problems, lost];
    throw asTargetError(new LoaderError(all.join("; ")));
  }
  if (lost !== undefined) throw asTargetError(new LossyConversionError(lost));
  return { changes };
}
