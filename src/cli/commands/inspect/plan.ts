/** `dxt plan` and `dxt run --dry-run`: prints what a run would do. */
import { merge, message, object } from "optique";
import type { PlanResult } from "../../../models/plan.ts";
import { type Context, omitUndefined } from "../../app/context.ts";
import { chooseStreams, openScope, type RunScope, runUntilSignal } from "../../app/connections.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import {
  checkPlanFile,
  comparePlan,
  type OpenedPlan,
  savePlan,
} from "../../app/stored/saved_plan.ts";
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
    verify: options.verify(),
    save: options.textOption(
      "--save",
      "FILE",
      message`Save the plan: dxt run --plan FILE does what it says, or refuses`,
    ),
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
      "dxt plan shop.yaml --save shop.plan",
      "dxt plan --from '${SHOP_URL}' --source public.orders --to ./orders.parquet",
    ],
  },
);

/** What is planned, and the saved plan that is written or compared. */
export interface PlanScope extends RunScope {
  /** Path of the plan to save. */
  readonly save?: string | undefined;
  /** The plan that a run would follow. */
  readonly saved?: OpenedPlan;
}

/** Plans a pipeline, prints the plan, and returns the exit code. */
export async function showPlan(scope: PlanScope, context: Context): Promise<number> {
  const { io, printer } = context;
  const { select, exclude, save, saved } = scope;
  if (save !== undefined) await checkPlanFile(save, scope);
  const loaded = await openScope(scope, context);
  const { admitPipeline, previewPipeline } = await import("../../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const limits = parseLimits(scope);
    const use = { purpose: "look", ...omitUndefined({ select, exclude }), limits } as const;
    const mayExplore = await admitPipeline(loaded, use);
    const preview = await previewPipeline(loaded, { ...chooseStreams(scope), mayExplore, signal });
    const { result } = preview;
    const { streams, ...about } = result;
    printer.results({
      name: "streams",
      entries: streams,
      about,
      table: () => printPlan(result, io.stdout, printer),
    });
    if (saved !== undefined) await comparePlan(saved, preview, context);
    if (save !== undefined) await savePlan(save, preview, scope, context);
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
