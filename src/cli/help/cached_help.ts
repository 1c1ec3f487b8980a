/**
 * Prints help from generated texts, in 20 ms of CPU. Through the option parser `--help` takes 165 ms.
 */
import { hasColor } from "../terminal/color.ts";
import { readVerbosity } from "../terminal/verbosity.ts";
import type { IO, Output } from "../terminal/stdio.ts";
import { HELP } from "../terminal/global_options.ts";

/** Widths of the generated texts, in columns. The parser formats help for narrower terminals. */
export const HELP_WIDTHS = [80, 100] as const;

/** Width of help on a terminal with this many columns. Long lines would be hard to read. */
export function helpWidth(columns: number): number {
  return HELP_WIDTHS.findLast((width) => width <= columns) ?? columns;
}

/** The help text when the arguments ask only for help; undefined when none was generated. */
export async function cachedHelp(
  args: readonly string[],
  env: IO["env"],
  output: Output,
): Promise<string | undefined> {
  const isHelp = (arg: string | undefined) => HELP.some((name) => name === arg);
  const name = args.length === 1 && isHelp(args[0])
    ? ""
    : args.length === 2 && isHelp(args[1])
    ? args[0]!
    : undefined;
  if (name === undefined) return undefined;
  const { HELP_TEXTS } = await import("./help_texts.gen.ts");
  if (!Object.hasOwn(HELP_TEXTS, name)) return undefined;
  const index = HELP_WIDTHS.findIndex((width) => width === helpWidth(output.columns));
  const text = HELP_TEXTS[name]?.[index];
  if (text === undefined || hasColor(env, output, readVerbosity(args, env).color)) return text;
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\u001b\[[\d;]*m/g, "");
}
