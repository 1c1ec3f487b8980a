/**
 * Parses the usual forms of `dxt list`, `run`, `extract` and `load` without the option parser.
 * Loading that parser, bundled as one module, takes 50 of 105 ms of CPU of a `dxt list`.
 * The result is the same as the option parser's, or undefined.
 */
import type { Action, Context } from "./app/context.ts";
import { optionVariable } from "./help/env_options.ts";
import { type IO, readVariable } from "./terminal/stdio.ts";
import { FORMATS } from "./terminal/global_options.ts";
import type { Verbosity } from "./terminal/verbosity.ts";
import { readPage } from "./help/command_pages.ts";

const SWITCHES = new Map(
  [
    ["-q", "quiet"],
    ["--quiet", "quiet"],
    ["-v", "verbose"],
    ["--verbose", "verbose"],
  ] as const,
) as ReadonlyMap<string, "quiet" | "verbose">;

const VALUES = new Map(
  [
    ["-s", "select"],
    ["--select", "select"],
    ["-x", "exclude"],
    ["--exclude", "exclude"],
    ["-o", "output"],
    ["--output", "output"],
  ] as const,
) as ReadonlyMap<string, "select" | "exclude" | "output">;

/** Options of the four commands; all others have their defaults. */
interface FastOptions extends Verbosity {
  readonly pipeline: string;
  readonly select?: string;
  readonly exclude?: string;
  readonly vars: readonly [];
  readonly failFast: false;
}

type Act = (options: FastOptions, context: Context) => Promise<number>;

const phase = (name: "run" | "extract" | "load"): Act => async (options, context) =>
  (await import("./app/run_phase.ts")).runPhase(name, options, context);

const ACTS: Readonly<Record<string, Act>> = {
  list: async (options, context) =>
    (await import("./app/list_streams.ts")).listStreams(options, context),
  run: phase("run"),
  extract: phase("extract"),
  load: phase("load"),
};

interface Words {
  pipeline?: string;
  quiet?: true;
  verbose?: true;
  select?: string;
  exclude?: string;
  output?: string;
}

/** The action of a command line; undefined when the option parser has to parse or reject it. */
export function parseFast(
  [command = "", ...args]: readonly string[],
  env: IO["env"],
): Action | undefined {
  const act = Object.hasOwn(ACTS, command) ? ACTS[command] : undefined;
  if (act === undefined || hasVariableOption(command, env)) return undefined;
  const { pipeline, quiet = false, verbose = false, output, ...selection } = readWords(args) ?? {};
  const format = FORMATS.find((name) => name === output);
  if (pipeline === undefined || format !== output) return undefined;
  const verbosity = { quiet, verbose, output: format };
  const options: FastOptions = {
    ...verbosity,
    pipeline,
    ...selection,
    vars: [],
    failFast: false,
  };
  return { verbosity, act: (context) => act(options, context) };
}

/** Whether a `DXT_…` variable sets an option of the command. */
function hasVariableOption(command: string, env: IO["env"]): boolean {
  return readPage(command)!.options.some(({ names }) =>
    (readVariable(env, optionVariable(names)) ?? "") !== ""
  );
}

/** Reads one file and the known options, each at most once, with values as separate words. */
function readWords(args: readonly string[]): Words | undefined {
  const words: Words = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const [option, flag] = [VALUES.get(arg), SWITCHES.get(arg)];
    const value = option === undefined ? arg : args[++i];
    const name = option ?? flag ?? "pipeline";
    if (words[name] !== undefined) return undefined;
    if (flag !== undefined) words[flag] = true;
    else if (value === undefined || value === "" || value.startsWith("-")) return undefined;
    else words[option ?? "pipeline"] = value;
  }
  return words;
}
