/** `dxt validate`: checks pipeline files without connecting to anything. */
import { type InferValue, merge, message, object, option } from "optique";
import type { LocatedError } from "../../../config/mod.ts";
import { ConfigurationError } from "../../../core/errors.ts";
import type { Stream } from "../../../models/stream.ts";
import { isWildcard } from "../../../models/wildcard.ts";
import { type Context, openPipeline, type Variables } from "../../app/context.ts";
import { errorExitCode, EXIT } from "../../terminal/exit_codes.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { describeError } from "../../output/printer.ts";
import { countNoun } from "../../output/format_units.ts";

const parser = merge(
  object({ pipelines: options.pipelines() }),
  object("Options", {
    strict: option("--strict", { description: message`Treat warnings as errors` }),
    ...options.reading(),
  }),
);

type ValidateOptions = InferValue<typeof parser>;

export const validate = defineCommand(
  "validate",
  parser,
  validatePipelines,
  {
    operands: "PIPELINE...",
    brief: message`Check pipelines without connecting to anything`,
    description:
      message`Reads each pipeline, expands its variables, and checks its keys, values and classes. Prints each error with file, line and column.`,
    examples: [
      "dxt validate shop.yaml",
      "dxt validate pipelines/*.yaml --strict",
      "dxt validate shop.yaml --output json",
    ],
  },
);

/** Result of the check of one pipeline. */
interface Verdict {
  readonly file: string;
  readonly valid: boolean;
  /** Streams of the file, wildcards among them. */
  readonly streams?: number;
  readonly wildcards?: number;
  readonly errors: readonly FileError[];
}

interface FileError {
  readonly file: string;
  /** Line and column from 1; undefined when the error has no place in the file. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** Checks every pipeline, even after an invalid one, and returns the highest exit code. */
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
      const wildcards = streams.filter(isWildcard).length;
      verdicts.push({
        file,
        valid: true,
        streams: streams.length,
        ...(wildcards === 0 ? {} : { wildcards }),
        errors: [],
      });
      if (printer.format === "text") {
        printer.result(`${file} is valid: ${countStreams(streams.length - wildcards, wildcards)}`);
      }
    } catch (error) {
      printer.failure(error);
      verdicts.push({ file, valid: false, errors: locateErrors(error, file) });
      exit = Math.max(exit, errorExitCode(error));
    }
  }
  if (printer.format !== "text") {
    printer.results({ name: "pipelines", entries: verdicts, about: {}, table() {} });
  }
  return exit;
}

function countStreams(streams: number, wildcards: number): string {
  const counts = [
    ...(streams === 0 && wildcards > 0 ? [] : [countNoun(streams, "stream")]),
    ...(wildcards === 0 ? [] : [`${countNoun(wildcards, "wildcard")}, expanded by each run`]),
  ];
  return counts.join(" and ");
}

/** Checks one pipeline; returns its streams. */
async function check(
  file: string,
  strict: boolean,
  variables: Variables,
  context: Context,
): Promise<readonly Stream[]> {
  const loaded = await openPipeline(file, variables, context);
  const { checkPipeline } = await context.engine.runner();
  await checkPipeline(loaded);
  if (strict && loaded.warnings.length > 0) {
    const warnings = countNoun(loaded.warnings.length, "warning");
    throw new ConfigurationError(
      `Cannot accept "${file}": it has ${warnings}, but --strict allows none`,
    );
  }
  return loaded.pipeline.streams;
}

function locateErrors(error: unknown, file: string): FileError[] {
  if (isLocated(error)) {
    return error.issues.map(({ file, line, column, message }) => ({ file, line, column, message }));
  }
  return [{ file, message: describeError(error) }];
}

/** Does not use instanceof: importing the class would load the whole of config. */
function isLocated(error: unknown): error is LocatedError {
  return error instanceof ConfigurationError && "issues" in error;
}
