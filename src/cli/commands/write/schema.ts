/** `dxt schema`: prints the JSON Schema of what dxt reads, or of what it prints for programs. */
import { merge, message, object, option } from "optique";
import { ConfigurationError } from "../../../core/errors.ts";
import type { Context } from "../../app/context.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";

const parser = merge(
  object("Options", {
    project: option("-p", "--project", {
      description: message`Print the schema of dxt_project.yaml instead`,
    }),
    result: option("--result", {
      description:
        message`Print the schema of the JSON document of run, extract, load and diff instead`,
    }),
    log: option("--log", {
      description:
        message`Print the schema of a line of the log, of --output ndjson and --log-format json instead`,
    }),
    ...options.outputOptions(),
  }),
);

export const schema = defineCommand(
  "schema",
  parser,
  ({ project, result, log }, context) => printSchema({ project, result, log }, context),
  {
    operands: "",
    brief: message`Print the JSON Schema of pipelines, for editors, or of the output, for programs`,
    description:
      message`Editors complete and check a pipeline whose first line is "# yaml-language-server: $schema=" with the path of this schema.`,
    examples: [
      "dxt schema > pipeline.schema.json",
      "dxt schema --project > project.schema.json",
      "dxt schema --result > result.schema.json",
    ],
  },
);

async function printSchema(
  chosen: Readonly<Record<"project" | "result" | "log", boolean>>,
  { printer }: Context,
): Promise<number> {
  const names = Object.entries(chosen).flatMap(([name, isChosen]) => isChosen ? [name] : []);
  if (names.length > 1) {
    throw new ConfigurationError(
      `Cannot print one schema: --${names.join(" and --")} are given, expected at most one`,
    );
  }
  const schema = chosen.result || chosen.log
    ? await outputSchema(chosen.log)
    : await inputSchema(chosen.project);
  printer.document(JSON.stringify(schema, null, printer.format === "ndjson" ? 0 : 2));
  return EXIT.done;
}

async function inputSchema(isProject: boolean): Promise<object> {
  const { PROVIDER_NAMES, loadProvider } = await import("../../../providers/resolve.ts");
  const { buildJSONSchema } = await import("../../app/json_schema.ts");
  const { Pipeline, Project } = await import("../../../models/pipeline.ts");
  const providers = await Promise.all(PROVIDER_NAMES.map(loadProvider));
  return buildJSONSchema(isProject ? Project : Pipeline, providers);
}

async function outputSchema(isLog: boolean): Promise<object> {
  const { buildOutputSchema } = await import("../../app/json_schema.ts");
  if (isLog) return buildOutputSchema((await import("../../../models/log_line.ts")).LogLine);
  const { DiffResult, FailedResult, RunResult } = await import("../../../models/result.ts");
  return buildOutputSchema(RunResult, FailedResult, DiffResult);
}
