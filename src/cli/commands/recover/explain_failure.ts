/** `dxt explain-failure`: collects in one file what is known of a failed run, for another person. */
import {
  argument,
  type InferValue,
  merge,
  message,
  object,
  option,
  optional,
  string,
} from "optique";
import type { LoadedPipeline } from "../../../config/mod.ts";
import { ConfigurationError, messageOf } from "../../../core/errors.ts";
import { suggestFile } from "../../../core/files/suggest_file.ts";
import type { TrialResult } from "../../../runner/mod.ts";
import { runUntilSignal } from "../../app/connections.ts";
import { type Context, omitUndefined, openPipeline } from "../../app/context.ts";
import { defineCommand } from "../../app/define_command.ts";
import { collectFailure, type DescribedFile } from "../../app/failure/failure_files.ts";
import { type FailedRun, findRun } from "../../app/failure/find_run.ts";
import { maskStrictly } from "../../app/failure/value_redactor.ts";
import { writeBundle } from "../../app/failure/write_bundle.ts";
import * as options from "../../app/options.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { bytesText } from "../../output/format_units.ts";
import { EXIT } from "../../terminal/exit_codes.ts";

/** Milliseconds in which source and target must answer. */
const ANSWER_MS = 15_000;

const parser = merge(
  object({
    place: optional(argument(string({ metavar: "PIPELINE|RUN" }), {
      description:
        message`A pipeline file, or the id of a run or its beginning (default: the last failed run of the receipts and the log)`,
    })),
  }),
  object("Options", {
    out: options.textOption(
      "--out",
      "PATH",
      message`Write this .tar.gz file, or with another name a folder (default: dxt-failure-RUN.tar.gz)`,
    ),
    withValues: option("--with-values", {
      description: message`Keep values of rows in messages, and watermarks`,
    }),
    offline: option("--offline", {
      description: message`Do not ask source and target for their versions and privileges`,
    }),
    receipts: options.textOption(
      "--receipts",
      "FOLDER",
      message`Folder of the receipts (default: "logging.receipts" of the project, or the folder "receipts")`,
    ),
    logFile: options.textOption(
      "--log-file",
      "FILE",
      message`Log file (default: "logging.file" of the project)`,
    ),
    ...options.inspecting(),
  }),
);

type FailureOptions = InferValue<typeof parser>;

export const explainFailure = defineCommand(
  "explain-failure",
  parser,
  explain,
  {
    operands: "[PIPELINE|RUN]",
    brief: message`Collect what is known of a failed run in one file, with secrets masked`,
    description:
      message`Writes the pipeline as written, the plan, the kept stages without their rows, the receipt, the lines of the log, errors with their places, versions, permissions and names of variables. Secrets are masked, values of rows are left out. Prints what is in the file: look at it before you send it.`,
    examples: [
      "dxt explain-failure shop.yaml",
      "dxt explain-failure 5f0c21aa --receipts receipts",
      "dxt explain-failure shop.yaml --out failure --offline",
    ],
  },
);

async function explain(values: FailureOptions, context: Context): Promise<number> {
  const { printer } = context;
  const isPipeline = isYAML(values.place ?? "");
  const wanted = isPipeline ? undefined : values.place;
  const known = isPipeline
    ? undefined
    : (await findRun({ run: wanted }, chooseRunPlaces(values))).run;
  if (!isPipeline && known === undefined) {
    throw new ConfigurationError(
      `Cannot find ${
        wanted === undefined ? "a failed run" : `run "${wanted}"`
      }: no receipt and no line of a log has it, expected a pipeline file, --receipts or --log-file`,
    );
  }
  const path = isPipeline ? values.place : known?.file;
  if (isPipeline) await requireFile(values.place!);
  const problems: string[] = [];
  const loaded = path === undefined
    ? undefined
    : await openIfValid(path, values, context, problems);
  const places = chooseRunPlaces(values, loaded);
  const found = await findRun(
    // The file of a pipeline that cannot be loaded gives no name.
    omitUndefined({
      pipeline: loaded?.pipeline.name,
      file: isPipeline && loaded === undefined ? path : undefined,
      run: known?.id,
    }),
    places,
  );
  const run = found.run ?? known;
  problems.push(...found.problems, ...adviseRecords(run, places));
  return await runUntilSignal(context, async (signal) => {
    const servers = values.offline || loaded === undefined
      ? undefined
      : await askServers(loaded, values, signal, problems);
    const { withValues } = values;
    const sources = { path, loaded, run, servers, problems, withValues };
    const files = await collectFailure(sources, context);
    const name = run?.id.slice(0, 8) ?? loaded?.pipeline.name ?? "unknown";
    const out = values.out ?? `dxt-failure-${name}.tar.gz`;
    await writeBundle(out, files);
    print(out, run, files, problems.map(maskStrictly), values, context);
    printer.progress("explain-failure", `look at "${out}" before you send it`);
    return EXIT.done;
  });
}

/** Places of receipts and log: by the options, by the project, or the default. */
function chooseRunPlaces({ receipts, logFile }: FailureOptions, loaded?: LoadedPipeline) {
  return {
    receipts: receipts ?? loaded?.logging?.receipts ?? "receipts",
    logFile: logFile ?? loaded?.logging?.file,
  };
}

/** @throws {ConfigurationError} for a name that was mistyped: another pipeline's failure is not meant */
async function requireFile(path: string): Promise<void> {
  try {
    await Deno.stat(path);
  } catch (error) {
    const detail = error instanceof Deno.errors.NotFound
      ? `no such file${await suggestFile(path, isYAML)}`
      : messageOf(error);
    throw new ConfigurationError(`Cannot explain the failure of "${path}": ${detail}`, {
      cause: error,
    });
  }
}

const isYAML = (name: string) => /\.ya?ml$/i.test(name);

/** Returns undefined for a pipeline that cannot be loaded: that may be the failure. */
async function openIfValid(
  path: string,
  values: FailureOptions,
  context: Context,
  problems: string[],
): Promise<LoadedPipeline | undefined> {
  try {
    return await openPipeline(path, values, context);
  } catch (error) {
    problems.push(messageOf(error));
    return undefined;
  }
}

function adviseRecords(
  run: FailedRun | undefined,
  { logFile }: ReturnType<typeof chooseRunPlaces>,
): string[] {
  const lines = run?.lines ?? [];
  return [
    ...(run?.receipt === undefined
      ? [
        "no receipt of the run: set logging.receipts in dxt_project.yaml, or use --receipts FOLDER",
      ]
      : []),
    ...(lines.length === 0
      ? [
        logFile === undefined
          ? "no log: set logging.file in dxt_project.yaml, or use --log-file FILE"
          : `the log "${logFile}" has no line of the run`,
      ]
      : lines.some(({ level }) => level === "debug")
      ? []
      : ["no statements: they are logged with level debug, --log-level debug"]),
  ];
}

async function askServers(
  loaded: LoadedPipeline,
  values: FailureOptions,
  stop: AbortSignal,
  problems: string[],
): Promise<TrialResult[] | undefined> {
  const { admitPipeline, testPipeline } = await import("../../../runner/mod.ts");
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS)]);
  const results: TrialResult[] = [];
  try {
    await admitPipeline(loaded, { purpose: "look", limits: parseLimits(values) });
    await testPipeline(loaded, { signal, onResult: (result) => results.push(result) });
  } catch (error) {
    stop.throwIfAborted();
    problems.push(`source and target: ${messageOf(error)}`);
  }
  return results;
}

function print(
  out: string,
  run: FailedRun | undefined,
  files: readonly DescribedFile[],
  problems: readonly string[],
  { withValues }: FailureOptions,
  { printer }: Context,
): void {
  const entries = files.map(({ name, about, text }) => ({
    name,
    bytes: new TextEncoder().encode(text).length,
    about,
  }));
  if (printer.format !== "text") {
    printer.json({ file: out, run_id: run?.id, with_values: withValues, files: entries, problems });
    return;
  }
  printer.table(
    [{ title: "file" }, { title: "size", align: "right" }, { title: "content" }],
    entries.map(({ name, bytes, about }) => [{ text: name }, { text: bytesText(bytes) }, {
      text: about,
    }]),
  );
  for (const problem of problems) printer.warning(problem);
}
