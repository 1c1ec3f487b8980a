/**
 * `dxt list` as it is mostly asked for, read without the parser of the options, which takes longer
 * than the list. It reads what that parser would, or nothing.
 */
import type { Action } from "./action.ts";
import { type IO, ownVariable } from "./io.ts";
import { listStreams } from "./list_streams.ts";
import { FORMATS } from "./names.ts";

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

/** Those that say an option of `dxt list`. */
export const VARIABLES: readonly string[] = [
  "DXT_SELECT",
  "DXT_EXCLUDE",
  "DXT_ENV_FILE",
  "DXT_VAR",
  "DXT_OUTPUT",
  "DXT_COLOR",
  "DXT_QUIET",
  "DXT_VERBOSE",
];

interface Given {
  pipeline?: string;
  quiet?: true;
  verbose?: true;
  select?: string;
  exclude?: string;
  output?: string;
}

/** Undefined for what the parser has to understand, or to explain. */
export function plainList(args: readonly string[], env: IO["env"]): Action | undefined {
  if (VARIABLES.some((name) => (ownVariable(env, name) ?? "") !== "")) return undefined;
  const { pipeline, quiet = false, verbose = false, output, ...chosen } = read(args) ?? {};
  const format = FORMATS.find((name) => name === output);
  if (pipeline === undefined || format !== output) return undefined;
  const verbosity = { quiet, verbose, output: format };
  return {
    verbosity,
    act: (context) => listStreams({ pipeline, vars: [], ...chosen }, context),
  };
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
