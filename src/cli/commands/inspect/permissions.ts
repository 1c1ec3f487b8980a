/** `dxt permissions`: prints the runtime permissions that a run of a pipeline needs. */
import { choice, type InferValue, merge, message, object, option, optional } from "optique";
import { shellWord } from "../../../core/permission_errors.ts";
import { type Context, omitUndefined, openPipeline } from "../../app/context.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { escapeJSON } from "../../output/terminal_text.ts";

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    format: optional(option("-f", "--format", choice(["flags", "json"]), {
      description: message`flags for deno run and deno compile, or json (default: flags)`,
    })),
    logFile: options.logging().logFile,
    receipts: options.logging().receipts,
    ...options.reading(),
  }),
);

type PermissionsOptions = InferValue<typeof parser>;

export const permissions = defineCommand(
  "permissions",
  parser,
  printPermissions,
  {
    operands: "PIPELINE",
    brief: message`Print the runtime permissions that a run of a pipeline needs`,
    description:
      message`Prints exactly the hosts, paths and variables that dxt run needs for the selected streams, as flags on one line. Connects to nothing. A folder that does not exist yet is listed as a whole, since the run creates it.`,
    examples: [
      "dxt permissions shop.yaml",
      "dxt permissions shop.yaml --select orders --format json",
      'eval "deno run --no-prompt $(dxt permissions a.yaml) main.ts run a.yaml"',
    ],
  },
);

async function printPermissions(
  { pipeline, select, exclude, format, logFile, receipts, ...variables }: PermissionsOptions,
  context: Context,
): Promise<number> {
  const { printer } = context;
  const loaded = await openPipeline(pipeline, variables, context);
  const { formatFlags, permissionsOfPipeline } = await import("../../../runner/mod.ts");
  const needs = await permissionsOfPipeline(loaded, {
    purpose: "run",
    ...omitUndefined({
      select,
      exclude,
      logFile: logFile ?? loaded.logging?.file,
      receipts: receipts ?? loaded.logging?.receipts,
    }),
  });
  const isJSON = (format ?? (printer.format === "text" ? "flags" : "json")) === "json";
  // Not masked: a flag is useless when its path, which may come from a variable, is hidden.
  printer.document(isJSON ? escapeJSON(needs) : formatFlags(needs).map(shellWord).join(" "));
  return EXIT.done;
}
