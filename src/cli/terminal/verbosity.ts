/** How much a command prints, and in which format. */
import { COLOR_CHOICES, type ColorChoice } from "./color.ts";
import { type Format, FORMATS, isOn } from "./global_options.ts";
import { LOG_FORMATS, type LogFormat } from "./log_levels.ts";
import { type IO, readVariable } from "./stdio.ts";

export interface Verbosity {
  /** Print the result as one JSON document, and no progress. */
  readonly quiet: boolean;
  /** Print nothing but the error that ends the command. */
  readonly silent?: boolean;
  /** Print each step, and the stack trace of an error. */
  readonly verbose: boolean;
  /** Format of the result; by default text, or json with `quiet`. */
  readonly output?: Format | undefined;
  readonly color?: ColorChoice | undefined;
  /** Format of stderr; text by default. */
  readonly logFormat?: LogFormat | undefined;
}

/** Reads the verbosity of a command line that is not parsed yet, or that cannot be. */
export function readVerbosity(args: readonly string[], env: IO["env"]): Verbosity {
  const end = args.indexOf("--");
  const given = end < 0 ? args : args.slice(0, end);
  const isSet = (pattern: RegExp, variable: string) =>
    given.some((arg) => pattern.test(arg)) || isOn(readVariable(env, variable) ?? "");
  const choose = <T extends string>(
    names: readonly string[],
    variable: string,
    among: readonly T[],
  ) => {
    const at = given.findIndex((arg) =>
      names.some((name) => arg === name || arg.startsWith(`${name}=`))
    );
    const joined = /^--[^=]+=(.*)$/s.exec(given[at] ?? "")?.[1];
    const value = at < 0 ? readVariable(env, variable) : joined ?? given[at + 1];
    return among.find((one) => one === value);
  };
  return {
    quiet: isSet(/^(-[qv]*q[qv]*|--quiet)$/, "DXT_QUIET"),
    silent: isSet(/^(-qq|--silent)$/, "DXT_SILENT"),
    verbose: isSet(/^(-[qv]*v[qv]*|--verbose)$/, "DXT_VERBOSE"),
    output: choose(["-o", "--output"], "DXT_OUTPUT", FORMATS),
    color: choose(["--color"], "DXT_COLOR", COLOR_CHOICES),
    logFormat: choose(["--log-format"], "DXT_LOG_FORMAT", LOG_FORMATS),
  };
}
