/** Builds the parser of a command from its options, its action and its help. */
import { command, lineBreak, map, type Message, type Parser, text, type Usage } from "optique";
import type { Verbosity } from "../terminal/verbosity.ts";
import type { CommandParser, Context } from "./context.ts";

interface Help {
  /** The operands, which follow the name of the command. */
  readonly operands: string;
  readonly brief: Message;
  readonly description: Message;
  readonly examples: readonly string[];
}

/** @param act called once with the parsed values; returns the exit code */
export function defineCommand<Values extends Verbosity>(
  name: string,
  parser: Parser<"sync", Values, unknown>,
  act: (values: Values, context: Context) => Promise<number>,
  { operands, brief, description, examples }: Help,
): CommandParser {
  const action = map(parser, (values) => ({
    verbosity: values,
    act: (context: Context) => act(values, context),
  }));
  return command(name, action, {
    usageLine: formatUsage(operands),
    brief,
    description,
    footer: [text("Examples:"), ...examples.flatMap((line) => [lineBreak(), text(`  ${line}`)])],
  });
}

/** The usage of a command on one line, without the names of its options. */
export function formatUsage(operands: string): Usage {
  return [operands, "[OPTION...]"].filter((word) => word !== "")
    .map((value) => ({ type: "literal", value }));
}
