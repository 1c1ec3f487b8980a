/** `dxt vendor`: copies the locked external modules of pipelines next to dxt.lock. */
import { message } from "optique";
import { type Context, omitUndefined } from "../../app/context.ts";
import {
  codeOptions,
  type FetchOptions,
  fetchOptions,
  openPipelines,
} from "../../app/module_options.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { defineCommand } from "../../app/define_command.ts";
import { countNoun } from "../../output/format_units.ts";

export const vendor = defineCommand(
  "vendor",
  fetchOptions(),
  vendorModules,
  {
    operands: "PIPELINE...",
    brief: message`Copy the locked modules of pipelines, for runs without network`,
    description:
      message`Copies the external modules of the pipelines that dxt.lock lists into a folder vendor next to it. Later commands read them there, check them against dxt.lock, and connect to no module server.`,
    examples: [
      "dxt vendor shop.yaml --allow-import=modules.example.com",
      "dxt vendor pipelines/*.yaml --output json",
    ],
  },
);

async function vendorModules(
  { pipelines, allowImport, cacheDir, ...variables }: FetchOptions,
  context: Context,
): Promise<number> {
  const { printer, io } = context;
  const loaded = await openPipelines(pipelines, variables, context);
  const { vendorPipelines } = await import("../../../runner/plan/external_modules.ts");
  const vendored = await vendorPipelines(
    loaded,
    codeOptions(omitUndefined({ allowImport, cacheDir }), io),
  );
  printer.results({
    name: "folders",
    entries: vendored,
    about: {},
    table: () =>
      vendored.forEach(({ folder, modules }) =>
        printer.result(`${folder} has copies of ${countNoun(modules.length, "module")}`)
      ),
  });
  return EXIT.done;
}
