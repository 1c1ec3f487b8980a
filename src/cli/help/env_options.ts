/** Options as `DXT_…` variables: `--log-level` is `DXT_LOG_LEVEL`. Options of the command line win. */
import type { Usage } from "optique";
import { ConfigurationError } from "../../core/errors.ts";
import { readVariable } from "../terminal/stdio.ts";
import { isOff, isOn } from "../terminal/global_options.ts";

interface Option {
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly repeats: boolean;
}

/** What a variable says, as arguments. */
export interface FromVariable {
  readonly variable: string;
  readonly value: string;
  readonly args: readonly string[];
}

/** These say what a file says: beside a file their variables mean nothing. */
const INSTEAD_OF_FILE = ["--from", "--to", "--source", "--target", "--mode", "--key"];

/**
 * The options of a command that variables say and `args` do not.
 *
 * @throws {ConfigurationError} for a switch that is neither on nor off
 */
export function fromEnvironment(
  usage: Usage,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): FromVariable[] {
  const end = args.indexOf("--");
  const given = new Set(
    (end < 0 ? args : args.slice(0, end)).map((arg) => arg.replace(/^(--[^=]+)=.*/s, "$1")),
  );
  const options = optionsInUsage(usage);
  const left = hasOperand(args.slice(1), options) ? INSTEAD_OF_FILE : [];
  return options.flatMap(({ names, takesValue, repeats }) => {
    if (names.some((name) => left.includes(name))) return [];
    const variable = variableOf(names);
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

/** Whether something is neither an option nor the value of one. */
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

/** `DXT_LOG_LEVEL` for `--log-level`. */
export function variableOf(names: readonly string[]): string {
  return `DXT_${longest(names).replace(/^--?/, "").replaceAll("-", "_").toUpperCase()}`;
}

function isSwitchedOn(variable: string, value: string): boolean {
  if (isOn(value)) return true;
  if (isOff(value)) return false;
  throw new ConfigurationError(
    `Cannot use variable ${variable}: value is ${JSON.stringify(value)}, expected 1 or 0`,
  );
}

/** Options of a command, wherever in its usage they stand. */
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
