/** `dxt schema`: prints the JSON Schema of pipelines or of the project file. */
import { merge, message, object, option } from "optique";
import type { Context } from "../app/context.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { defineCommand } from "../app/define_command.ts";
import * as options from "../app/options.ts";

const parser = merge(
  object("Options", {
    project: option("-p", "--project", {
      description: message`Print the schema of dxt_project.yaml instead`,
    }),
    ...options.outputOptions(),
  }),
);

export const schema = defineCommand(
  "schema",
  parser,
  (values, context) => printSchema(values.project, context),
  {
    operands: "",
    brief: message`Print the JSON Schema of pipelines, for editors`,
    description:
      message`Editors complete and check a pipeline whose first line is "# yaml-language-server: $schema=" with the path of this schema.`,
    examples: ["dxt schema > pipeline.schema.json", "dxt schema --project > project.schema.json"],
  },
);

async function printSchema(project: boolean, { printer }: Context): Promise<number> {
  const { PROVIDER_NAMES, loadProvider } = await import("../../providers/resolve.ts");
  const { buildJSONSchema } = await import("../app/json_schema.ts");
  const { Pipeline, Project } = await import("../../models/pipeline.ts");
  const providers = await Promise.all(PROVIDER_NAMES.map(loadProvider));
  printer.document(
    JSON.stringify(buildJSONSchema(project ? Project : Pipeline, providers), null, 2),
  );
  return EXIT.done;
}
