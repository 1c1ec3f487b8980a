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
    footer: [text(TITLE), ...examples.flatMap((line) => [lineBreak(), text(`  ${line}`)])],
  });
}

const TITLE = "Examples:";
const INDENT = 2;

/** Wraps the examples of a help text, which its parser has wrapped as prose, into lines that a shell joins. */
export function wrapExamples(help: string, width: number): string {
  const [before, prose] = help.split(`\n${TITLE}\n`);
  if (prose === undefined) return help;
  const commands = prose.replace(/\n(?=\S)/g, " ").split("\n");
  return [before, TITLE, ...commands.flatMap((command) => wrapCommand(command, width))].join("\n");
}

/** A word, quotes and all, since a shell would keep the end of a line in them; an option with its value. */
const WORD = /(?:--[a-z-]+ (?!--))?(?:'[^']*'|"[^"]*"|[^\s'"])+/g;

function wrapCommand(command: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of command.match(WORD) ?? []) {
    const indent = " ".repeat(lines.length === 0 ? INDENT : INDENT * 2);
    // Two columns are for the mark at the end of a line.
    if (line !== "" && line.length + 1 + word.length > width - 2) {
      lines.push(`${line} \\`);
      line = " ".repeat(INDENT * 2) + word;
    } else {
      line = line === "" ? indent + word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** The usage of a command on one line, without the names of its options. */
export function formatUsage(operands: string): Usage {
  return [operands, "[OPTION...]"].filter((word) => word !== "")
    .map((value) => ({ type: "literal", value }));
}
