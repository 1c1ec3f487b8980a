import { type IO, type Output, readVariable } from "./stdio.ts";

/** Numbers of the terminal's own colours. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
export type Color = keyof typeof CODES;

export const COLOR_CHOICES = ["auto", "always", "never"] as const;
export type ColorChoice = (typeof COLOR_CHOICES)[number];

/**
 * Whether to colour: as `choice` says; where it says auto, on a terminal, unless NO_COLOR is set,
 * and elsewhere only with FORCE_COLOR.
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

export function wrapColor(text: string, colour: Color): string {
  return `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}

/** What the arguments or the variable say of colour, before any of them is understood. */
export function chooseColors(args: readonly string[], env: IO["env"]): ColorChoice {
  const at = args.indexOf("--color");
  const joined = args.find((arg) => arg.startsWith("--color="))?.slice("--color=".length);
  const said = joined ?? (at < 0 ? readVariable(env, "DXT_COLOR") : args[at + 1]);
  return COLOR_CHOICES.find((choice) => choice === said) ?? "auto";
}
