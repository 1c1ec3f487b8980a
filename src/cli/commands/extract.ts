/** `dxt extract`: moves streams from the source into their stages. */
import { command, map, merge, message, object } from "optique";
import type { Action } from "../app/context.ts";
import * as options from "../app/options.ts";
import { runPhase } from "../app/run_phase.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    fullRefresh: options.fullRefresh(message`Read everything, whatever the streams' modes`),
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

export const extract = command(
  "extract",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => runPhase("extract", values, context),
  })),
  {
    usageLine: options.usageLine("PIPELINE"),
    brief: message`Only extract: from the source into the stage`,
    description:
      message`Extracts each stream into its stage on disk and prints the path of the stage. Reads watermarks from the target, and changes nothing there.`,
    footer: options.examples(
      "dxt extract shop.yaml",
      "dxt extract shop.yaml --select orders && dxt load shop.yaml --select orders",
    ),
  },
);
