/**
 * Options from `DXT_…` variables: `DXT_LOG_LEVEL` sets `--log-level`. An option of the command line
 * takes precedence over its variable.
 */
import type { Usage } from "optique";
import { ConfigurationError } from "../../core/errors.ts";
import { readVariable } from "../terminal/stdio.ts";
import { isOff, isOn } from "../terminal/global_options.ts";

interface Option {
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly repeats: boolean;
}

/** A variable that is set, and the arguments that it stands for. */
export interface VariableOption {
  readonly variable: string;
  readonly value: string;
  readonly args: readonly string[];
}

/** Options that replace a pipeline file. Their variables are ignored when a file is given. */
const INSTEAD_OF_FILE = ["--from", "--to", "--source", "--target", "--mode", "--key"];

/**
 * Reads the options of a command that variables set and `args` do not.
 *
 * @throws {ConfigurationError} when the variable of a switch is neither on nor off
 */
export function readVariableOptions(
  usage: Usage,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): VariableOption[] {
  const end = args.indexOf("--");
  const given = new Set(
    (end < 0 ? args : args.slice(0, end)).map((arg) => arg.replace(/^(--[^=]+)=.*/s, "$1")),
  );
  const options = optionsInUsage(usage);
  const ignored = hasOperand(args.slice(1), options) ? INSTEAD_OF_FILE : [];
  return options.flatMap(({ names, takesValue, repeats }) => {
    if (names.some((name) => ignored.includes(name))) return [];
    const variable = optionVariable(names);
    const value = readVariable(env, variable);
    if (value === undefined || value === "") return [];
    if (!repeats && names.some((name) => given.has(name))) return [];
    const name = longest(names);
    if (!takesValue) {
      return isSwitchedOn(variable, value) ? [{ variable, value, args: [name] }] : [];
    }
    const values = repeats ? value.split("\n").filter((line) => line !== "") : [value];
    return [{ variable, value, args: values.map((value) => `${name}=${value}`) }];
  });
}

/** Whether an argument is neither an option nor the value of an option. */
function hasOperand(args: readonly string[], options: readonly Option[]): boolean {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("-") || arg === "-") return true;
    if (arg === "--") return i + 1 < args.length;
    if (options.some(({ names, takesValue }) => takesValue && names.includes(arg))) i++;
  }
  return false;
}

function longest(names: readonly string[]): string {
  return names.toSorted((a, b) => b.length - a.length)[0]!;
}

/** Name of the variable of an option: `DXT_LOG_LEVEL` for `--log-level`. */
export function optionVariable(names: readonly string[]): string {
  return `DXT_${longest(names).replace(/^--?/, "").replaceAll("-", "_").toUpperCase()}`;
}

function isSwitchedOn(variable: string, value: string): boolean {
  if (isOn(value)) return true;
  if (isOff(value)) return false;
  throw new ConfigurationError(
    `Cannot use variable ${variable} ${JSON.stringify(value)}: expected 1 or 0`,
  );
}

/** All options in the usage tree of a command. */
export function optionsInUsage(usage: Usage, repeats = false): Option[] {
  return usage.flatMap((term): Option[] => {
    switch (term.type) {
      case "option":
        return [{ names: term.names, takesValue: term.metavar !== undefined, repeats }];
      case "multiple":
        return optionsInUsage(term.terms, true);
      case "optional":
        return optionsInUsage(term.terms, repeats);
      case "exclusive":
        return term.terms.flatMap((terms) => optionsInUsage(terms, repeats));
      default:
        return "terms" in term && Array.isArray(term.terms)
          ? optionsInUsage(term.terms as Usage, repeats)
          : [];
    }
  });
}
