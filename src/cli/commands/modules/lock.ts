/** `dxt lock`: pins the external modules of pipelines in dxt.lock. */
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

export const lock = defineCommand(
  "lock",
  fetchOptions(),
  lockModules,
  {
    operands: "PIPELINE...",
    brief: message`Pin the external modules of pipelines in dxt.lock`,
    description:
      message`Fetches each external module that the pipelines name, with all its imports, and writes their SHA-256 into dxt.lock next to the project file or the pipeline. From then on a module whose content changed is refused. Runs none of the modules.`,
    examples: [
      "dxt lock shop.yaml --allow-import=modules.example.com",
      "dxt lock pipelines/*.yaml",
    ],
  },
);

async function lockModules(
  { pipelines, allowImport, cacheDir, ...variables }: FetchOptions,
  context: Context,
): Promise<number> {
  const { printer, io } = context;
  const loaded = await openPipelines(pipelines, variables, context);
  const { lockPipelines } = await import("../../../runner/plan/external_modules.ts");
  const locked = await lockPipelines(
    loaded,
    codeOptions(omitUndefined({ allowImport, cacheDir }), io),
  );
  printer.results({
    name: "locks",
    entries: locked,
    about: {},
    table: () => locked.forEach(({ path, modules }) => printer.result(describeLock(path, modules))),
  });
  return EXIT.done;
}

type Locked = Awaited<
  ReturnType<typeof import("../../../runner/plan/external_modules.ts").lockPipelines>
>[number];

function describeLock(path: string, modules: Locked["modules"]): string {
  const parts = (["added", "changed"] as const).flatMap((change) => {
    const { length } = modules.filter((module) => module.change === change);
    return length === 0 ? [] : [`${length} ${change}`];
  });
  const lines = modules.filter(({ change }) => change !== "same")
    .map(({ url, sha256, change }) => `\n  ${change}  ${sha256}  ${url}`);
  const what = parts.length === 0 ? "none changed" : parts.join(", ");
  return `${path} has ${countNoun(modules.length, "module")}: ${what}${lines.join("")}`;
}
