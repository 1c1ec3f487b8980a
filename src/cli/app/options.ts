/** Options that several commands share, and helpers for their help texts. */
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

export const pipeline = () => argument(file(), { description: message`Path of the pipeline file` });

export const pipelines = () =>
  multiple(argument(file(), { description: message`Paths of pipeline files` }), {
    min: 1,
    errors: { tooFew: message`Expected a PIPELINE, but too few arguments` },
  });

export const selection = () => ({
  select: optional(option("-s", "--select", string({ metavar: "SELECTOR" }), {
    description:
      message`Only these streams, separated by commas: orders, sales_*, tag:daily, tag:a+b (both tags), all`,
  })),
  exclude: optional(option("-x", "--exclude", string({ metavar: "SELECTOR" }), {
    description: message`Skip these streams; same syntax as --select`,
  })),
});

/** These errors do not quote the argument, which may be a secret whose name was left out. */
const VARIABLE_ERRORS = {
  missingSeparator: message`expected NAME=VALUE, the "=" is missing.`,
  emptyKey: message`expected NAME=VALUE, the name before "=" is missing.`,
};

export const variables = () => ({
  envFile: optional(option("--env-file", string({ metavar: "FILE" }), {
    description: message`Read the pipeline's variables from this file instead of .env`,
  })),
  vars: multiple(option("--var", keyValue({ metavar: "NAME=VALUE", errors: VARIABLE_ERRORS }), {
    description: message`Set one variable; overrides the environment and .env; repeatable`,
  })),
});

export const failFast = () =>
  option("--fail-fast", { description: message`Stop after the first failed stream` });

export const threads = () =>
  optional(option("--threads", integer({ metavar: "N", min: 1, max: 256 }), {
    description:
      message`How many streams, or parts of a large stream, move at once (default: number of cores)`,
  }));

export const wait = () =>
  optional(option("--wait", string({ metavar: "DURATION" }), {
    description:
      message`Wait up to 30s, 10m, 2h … for a stage or target that another run has locked; without a duration, wait indefinitely (default: fail at once)`,
  }));

export const fullRefresh = (description: Message) => option("--full-refresh", { description });

const limit = (name: `--allow-${string}`, metavar: "HOSTS" | "PATHS" | "NAMES", what: Message) =>
  optional(option(name, string({ metavar }), { description: what }));

/** Limits on the permissions of a pipeline. The project's `permissions` apply as well. */
export const limits = () => ({
  allowNet: limit(
    "--allow-net",
    "HOSTS",
    message`Refuse connections to other hosts: host or host:port, separated by commas; empty allows none`,
  ),
  allowRead: limit(
    "--allow-read",
    "PATHS",
    message`Refuse reads outside these files and folders; empty allows none`,
  ),
  allowWrite: limit(
    "--allow-write",
    "PATHS",
    message`Refuse writes outside these files and folders; empty allows none`,
  ),
  allowEnv: limit(
    "--allow-env",
    "NAMES",
    message`Refuse other environment variables; empty allows none`,
  ),
  allowFfi: limit(
    "--allow-ffi",
    "PATHS",
    message`Refuse other native libraries; empty allows none`,
  ),
  allowSys: limit(
    "--allow-sys",
    "NAMES",
    message`Refuse other facts of the system, such as hostname; empty allows none`,
  ),
});

/** Where external modules are fetched from and cached. */
export const imports = () => ({
  allowImport: limit(
    "--allow-import",
    "HOSTS",
    message`Also fetch external modules from these hosts, separated by commas`,
  ),
  cacheDir: optional(option("--cache-dir", string({ metavar: "FOLDER" }), {
    description: message`Cache fetched modules in this folder (default: in memory only)`,
  })),
});

/** Options of every command that loads external modules. */
export const modules = () => ({
  ...imports(),
  frozen: option("--frozen", {
    description: message`Refuse external modules that are missing from dxt.lock`,
  }),
});

export const sandbox = () =>
  optional(option("--sandbox", choice(["on", "off"], { metavar: "WHEN" }), {
    description:
      message`off: workers get all permissions of dxt, not only those that they need (default: on)`,
  }));

export const showValues = () =>
  option("--show-values", {
    description: message`Show records and keys in errors of source and target (default: hidden)`,
  });

/** Format and amount of output; every command takes these. */
export const outputOptions = () => ({
  output: optional(option("-o", "--output", choice(FORMATS, { metavar: "FORMAT" }), {
    description:
      message`Result as text, as one json document, or as ndjson: one line per event and result`,
  })),
  color: optional(option("--color", choice(COLOR_CHOICES, { metavar: "WHEN" }), {
    description: message`auto (on a terminal), always or never`,
  })),
  quiet: option("-q", "--quiet", {
    description: message`Print one JSON document and no progress`,
  }),
  verbose: option("-v", "--verbose", {
    description: message`Print each step, and the stack trace of an error`,
  }),
});

/** File and level of the log. They take precedence over the project's `logging`. */
export const logging = () => ({
  logFile: optional(option("--log-file", string({ metavar: "FILE" }), {
    description: message`Append events to this file, one JSON object per line`,
  })),
  logLevel: optional(option("--log-level", choice(LOG_LEVELS, { metavar: "LEVEL" }), {
    description:
      message`Lowest level that is logged: debug, info, warning or error (default: info)`,
  })),
});

/** Usage of a command on one line. Its options are listed below it. */
export function usageLine(operands: string): Usage {
  return [operands, "[OPTION...]"].filter((word) => word !== "")
    .map((value) => ({ type: "literal", value }));
}

/** The footer of a command's help: its examples. */
export function examples(...lines: readonly string[]): Message {
  return [text("Examples:"), ...lines.flatMap((line) => [lineBreak(), text(`  ${line}`)])];
}
