import { command, map, merge, message, object, option } from "optique";
import type { LocatedError } from "../../config/mod.ts";
import { ConfigurationError } from "../../core/errors.ts";
import { type Action, type Context, openPipeline, type Variables } from "../app/context.ts";
import { EXIT, exitOfError } from "../terminal/exit_codes.ts";
import * as options from "../app/options.ts";
import { describe } from "../output/printer.ts";
import { countNoun } from "../output/format_units.ts";

interface ValidateOptions extends Variables {
  readonly pipelines: readonly string[];
  readonly strict: boolean;
}

const parser = merge(
  object({ pipelines: options.pipelines() }),
  object("Options", {
    strict: option("--strict", { description: message`Take warnings for mistakes` }),
    ...options.variables(),
    ...options.modules(),
    ...options.outputOptions(),
  }),
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
    footer: options.examples(
      "dxt validate shop.yaml",
      "dxt validate pipelines/*.yaml --strict",
      "dxt validate shop.yaml --output json",
    ),
  },
);

/** What was found out about one pipeline. */
interface Verdict {
  readonly file: string;
  readonly valid: boolean;
  readonly streams?: number;
  readonly errors: readonly Mistake[];
}

interface Mistake {
  readonly file: string;
  /** Line and column from 1, where the mistake has a place. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** Every pipeline is checked, whatever the ones before it were; the worst exit code counts. */
async function validatePipelines(
  { pipelines, strict, ...variables }: ValidateOptions,
  context: Context,
): Promise<number> {
  const { printer } = context;
  const verdicts: Verdict[] = [];
  let exit: number = EXIT.done;
  for (const file of pipelines) {
    try {
      const streams = await check(file, strict, variables, context);
      verdicts.push({ file, valid: true, streams, errors: [] });
      if (printer.format === "text") {
        printer.result(`${file} is valid: ${countNoun(streams, "stream")}`);
      }
    } catch (error) {
      printer.failure(error);
      verdicts.push({ file, valid: false, errors: mistakesOf(error, file) });
      exit = Math.max(exit, exitOfError(error));
    }
  }
  if (printer.format !== "text") {
    printer.results({ name: "pipelines", entries: verdicts, about: {}, table() {} });
  }
  return exit;
}

/** Number of its streams. */
async function check(
  file: string,
  strict: boolean,
  variables: Variables,
  context: Context,
): Promise<number> {
  const loaded = await openPipeline(file, variables, context);
  const { checkPipeline } = await context.engine.runner();
  await checkPipeline(loaded);
  if (strict && loaded.warnings.length > 0) {
    const warnings = countNoun(loaded.warnings.length, "warning");
    throw new ConfigurationError(
      `Cannot accept "${file}": it has ${warnings}, expected none with --strict`,
    );
  }
  return loaded.pipeline.streams.length;
}

function mistakesOf(error: unknown, file: string): Mistake[] {
  if (isLocated(error)) {
    return error.issues.map(({ file, line, column, message }) => ({ file, line, column, message }));
  }
  return [{ file, message: describe(error) }];
}

/** The class itself would load all that reads a pipeline. */
function isLocated(error: unknown): error is LocatedError {
  return error instanceof ConfigurationError && "issues" in error;
}
