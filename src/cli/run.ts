import { command, map, merge, message, object } from "optique";
import type { Action } from "./action.ts";
import * as options from "./options.ts";
import { runPhase } from "./phase.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    fullRefresh: options.fullRefresh(
      message`Read everything and replace the targets, whatever the streams' modes`,
    ),
    failFast: options.failFast(),
    threads: options.threads(),
    ...options.variables(),
    quiet: options.quiet(),
    verbose: options.verbose(),
  }),
);

export const run = command(
  "run",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => runPhase("run", values, context),
  })),
  {
    usageLine: options.usageLine("PIPELINE"),
    brief: message`Move the streams of a pipeline from source to target`,
    description:
      message`Extracts each stream into a stage on disk, loads the stage into the target, and compares what source, stage and target say of it.`,
    footer: options.examples(
      "dxt run shop.yaml",
      "dxt run shop.yaml --select 'tag:daily,sales_*' --exclude sales_us",
      "dxt run shop.yaml --var SHOP_URL=postgres://127.0.0.1/shop --quiet",
    ),
  },
);
