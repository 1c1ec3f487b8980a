/** `dxt run`: moves the streams of a pipeline, or one stream that options describe. */
import { merge, message, object, option } from "optique";
import { defineCommand } from "../../app/define_command.ts";
import { OPERANDS, pipelineOrStream, readSubject } from "../../app/one_stream.ts";
import * as options from "../../app/options.ts";
import { withPipes } from "../../app/pipes.ts";
import { openPlan } from "../../app/stored/saved_plan.ts";
import { runPhase } from "../../app/run_phase.ts";
import { showPlan } from "../inspect/plan.ts";

const parser = merge(
  pipelineOrStream(),
  object("Options", {
    ...options.selection(),
    ...options.records(),
    fullRefresh: options.fullRefresh(
      message`Read everything and replace the targets, whatever the streams' modes; history stays`,
    ),
    dryRun: option("--dry-run", {
      description: message`Show what would be done, as dxt plan does, without changing anything`,
    }),
    plan: options.textOption(
      "--plan",
      "FILE",
      message`Do what this plan of dxt plan --save says, or refuse and say what changed`,
    ),
    verify: options.verify(),
    ...options.bounds(),
    ...options.moving(),
  }),
);

export const run = defineCommand(
  "run",
  parser,
  async (values, context) => {
    const { plan, ...given } = values;
    const scope = plan === undefined ? given : await openPlan(plan, given, context);
    const { dryRun, ...subject } = readSubject("run", scope);
    const work = (scope: typeof subject) =>
      dryRun ? showPlan(scope, context) : runPhase("run", scope, context);
    return await withPipes(subject, context, work, !dryRun);
  },
  {
    operands: OPERANDS,
    brief: message`Move the streams of a pipeline from source to target`,
    description:
      message`Extracts each stream into a stage on disk, loads the stage into the target, and verifies that source, stage and target agree.`,
    examples: [
      "dxt run shop.yaml",
      "dxt run shop.yaml --select 'tag:daily,sales_*' --exclude sales_us",
      "dxt run shop.yaml --var SHOP_URL=postgres://127.0.0.1/shop --quiet",
      "dxt run shop.yaml --select orders --since 2025-01-01 --until 2025-02-01",
      "dxt run --plan shop.plan",
      "dxt run --from '${SHOP_URL}' --source public.orders --to ./orders.parquet",
      "dxt run --from '${SHOP_URL}' --source orders --where 'total > 9' --columns id,total --to x.csv",
      "psql -c 'COPY t TO STDOUT CSV HEADER' | dxt run --from - --format csv --to t.parquet",
      "dxt run --from x.csv --to sqlite:w.db --target x --mode upsert --key id",
    ],
  },
);
