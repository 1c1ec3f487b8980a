/** `dxt extract`: moves streams from the source into their stages. */
import { merge, message, object } from "optique";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { runPhase } from "../../app/run_phase.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    fullRefresh: options.fullRefresh(message`Read everything, whatever the streams' modes`),
    ...options.bounds(),
    ...options.moving(),
  }),
);

export const extract = defineCommand(
  "extract",
  parser,
  (values, context) => runPhase("extract", values, context),
  {
    operands: "PIPELINE",
    brief: message`Only extract: from the source into the stage`,
    description:
      message`Extracts each stream into its stage on disk and prints the path of the stage. Reads watermarks from the target, and changes nothing there.`,
    examples: [
      "dxt extract shop.yaml",
      "dxt extract shop.yaml --select orders && dxt load shop.yaml --select orders",
    ],
  },
);
