/** `dxt load`: loads stages into their targets. */
import { merge, message, object } from "optique";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { runPhase } from "../../app/run_phase.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    verify: options.verify(),
    ...options.moving(),
  }),
);

export const load = defineCommand(
  "load",
  parser,
  (values, context) => runPhase("load", values, context),
  {
    operands: "PIPELINE",
    brief: message`Only load: from the stage into the target`,
    description:
      message`Loads the stages that dxt extract wrote, or that a run left behind when its load failed. Does not read the source again.`,
    examples: ["dxt load shop.yaml", "dxt load shop.yaml --select orders --verify full"],
  },
);
