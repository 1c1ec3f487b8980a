/** `dxt load`: loads stages into their targets. */
import { command, map, merge, message, object } from "optique";
import type { Action } from "../app/context.ts";
import * as options from "../app/options.ts";
import { runPhase } from "../app/run_phase.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    failFast: options.failFast(),
    threads: options.threads(),
    wait: options.wait(),
    sandbox: options.sandbox(),
    showValues: options.showValues(),
    ...options.limits(),
    ...options.variables(),
    ...options.modules(),
    ...options.logging(),
    ...options.outputOptions(),
  }),
);

export const load = command(
  "load",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => runPhase("load", values, context),
  })),
  {
    usageLine: options.usageLine("PIPELINE"),
    brief: message`Only load: from the stage into the target`,
    description:
      message`Loads the stages that dxt extract wrote, or that a run left behind when its load failed. Does not read the source again.`,
    footer: options.examples("dxt load shop.yaml", "dxt load shop.yaml --select orders"),
  },
);
