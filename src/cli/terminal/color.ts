import { type IO, type Output, ownVariable } from "./stdio.ts";

/** Numbers of the terminal's own colours. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
export type Colour = keyof typeof CODES;

export const COLOUR_CHOICES = ["auto", "always", "never"] as const;
export type ColourChoice = (typeof COLOUR_CHOICES)[number];

/**
 * Whether to colour: as `choice` says; where it says auto, on a terminal, unless NO_COLOR is set,
 * and elsewhere only with FORCE_COLOR.
 * Source: https://no-color.org and https://force-color.org
 */
export function hasColour(
  env: IO["env"],
  output: Output,
  choice: ColourChoice = "auto",
): boolean {
  if (choice !== "auto") return choice === "always";
  if ((ownVariable(env, "NO_COLOR") ?? "") !== "") return false;
  const forced = ownVariable(env, "FORCE_COLOR") ?? "";
  if (forced !== "") return forced !== "0";
  return output.isTerminal && ownVariable(env, "TERM") !== "dumb";
}

export function coloured(text: string, colour: Colour): string {
  return `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}

/** What the arguments or the variable say of colour, before any of them is understood. */
export function colourOf(args: readonly string[], env: IO["env"]): ColourChoice {
  const at = args.indexOf("--color");
  const joined = args.find((arg) => arg.startsWith("--color="))?.slice("--color=".length);
  const said = joined ?? (at < 0 ? ownVariable(env, "DXT_COLOR") : args[at + 1]);
  return COLOUR_CHOICES.find((choice) => choice === said) ?? "auto";
}
