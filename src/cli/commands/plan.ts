/** `dxt plan` and `dxt run --dry-run`: prints what a run would do. */
import { command, type InferValue, map, merge, message, object } from "optique";
import type { StreamArguments } from "../../config/mod.ts";
import type { PlanResult } from "../../models/plan.ts";
import {
  type Action,
  type Context,
  omitUndefined,
  openPipeline,
  type Variables,
} from "../app/context.ts";
import { openStream, runUntilSignal } from "../app/connections.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { type LimitOptions, parseLimits } from "../app/permission_limits.ts";
import * as options from "../app/options.ts";
import { printPlan } from "../output/plan_report.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    fullRefresh: options.fullRefresh(message`Plan to read everything and replace the targets`),
    ...options.limits(),
    ...options.variables(),
    ...options.modules(),
    ...options.outputOptions(),
  }),
);

type Values = InferValue<typeof parser>;

export const plan = command(
  "plan",
  map(parser, (values: Values): Action => ({
    verbosity: values,
    act: (context) => showPlan(values, context),
  })),
  {
    usageLine: options.usageLine("PIPELINE"),
    brief: message`Show what a run would do, without changing anything`,
    description:
      message`Connects to source and target and moves nothing. Shows for each stream its size, the watermark that a run would use, the types of each field and whether their conversion is exact, widened or lossy, the statements that create or change the target, and data that would be lost. Same as dxt run --dry-run.`,
    footer: options.examples(
      "dxt plan shop.yaml",
      "dxt plan shop.yaml --select orders --full-refresh",
      "dxt plan shop.yaml --output json",
    ),
  },
);

export interface PlanOptions extends Variables, LimitOptions {
  readonly pipeline?: string | undefined;
  readonly stream?: StreamArguments | undefined;
  readonly select?: string | undefined;
  readonly exclude?: string | undefined;
  readonly fullRefresh?: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit?: number | undefined;
}

/** Plans a pipeline, prints the plan, and returns the exit code. */
export async function showPlan(options: PlanOptions, context: Context): Promise<number> {
  const { io, printer } = context;
  const { pipeline, stream, select, exclude, fullRefresh, since, until, limit } = options;
  const loaded = stream === undefined
    ? await openPipeline(pipeline!, options, context)
    : await openStream(stream, options, context);
  const backfill = since === undefined && until === undefined
    ? undefined
    : omitUndefined({ since, until });
  const { admitPipeline, previewPipeline } = await import("../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const limits = parseLimits(options);
    await admitPipeline(loaded, { purpose: "look", ...omitUndefined({ select, exclude }), limits });
    const result = await previewPipeline(loaded, {
      ...omitUndefined({ select, exclude, fullRefresh, backfill, limit }),
      signal,
    });
    const { streams, ...about } = result;
    printer.results({
      name: "streams",
      entries: streams,
      about,
      table: () => printPlan(result, io.stdout.columns, printer),
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
