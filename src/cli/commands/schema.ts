/** `dxt schema`: prints the JSON Schema of pipelines or of the project file. */
import { command, map, merge, message, object, option } from "optique";
import type { Action, Context } from "../app/context.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import * as options from "../app/options.ts";

const parser = merge(
  object("Options", {
    project: option("-p", "--project", {
      description: message`Print the schema of dxt_project.yaml instead`,
    }),
    ...options.outputOptions(),
  }),
);

export const schema = command(
  "schema",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => printSchema(values.project, context),
  })),
  {
    usageLine: options.usageLine(""),
    brief: message`Print the JSON Schema of pipelines, for editors`,
    description:
      message`Editors complete and check a pipeline whose first line is "# yaml-language-server: $schema=" with the path of this schema.`,
    footer: options.examples(
      "dxt schema > pipeline.schema.json",
      "dxt schema --project > project.schema.json",
    ),
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
