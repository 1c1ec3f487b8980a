import type { IO, Output } from "./io.ts";

/** Numbers of the terminal's own colours. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
export type Colour = keyof typeof CODES;

/**
 * Whether to colour: on a terminal, unless NO_COLOR is set; elsewhere only with FORCE_COLOR.
 * Source: https://no-color.org and https://force-color.org
 */
export function hasColour(env: IO["env"], output: Output): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  const forced = env["FORCE_COLOR"] ?? "";
  if (forced !== "") return forced !== "0";
  return output.isTerminal && env["TERM"] !== "dumb";
}

export function coloured(text: string, colour: Colour): string {
  return `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}
