/** The context in which a stream is prepared: both ends, warnings, and a way to ask the target. */
import type { RunContext } from "../contract/run_context.ts";
import { asTargetError } from "../contract/target_errors.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { ConnectionClient } from "../worker/connection_client.ts";
import { openTarget } from "../worker/connection_clients.ts";
import type { SearchContext } from "./missing_source.ts";
import type { Transformer } from "./transform_client.ts";

/** The context for preparing a stream, to plan it or to run it. */
export type PrepareContext = Pick<RunContext, "source" | "target" | "warn"> & SearchContext & {
  /** Calls `work` with a connection to the target, either an open one or a new one. */
  withTarget<T>(work: (target: ConnectionClient) => Promise<T>): Promise<T>;
  /** Where the stream has transforms. */
  readonly transformer: Transformer | undefined;
};

export function prepareContext(
  plan: StreamPlan,
  context: RunContext,
  transformer: Transformer | undefined,
): PrepareContext & RunContext {
  return {
    ...context,
    transformer,
    async withTarget(work) {
      try {
        await using target = openTarget(plan, context);
        return await work(target);
      } catch (error) {
        throw asTargetError(error);
      }
    },
  };
}
