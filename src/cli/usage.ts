/** Turns a command line into what is to be done, or into help, or into an error that helps. */
import {
  extractCommandNames,
  extractOptionNames,
  lineBreak,
  type Message,
  message,
  or,
  runParser,
  text,
} from "optique";
import { ConfigurationError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { hasColour } from "./colour.ts";
import type { Action } from "./action.ts";
import { extract } from "./extract.ts";
import type { IO, Output } from "./io.ts";
import { list } from "./list.ts";
import { load } from "./load.ts";
import { HELP, VERSION } from "./names.ts";
import { usageLine } from "./options.ts";
import { run } from "./run.ts";
import { validate } from "./validate.ts";

const parser = or(run, extract, load, list, validate);

const EXIT_CODES: readonly string[] = [
  "0    done",
  "1    the run failed",
  "2    usage, pipeline or selector is wrong",
  "3    some streams failed, others succeeded",
  "4    source, stage and target do not agree",
  "130  stopped by Ctrl-C; 143 by SIGTERM",
];

/** Widest that help is set, so that it stays readable on a wide terminal. */
const WIDEST_HELP = 100;

/**
 * The action that the arguments mean; undefined when they asked for help or the version, which is
 * printed to `output`.
 *
 * @throws {ConfigurationError} for a command line that cannot be understood
 */
export function parseArguments(
  args: readonly string[],
  io: IO,
  output: Output = io.stdout,
): Action | undefined {
  let shown = false;
  const onShow = () => {
    shown = true;
  };
  const action = runParser(parser, "dxt", args, {
    help: { option: { names: HELP }, onShow },
    version: { option: { names: VERSION }, value: io.version, onShow },
    brief: message`Moves data in batches from one system to another, and proves that all arrived.`,
    usageLine: usageLine("COMMAND"),
    footer: [
      text("Exit codes:"),
      ...EXIT_CODES.flatMap((line) => [lineBreak(), text(`  ${line}`)]),
      lineBreak(),
      lineBreak(),
      text("dxt COMMAND --help tells more about a command."),
    ],
    aboveError: "none",
    colors: hasColour(io.env, output),
    maxWidth: Math.min(output.columns, WIDEST_HELP),
    termWidth: "auto",
    stdout: (text) => output.write(`${text.replace(/ +$/gm, "")}\n`),
    stderr: () => {},
    onError: (_code, error): never => {
      throw new ConfigurationError(describe(error, args));
    },
  });
  return shown ? undefined : action;
}

/** What is wrong, what was probably meant, and where to read on. */
function describe(error: Message, args: readonly string[]): string {
  const commands = [...extractCommandNames(parser.usage)];
  const chosen = commands.find((name) => name === args[0]);
  const unexpected = unexpectedToken(error);
  const detail = unexpected === undefined
    ? `Cannot understand the command line: ${plain(error)}`
    : describeUnexpected(unexpected, chosen, commands);
  return `${detail}\nRun "dxt${chosen === undefined ? "" : ` ${chosen}`} --help" for usage`;
}

function describeUnexpected(
  token: string,
  chosen: string | undefined,
  commands: readonly string[],
): string {
  const quoted = JSON.stringify(token);
  if (token.startsWith("-")) {
    if (chosen === undefined && optionsOf(commands).includes(token)) {
      return `Unexpected option ${quoted}: options of a command come after it`;
    }
    return `Unknown option ${quoted}${
      nearest(token, optionsOf(chosen === undefined ? [] : [chosen]))
    }`;
  }
  if (chosen !== undefined) return `Unexpected argument ${quoted}`;
  return `Unknown command ${quoted}${
    nearest(token, commands) || `, there are ${commands.join(", ")}`
  }`;
}

function optionsOf(names: readonly string[]): string[] {
  const own = Object.entries({ run, extract, load, list, validate })
    .filter(([name]) => names.includes(name))
    .flatMap(([, { usage }]) => [...extractOptionNames(usage)]);
  return [...own, ...HELP, ...VERSION];
}

/** The argument that nothing wanted, when that is the error. */
function unexpectedToken(error: Message): string | undefined {
  const [first, second] = error;
  if (first?.type !== "text" || !first.text.startsWith("Unexpected option or")) return undefined;
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
