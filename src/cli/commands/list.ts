/** `dxt list`: options of the command; `app/list_streams.ts` does the work. */
import { command, map, merge, message, object } from "optique";
import type { Action } from "../app/context.ts";
import { listStreams } from "../app/list_streams.ts";
import * as options from "../app/options.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    ...options.variables(),
    ...options.outputOptions(),
  }),
);

export const list = command(
  "list",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => listStreams(values, context),
  })),
  {
    usageLine: options.usageLine("PIPELINE"),
    brief: message`Show the streams of a pipeline`,
    description:
      message`Shows the streams that a selector matches, with source, target, modes and tags. Connects to nothing.`,
    footer: options.examples("dxt list shop.yaml", "dxt list shop.yaml --select tag:daily --quiet"),
  },
);
