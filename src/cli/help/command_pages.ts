/** Help pages as data: for completions, and for options from variables. */
import { PAGES } from "./command_pages.gen.ts";

export interface OptionPage {
  readonly names: readonly string[];
  /** Placeholder of its value; undefined for a switch. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly description: string;
}

export interface CommandPage {
  readonly brief: string;
  readonly operands: readonly string[];
  readonly options: readonly OptionPage[];
}

/** Names of all commands, in the order of the help. */
export const COMMAND_NAMES: readonly string[] = Object.keys(PAGES);

/** Returns the page of a command; undefined for any other word. */
export function readPage(name: string): CommandPage | undefined {
  return Object.hasOwn(PAGES, name) ? JSON.parse(PAGES[name]!) : undefined;
}
