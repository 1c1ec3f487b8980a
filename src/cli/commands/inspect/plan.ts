/** `dxt plan` and `dxt run --dry-run`: prints what a run would do. */
import { merge, message, object } from "optique";
import type { PlanResult } from "../../../models/plan.ts";
import { type Context, omitUndefined } from "../../app/context.ts";
import { chooseRecords, openScope, type RunScope, runUntilSignal } from "../../app/connections.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { defineCommand } from "../../app/define_command.ts";
import { OPERANDS, pipelineOrStream, readSubject } from "../../app/one_stream.ts";
import * as options from "../../app/options.ts";
import { withPipes } from "../../app/pipes.ts";
import { printPlan } from "../../output/plan_report.ts";

const parser = merge(
  pipelineOrStream(),
  object("Options", {
    ...options.selection(),
    ...options.records(),
    fullRefresh: options.fullRefresh(message`Plan to read everything and replace the targets`),
    ...options.inspecting(),
  }),
);

export const plan = defineCommand(
  "plan",
  parser,
  (values, context) =>
    withPipes(readSubject("plan", values), context, (scope) => showPlan(scope, context)),
  {
    operands: OPERANDS,
    brief: message`Show what a run would do, without changing anything`,
    description:
      message`Connects to source and target and moves nothing. Shows for each stream its size, the watermark that a run would use, the types of each field and whether their conversion is exact, widened or lossy, the statements that create or change the target, and data that would be lost. Same as dxt run --dry-run.`,
    examples: [
      "dxt plan shop.yaml",
      "dxt plan shop.yaml --select orders --full-refresh",
      "dxt plan shop.yaml --output json",
      "dxt plan --from '${SHOP_URL}' --source public.orders --to ./orders.parquet",
    ],
  },
);

/** Plans a pipeline, prints the plan, and returns the exit code. */
export async function showPlan(scope: RunScope, context: Context): Promise<number> {
  const { io, printer } = context;
  const { select, exclude } = scope;
  const loaded = await openScope(scope, context);
  const { admitPipeline, previewPipeline } = await import("../../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const limits = parseLimits(scope);
    const use = { purpose: "look", ...omitUndefined({ select, exclude }), limits } as const;
    const mayExplore = await admitPipeline(loaded, use);
    const result = await previewPipeline(loaded, { ...chooseRecords(scope), mayExplore, signal });
    const { streams, ...about } = result;
    printer.results({
      name: "streams",
      entries: streams,
      about,
      table: () => printPlan(result, io.stdout, printer),
    });
    return EXITS[result.status];
  });
}

/** "stopped" means that the pipeline has to be changed; "failed" may have any cause. */
const EXITS: Readonly<Record<PlanResult["status"], number>> = {
  ready: EXIT.done,
  stopped: EXIT.usage,
  failed: EXIT.failed,
  partial: EXIT.someFailed,
};
