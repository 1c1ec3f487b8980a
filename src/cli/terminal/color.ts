/** Colors on a terminal, and whether to use them. */
import { type IO, type Output, readVariable } from "./stdio.ts";

/** Numbers of the ANSI colors. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
export type Color = keyof typeof CODES;

export const COLOR_CHOICES = ["auto", "always", "never"] as const;
export type ColorChoice = (typeof COLOR_CHOICES)[number];

/**
 * Whether to write colors. `auto` means yes on a terminal, unless NO_COLOR is set or TERM is
 * `dumb`, and elsewhere only with FORCE_COLOR.
 * Source: https://no-color.org and https://force-color.org
 */
export function hasColor(
  env: IO["env"],
  output: Output,
  choice: ColorChoice = "auto",
): boolean {
  if (choice !== "auto") return choice === "always";
  if ((readVariable(env, "NO_COLOR") ?? "") !== "") return false;
  const forced = readVariable(env, "FORCE_COLOR") ?? "";
  if (forced !== "") return forced !== "0";
  return output.isTerminal && readVariable(env, "TERM") !== "dumb";
}

export function wrapColor(text: string, color: Color): string {
  return `\u001b[${CODES[color]}m${text}\u001b[0m`;
}
