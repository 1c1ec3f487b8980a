/** Help pages as data, extracted from the option parser to generate documents and completions. */
import { formatMessage, getDocPageSync, type Message } from "optique";
import type { CommandParser } from "../app/context.ts";

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

/** Builds the page of one command. */
export function buildPage(name: string, parser: CommandParser): CommandPage {
  const page = getDocPageSync(parser, [name]);
  if (page === undefined) throw new Error(`No help of "${name}"`);
  const entries = page.sections.flatMap(({ entries }) => entries);
  const usage = (page.usage ?? []).flatMap((term) => term.type === "literal" ? [term.value] : []);
  return {
    brief: plainText(page.brief),
    operands: usage.filter((word) => word !== "[OPTION...]"),
    options: entries.flatMap(({ term, description, choices }) => {
      if (term.type !== "option") return [];
      const values = (choices ?? []).flatMap((part) =>
        part.type === "value" ? [part.value] : part.type === "values" ? [...part.values] : []
      );
      return [{
        names: term.names,
        ...(term.metavar === undefined ? {} : { value: term.metavar }),
        ...(values.length === 0 ? {} : { choices: values }),
        description: plainText(description),
      }];
    }),
  };
}

function plainText(message: Message | undefined): string {
  return message === undefined ? "" : formatMessage(message, { quotes: false });
}
