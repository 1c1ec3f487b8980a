import { command, map, message } from "optique";
import { type Action, type Context, omitUndefined } from "../app/context.ts";
import {
  codeOptions,
  fetchOptions,
  type GatherOptions,
  openPipelines,
} from "../app/module_options.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import * as options from "../app/options.ts";
import { countNoun } from "../output/format_units.ts";

export const vendor = command(
  "vendor",
  map(fetchOptions(), (values): Action => ({
    verbosity: values,
    act: (context) => vendorModules(values, context),
  })),
  {
    usageLine: options.usageLine("PIPELINE..."),
    brief: message`Copy the locked modules of pipelines, for runs without a network`,
    description:
      message`Copies each external module that dxt.lock has for the pipelines into the folder vendor beside it. Later commands read them there, check them against dxt.lock, and connect to no server of modules.`,
    footer: options.examples(
      "dxt vendor shop.yaml --allow-import=modules.example.com",
      "dxt vendor pipelines/*.yaml --output json",
    ),
  },
);

async function vendorModules(
  { pipelines, allowImport, cacheDir, ...variables }: GatherOptions,
  context: Context,
): Promise<number> {
  const { printer, io } = context;
  const loaded = await openPipelines(pipelines, variables, context);
  const { vendorPipelines } = await import("../../runner/plan/external_modules.ts");
  const done = await vendorPipelines(
    loaded,
    codeOptions(omitUndefined({ allowImport, cacheDir }), io),
  );
  if (printer.format !== "text") printer.document(JSON.stringify({ folders: done }, null, 2));
  else {
    for (const { folder, modules } of done) {
      printer.result(`${folder} has copies of ${countNoun(modules.length, "module")}`);
    }
  }
  return EXIT.done;
}
