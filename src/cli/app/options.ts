/** Options that several commands take, and what their help has in common. */
import {
  argument,
  choice,
  integer,
  keyValue,
  lineBreak,
  type Message,
  message,
  multiple,
  option,
  optional,
  string,
  text,
  type Usage,
} from "optique";
import { COLOR_CHOICES } from "../terminal/color.ts";
import { LOG_LEVELS } from "../terminal/log_levels.ts";
import { FORMATS } from "../terminal/global_options.ts";

const file = () => string({ metavar: "PIPELINE" });

export const pipeline = () => argument(file(), { description: message`File of the pipeline` });

export const pipelines = () =>
  multiple(argument(file(), { description: message`Files of the pipelines` }), {
    min: 1,
    errors: { tooFew: message`Expected a PIPELINE, but too few arguments` },
  });

export const selection = () => ({
  select: optional(option("-s", "--select", string({ metavar: "SELECTOR" }), {
    description:
      message`Only these streams: orders, sales_*, tag:daily, tag:a+b (both tags), all; commas between`,
  })),
  exclude: optional(option("-x", "--exclude", string({ metavar: "SELECTOR" }), {
    description: message`Not these streams, in the same words`,
  })),
});

/** These errors do not quote the argument: it may be a secret without its name. */
const VARIABLE_ERRORS = {
  missingSeparator: message`expected NAME=VALUE, there is no "=".`,
  emptyKey: message`expected NAME=VALUE, there is no name before "=".`,
};

export const variables = () => ({
  envFile: optional(option("--env-file", string({ metavar: "FILE" }), {
    description: message`File with values for the pipeline's variables, in place of .env`,
  })),
  vars: multiple(option("--var", keyValue({ metavar: "NAME=VALUE", errors: VARIABLE_ERRORS }), {
    description: message`Value of one variable, before environment and file; repeat for more`,
  })),
});

export const failFast = () =>
  option("--fail-fast", { description: message`Stop after the first stream that fails` });

export const threads = () =>
  optional(option("--threads", integer({ metavar: "N", min: 1, max: 256 }), {
    description:
      message`Streams, and parts of a large stream, that are moved at once (default: number of cores)`,
  }));

export const wait = () =>
  optional(option("--wait", string({ metavar: "DURATION" }), {
    description:
      message`Wait up to 30s, 10m, 2h … for a stage or target that another run holds; without a duration, as long as it takes (default: fail at once)`,
  }));

export const fullRefresh = (description: Message) => option("--full-refresh", { description });

const most = (name: `--allow-${string}`, metavar: "HOSTS" | "PATHS" | "NAMES", what: Message) =>
  optional(option(name, string({ metavar }), { description: what }));

/** The most that a pipeline may need, as lists; the project's `permissions` hold too. */
export const limits = () => ({
  allowNet: most(
    "--allow-net",
    "HOSTS",
    message`Refuse what connects elsewhere: host or host:port, commas between; empty: nowhere`,
  ),
  allowRead: most(
    "--allow-read",
    "PATHS",
    message`Refuse what reads elsewhere than these files and folders; empty: nothing`,
  ),
  allowWrite: most("--allow-write", "PATHS", message`Refuse what writes elsewhere; empty: nothing`),
  allowEnv: most("--allow-env", "NAMES", message`Refuse what asks for other variables`),
});

/** Where external modules may come from. */
export const imports = () => ({
  allowImport: most(
    "--allow-import",
    "HOSTS",
    message`Fetch external modules from these hosts, commas between, besides the project's`,
  ),
  cacheDir: optional(option("--cache-dir", string({ metavar: "FOLDER" }), {
    description: message`Keep fetched modules in this folder (default: only in memory)`,
  })),
});

/** How the external modules of a pipeline are gathered. */
export const modules = () => ({
  ...imports(),
  frozen: option("--frozen", {
    description: message`Refuse external modules that dxt.lock does not have`,
  }),
});

export const sandbox = () =>
  optional(option("--sandbox", choice(["on", "off"], { metavar: "WHEN" }), {
    description:
      message`off: each side of a stream may do all that dxt may, not only what it needs (default: on)`,
  }));

export const showValues = () =>
  option("--show-values", {
    description: message`Show records and keys in errors of source and target (default: hidden)`,
  });

/** How a command speaks; every command takes these. */
export const outputOptions = () => ({
  output: optional(option("-o", "--output", choice(FORMATS, { metavar: "FORMAT" }), {
    description:
      message`Result as text, as one json document, or as ndjson: a line for each event and result`,
  })),
  color: optional(option("--color", choice(COLOR_CHOICES, { metavar: "WHEN" }), {
    description: message`auto (on a terminal), always or never`,
  })),
  quiet: option("-q", "--quiet", {
    description: message`One JSON document as result, no progress`,
  }),
  verbose: option("-v", "--verbose", {
    description: message`Tell each step, and where an error arose`,
  }),
});

/** What is logged, and where; they win over the project's `logging`. */
export const logging = () => ({
  logFile: optional(option("--log-file", string({ metavar: "FILE" }), {
    description: message`Append what happens to this file, a JSON object a line`,
  })),
  logLevel: optional(option("--log-level", choice(LOG_LEVELS, { metavar: "LEVEL" }), {
    description: message`Least that is logged: debug, info, warning or error (default: info)`,
  })),
});

/** Usage of a command in one line: the options are told below it. */
export function usageLine(operands: string): Usage {
  return [operands, "[OPTION...]"].filter((word) => word !== "")
    .map((value) => ({ type: "literal", value }));
}

/** Examples at the end of a command's help. */
export function examples(...lines: readonly string[]): Message {
  return [text("Examples:"), ...lines.flatMap((line) => [lineBreak(), text(`  ${line}`)])];
}
