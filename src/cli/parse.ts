/** Parses a command line with the option parser: into an action, help, or an error with a hint. */
import {
  extractOptionNames,
  group,
  lineBreak,
  type Message,
  message,
  or,
  runParser,
  text,
} from "optique";
import { ConfigurationError } from "../core/errors.ts";
import { suggestWord } from "../core/did_you_mean.ts";
import { hasColor } from "./terminal/color.ts";
import { readVerbosity } from "./terminal/verbosity.ts";
import { wrapText } from "./output/terminal_text.ts";
import type { Action, CommandParser } from "./app/context.ts";
import { COMMANDS, NAMES } from "./command_table.ts";
import { readVariableOptions } from "./help/env_options.ts";
import { helpWidth } from "./help/cached_help.ts";
import type { IO, Output } from "./terminal/stdio.ts";
import { DURATION, FOREVER, HELP, VERSION } from "./terminal/global_options.ts";
import { formatUsage, wrapExamples } from "./app/define_command.ts";

/** Each exit code with its meaning. */
const EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "success"],
  ["1", "the run failed"],
  ["2", "the command line, pipeline or selector is invalid"],
  ["3", "some streams failed, others succeeded"],
  ["4", "verification failed: source, stage and target do not agree"],
  ["5", "the data or the memory is out of bounds, or a saved plan no longer holds"],
  ["6", "it is unknown whether a load was committed: dxt load asks the target"],
  ["7", "another run has locked a stage or a target"],
  ["130", "stopped by Ctrl-C; 143 by SIGTERM"],
];

/**
 * Parses arguments and `DXT_…` variables into an action. Prints help or the version to `output`
 * when the arguments ask for it, and returns undefined then.
 *
 * @throws {ConfigurationError} when the command line or a variable is invalid
 */
export async function parseArguments(
  args: readonly string[],
  io: IO,
  output: Output = io.stdout,
): Promise<Action | undefined> {
  const commands = await loadCommands(args[0]);
  const parser = combineParsers(commands);
  const usage = commands.size === 1 ? parser.usage : [];
  const asksHelp = args.some((arg) => HELP.some((name) => name === arg));
  const variables = asksHelp ? [] : readVariableOptions(usage, args, io.env);
  const given = args.map((arg, i) => {
    if (arg === "--wait" && !DURATION.test(args[i + 1] ?? "")) return `--wait=${FOREVER}`;
    // The parser would read -qq as -q -q.
    return arg === "-qq" ? "--silent" : arg;
  });
  const parse = (added: readonly string[]) =>
    runParserOn(parser, [...given.slice(0, 1), ...added, ...given.slice(1)], io, output);
  const parsed = parse(variables.flatMap(({ args }) => args));
  if (!("error" in parsed)) return parsed.action;
  const { error } = parsed;
  const withoutVariables = variables.length === 0 ? parsed : parse([]);
  if ("error" in withoutVariables) {
    throw new ConfigurationError(describeError(withoutVariables.error, args, commands));
  }
  const invalid = variables.find(({ args }) => "error" in parse(args));
  if (invalid === undefined) throw new ConfigurationError(describeError(error, args, commands));
  const { error: detail = error } = parse(invalid.args) as { error?: Message };
  throw new ConfigurationError(
    `Cannot use variable ${invalid.variable} ${JSON.stringify(invalid.value)}: ${
      findInvalidValue(detail)?.expected ?? toText(detail)
    }`,
  );
}

function runParserOn(
  parser: CommandParser,
  args: readonly string[],
  io: IO,
  output: Output,
): { action: Action | undefined } | { error: Message } {
  let shown = false;
  const onShow = () => {
    shown = true;
  };
  let problem: Message | undefined;
  try {
    const action = runParser(parser, "dxt", args, {
      help: { option: { names: HELP }, onShow },
      version: { option: { names: VERSION }, value: io.version, onShow },
      brief:
        message`Moves data in batches from one system to another, and proves that all of it arrived.`,
      usageLine: formatUsage("COMMAND"),
      footer: [
        text("Exit codes:"),
        ...listExitCodes(helpWidth(output.columns)),
        lineBreak(),
        lineBreak(),
        text(
          "Variables set options: DXT_THREADS=4 is the same as --threads 4, DXT_QUIET=1 as --quiet.",
        ),
        lineBreak(),
        text("dxt COMMAND --help describes a command."),
      ],
      aboveError: "none",
      colors: hasColor(io.env, output, readVerbosity(args, io.env).color),
      maxWidth: helpWidth(output.columns),
      termWidth: "auto",
      stdout: (text) =>
        output.write(
          `${wrapExamples(text.replace(/ +$/gm, ""), helpWidth(output.columns))}\n`,
        ),
      stderr: () => {},
      onError: (_code, error): never => {
        problem = error;
        throw error;
      },
    });
    return { action: shown ? undefined : action };
  } catch (error) {
    if (problem === undefined) throw error;
    return { error: problem };
  }
}

function listExitCodes(width: number): Message {
  return EXIT_CODES.flatMap(([code, meaning]) =>
    wrapText(meaning, width - CODE_WIDTH).flatMap((line, i) => [
      lineBreak(),
      text(`  ${i === 0 ? code : ""}`.padEnd(CODE_WIDTH) + line),
    ])
  );
}

const CODE_WIDTH = 7;

type Commands = ReadonlyMap<string, CommandParser>;

/** Imports the command of this name, or all commands when there is none. */
async function loadCommands(name: string | undefined): Promise<Commands> {
  const names = name !== undefined && Object.hasOwn(COMMANDS, name) ? [name] : NAMES;
  return new Map(
    await Promise.all(names.map(async (name) => [name, await COMMANDS[name]!.load()] as const)),
  );
}

/** Combines commands into one parser that groups them by title. */
function combineParsers(commands: Commands): CommandParser {
  const titles = [...new Set([...commands.keys()].map((name) => COMMANDS[name]!.group))];
  return chainParsers(titles.map((title) => {
    const own = [...commands].filter(([name]) => COMMANDS[name]!.group === title);
    return group(title, chainParsers(own.map(([, parser]) => parser)));
  }));
}

function chainParsers(parsers: readonly CommandParser[]): CommandParser {
  const [first, second, ...more] = parsers;
  return second === undefined
    ? first!
    : chainParsers([or(first!, second) as CommandParser, ...more]);
}

/** The error, a suggestion, and the help command to run. */
function describeError(error: Message, args: readonly string[], commands: Commands): string {
  const chosen = commands.size === 1 ? args[0] : undefined;
  const unexpected = unexpectedToken(error);
  const invalid = findInvalidValue(error);
  const detail = unexpected !== undefined
    ? describeUnexpected(unexpected, chosen, commands)
    : invalid !== undefined
    ? `Cannot use ${invalid.name} ${JSON.stringify(invalid.value)}: ${invalid.expected}`
    : `Cannot understand the command line: ${toText(error)}`;
  return `${detail}\nRun "dxt${chosen === undefined ? "" : ` ${chosen}`} --help" for usage`;
}

function describeUnexpected(
  token: string,
  chosen: string | undefined,
  commands: Commands,
): string {
  const quoted = JSON.stringify(token);
  const options = [...commands.values()].flatMap(({ usage }) => [...extractOptionNames(usage)]);
  if (token.startsWith("-")) {
    if (chosen === undefined && options.includes(token)) {
      return `Unexpected option ${quoted}: options come after the command`;
    }
    const known = [...(chosen === undefined ? [] : options), ...HELP, ...VERSION];
    return `Unknown option ${quoted}${suggestWord(token, known)}`;
  }
  if (chosen !== undefined) return `Unexpected argument ${quoted}`;
  return `Unknown command ${quoted}${
    suggestWord(token, NAMES) || `, known are ${NAMES.join(", ")}`
  }`;
}

/** The argument that no parser accepted; undefined for any other error. */
function unexpectedToken(error: Message): string | undefined {
  const [first, second] = error;
  if (first?.type !== "text" || !first.text.startsWith("Unexpected option or")) return undefined;
  if (second?.type === "value") return second.value;
  return second?.type === "optionName" ? second.optionName : undefined;
}

/** The option or argument that does not take its value; undefined for any other error. */
function findInvalidValue(
  error: Message,
): { readonly name: string; readonly value: string; readonly expected: string } | undefined {
  const [subject, colon] = error;
  const value = error.at(-2);
  const name = subject?.type === "optionNames"
    ? subject.optionNames.at(-1)
    : subject?.type === "metavar"
    ? subject.metavar
    : undefined;
  const expected = toText(error.slice(2, -2));
  const isInvalid = colon?.type === "text" && colon.text === ": " && expected.endsWith(BUT_GOT);
  if (name === undefined || value?.type !== "value" || !isInvalid) return undefined;
  return { name, value: value.value, expected: expected.slice(0, -BUT_GOT.length) };
}

/** What the option parser writes before a value that it does not take. */
const BUT_GOT = ", but got ";

/** A message of the option parser as text, without markup and final period. */
function toText(error: Message): string {
  const parts = error.map((term) => {
    switch (term.type) {
      case "text":
        return term.text;
      case "value":
        return JSON.stringify(term.value);
      case "optionName":
        return term.optionName;
      case "optionNames":
        return term.optionNames.join("/");
      case "metavar":
        return term.metavar;
      default:
        return "";
    }
  });
  const sentence = parts.join("").replace(/\.$/, "");
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
