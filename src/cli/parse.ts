/** Turns a command line into what is to be done, or into help, or into an error that helps. */
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
import { chooseColors, hasColor } from "./terminal/color.ts";
import type { Action } from "./app/context.ts";
import { type CommandParser, COMMANDS, NAMES } from "./command_table.ts";
import { fromEnvironment } from "./help/env_options.ts";
import { helpWidth } from "./help/cached_help.ts";
import type { IO, Output } from "./terminal/stdio.ts";
import { DURATION, FOREVER, HELP, VERSION } from "./terminal/global_options.ts";
import { usageLine } from "./app/options.ts";

const EXIT_CODES: readonly string[] = [
  "0    done",
  "1    the run failed",
  "2    usage, pipeline or selector is wrong",
  "3    some streams failed, others succeeded",
  "4    source, stage and target do not agree",
  "6    a load may or may not be committed: dxt load asks the target",
  "7    another run holds a stage or a target",
  "130  stopped by Ctrl-C; 143 by SIGTERM",
];

/**
 * The action that the arguments mean, and what `DXT_…` variables add to them; undefined when they
 * asked for help or the version, which is printed to `output`.
 *
 * @throws {ConfigurationError} for a command line that cannot be understood
 */
export async function parseArguments(
  args: readonly string[],
  io: IO,
  output: Output = io.stdout,
): Promise<Action | undefined> {
  const commands = await loadFor(args[0]);
  const parser = together(commands);
  const usage = commands.size === 1 ? parser.usage : [];
  const asksHelp = args.some((arg) => HELP.some((name) => name === arg));
  const variables = asksHelp ? [] : fromEnvironment(usage, args, io.env);
  const given = args.map((arg, i) =>
    arg === "--wait" && !DURATION.test(args[i + 1] ?? "") ? `--wait=${FOREVER}` : arg
  );
  const parse = (more: readonly string[]) =>
    parseWith(parser, [...given.slice(0, 1), ...more, ...given.slice(1)], io, output);
  const parsed = parse(variables.flatMap(({ args }) => args));
  if (!("error" in parsed)) return parsed.action;
  const { error } = parsed;
  const plainly = variables.length === 0 ? parsed : parse([]);
  if ("error" in plainly) throw new ConfigurationError(describe(plainly.error, args, commands));
  const wrong = variables.find(({ args }) => "error" in parse(args));
  if (wrong === undefined) throw new ConfigurationError(describe(error, args, commands));
  const { error: detail = error } = parse(wrong.args) as { error?: Message };
  throw new ConfigurationError(
    `Cannot use variable ${wrong.variable}: value is ${JSON.stringify(wrong.value)}, ${
      plain(detail)
    }`,
  );
}

function parseWith(
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
        message`Moves data in batches from one system to another, and proves that all arrived.`,
      usageLine: usageLine("COMMAND"),
      footer: [
        text("Exit codes:"),
        ...EXIT_CODES.flatMap((line) => [lineBreak(), text(`  ${line}`)]),
        lineBreak(),
        lineBreak(),
        text(
          "Each option is also a variable: DXT_THREADS=4 is --threads 4, DXT_QUIET=1 is --quiet.",
        ),
        lineBreak(),
        text("dxt COMMAND --help tells more about a command."),
      ],
      aboveError: "none",
      colors: hasColor(io.env, output, chooseColors(args, io.env)),
      maxWidth: helpWidth(output.columns),
      termWidth: "auto",
      stdout: (text) => output.write(`${text.replace(/ +$/gm, "")}\n`),
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

type Commands = ReadonlyMap<string, CommandParser>;

/** The command of this name alone, or all when none has it. */
async function loadFor(name: string | undefined): Promise<Commands> {
  const names = name !== undefined && Object.hasOwn(COMMANDS, name) ? [name] : NAMES;
  return new Map(
    await Promise.all(names.map(async (name) => [name, await COMMANDS[name]!.load()] as const)),
  );
}

/** One parser of several commands, each below the title of its group. */
function together(commands: Commands): CommandParser {
  const titles = [...new Set([...commands.keys()].map((name) => COMMANDS[name]!.group))];
  return oneOf(titles.map((title) => {
    const own = [...commands].filter(([name]) => COMMANDS[name]!.group === title);
    return group(title, oneOf(own.map(([, parser]) => parser)));
  }));
}

function oneOf(parsers: readonly CommandParser[]): CommandParser {
  const [first, second, ...more] = parsers;
  return second === undefined ? first! : oneOf([or(first!, second) as CommandParser, ...more]);
}

/** What is wrong, what was probably meant, and where to read on. */
function describe(error: Message, args: readonly string[], commands: Commands): string {
  const chosen = commands.size === 1 ? args[0] : undefined;
  const unexpected = unexpectedToken(error);
  const detail = unexpected === undefined
    ? `Cannot understand the command line: ${plain(error)}`
    : describeUnexpected(unexpected, chosen, commands);
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
      return `Unexpected option ${quoted}: options of a command come after it`;
    }
    const known = [...(chosen === undefined ? [] : options), ...HELP, ...VERSION];
    return `Unknown option ${quoted}${suggestWord(token, known)}`;
  }
  if (chosen !== undefined) return `Unexpected argument ${quoted}`;
  return `Unknown command ${quoted}${
    suggestWord(token, NAMES) || `, there are ${NAMES.join(", ")}`
  }`;
}

/** The argument that nothing wanted, when that is the error. */
function unexpectedToken(error: Message): string | undefined {
  const [first, second] = error;
  if (first?.type !== "text" || !first.text.startsWith("Unexpected option or")) return undefined;
  if (second?.type === "value") return second.value;
  return second?.type === "optionName" ? second.optionName : undefined;
}

/** The message without markup and final period. */
function plain(error: Message): string {
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
