/**
 * Commands as they are mostly asked for, read without the parser of the options, which takes longer
 * than a list and as long as a thread's start. It reads what that parser would, or nothing.
 */
import type { Action, Context } from "./app/context.ts";
import { variableOf } from "./help/env_options.ts";
import { type IO, readVariable } from "./terminal/stdio.ts";
import { FORMATS } from "./terminal/global_options.ts";
import type { Verbosity } from "./output/printer.ts";
import { PAGES } from "./help/command_pages.gen.ts";

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

/** What a command is about; the rest of its options is not said. */
interface Asked extends Verbosity {
  readonly pipeline: string;
  readonly select?: string;
  readonly exclude?: string;
  readonly vars: readonly [];
  readonly failFast: false;
}

type Act = (asked: Asked, context: Context) => Promise<number>;

const phase = (name: "run" | "extract" | "load"): Act => async (asked, context) =>
  (await import("./app/run_phase.ts")).runPhase(name, asked, context);

const ACTS: Readonly<Record<string, Act>> = {
  list: async (asked, context) =>
    (await import("./app/list_streams.ts")).listStreams(asked, context),
  run: phase("run"),
  extract: phase("extract"),
  load: phase("load"),
};

interface Given {
  pipeline?: string;
  quiet?: true;
  verbose?: true;
  select?: string;
  exclude?: string;
  output?: string;
}

/** Undefined for what the parser has to understand, or to explain. */
export function parseFast(
  [command = "", ...args]: readonly string[],
  env: IO["env"],
): Action | undefined {
  const act = Object.hasOwn(ACTS, command) ? ACTS[command] : undefined;
  if (act === undefined || isSaidByVariables(command, env)) return undefined;
  const { pipeline, quiet = false, verbose = false, output, ...chosen } = read(args) ?? {};
  const format = FORMATS.find((name) => name === output);
  if (pipeline === undefined || format !== output) return undefined;
  const verbosity = { quiet, verbose, output: format };
  const asked: Asked = { ...verbosity, pipeline, ...chosen, vars: [], failFast: false };
  return { verbosity, act: (context) => act(asked, context) };
}

/** Whether a variable says an option of the command. */
function isSaidByVariables(command: string, env: IO["env"]): boolean {
  return PAGES[command]!.options.some(({ names }) =>
    (readVariable(env, variableOf(names)) ?? "") !== ""
  );
}

/** One file, and options that stand apart from their values, each at most once. */
function read(args: readonly string[]): Given | undefined {
  const given: Given = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const [option, flag] = [VALUES.get(arg), SWITCHES.get(arg)];
    const value = option === undefined ? arg : args[++i];
    const name = option ?? flag ?? "pipeline";
    if (given[name] !== undefined) return undefined;
    if (flag !== undefined) given[flag] = true;
    else if (value === undefined || value === "" || value.startsWith("-")) return undefined;
    else given[option ?? "pipeline"] = value;
  }
  return given;
}
