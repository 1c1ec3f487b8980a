import { command, map, merge, message, object } from "optique";
import { type Action, type Context, openPipeline, type Variables } from "./action.ts";
import { EXIT, exitOfError } from "./exit.ts";
import * as options from "./options.ts";
import { counted } from "./units.ts";

interface ValidateOptions extends Variables {
  readonly pipelines: readonly string[];
}

const parser = merge(
  object({ pipelines: options.pipelines() }),
  object("Options", { ...options.variables(), ...options.channels() }),
);

export const validate = command(
  "validate",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => validatePipelines(values, context),
  })),
  {
    usageLine: options.usageLine("PIPELINE..."),
    brief: message`Check pipelines without connecting to anything`,
    description:
      message`Reads each pipeline, expands its variables, and checks its keys, values and classes. Prints each mistake with file, line and column.`,
    footer: options.examples("dxt validate shop.yaml", "dxt validate pipelines/*.yaml"),
  },
);

/** Every pipeline is checked, whatever the ones before it were; the worst exit code counts. */
async function validatePipelines(
  { pipelines, ...variables }: ValidateOptions,
  context: Context,
): Promise<number> {
  let exit: number = EXIT.done;
  for (const path of pipelines) {
    try {
      const loaded = await openPipeline(path, variables, context);
      const { checkPipeline } = await context.engine.runner();
      await checkPipeline(loaded);
      const streams = counted(loaded.pipeline.streams.length, "stream");
      context.printer.result(`${path} is valid: ${streams}`);
    } catch (error) {
      context.printer.failure(error);
      exit = Math.max(exit, exitOfError(error));
    }
  }
  return exit;
}
