/** `dxt list`: options of the command; `app/list_streams.ts` does the work. */
import { merge, message, object } from "optique";
import { listStreams } from "../../app/list_streams.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    ...options.variables(),
    ...options.outputOptions(),
  }),
);

export const list = defineCommand(
  "list",
  parser,
  listStreams,
  {
    operands: "PIPELINE",
    brief: message`Show the streams of a pipeline`,
    description:
      message`Shows the streams that a selector matches, with source, target, modes and tags. Connects to nothing.`,
    examples: ["dxt list shop.yaml", "dxt list shop.yaml --select tag:daily --quiet"],
  },
);
