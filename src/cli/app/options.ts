/** Options that several commands share, and helpers for their help texts. */
import {
  argument,
  choice,
  integer,
  keyValue,
  type Message,
  message,
  multiple,
  type NonEmptyString,
  option,
  optional,
  type OptionName,
  string,
} from "optique";
import { COLOR_CHOICES } from "../terminal/color.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../terminal/log_levels.ts";
import type { VerifyLevel } from "../../models/stream.ts";
import { FORMATS } from "../terminal/global_options.ts";

/** An option with a text value; `names` is its long name, or its short and long names. */
export const textOption = (
  names: OptionName | readonly [OptionName, OptionName],
  metavar: NonEmptyString,
  description: Message,
) => {
  const value = string({ metavar });
  return optional(
    typeof names === "string"
      ? option(names, value, { description })
      : option(...names, value, { description }),
  );
};

const file = () => string({ metavar: "PIPELINE" });

export const pipeline = () => argument(file(), { description: message`Path of the pipeline file` });

export const pipelines = () =>
  multiple(argument(file(), { description: message`Paths of pipeline files` }), {
    min: 1,
    errors: { tooFew: message`Expected a PIPELINE, but too few arguments` },
  });

export const selection = () => ({
  select: textOption(
    ["-s", "--select"],
    "SELECTOR",
    message`Only these streams, separated by commas or spaces (both mean or): orders, sales_*, tag:daily, tag:a+b (both tags), all`,
  ),
  exclude: textOption(
    ["-x", "--exclude"],
    "SELECTOR",
    message`Skip these streams; same syntax as --select`,
  ),
});

/** These errors do not quote the argument, which may be a secret whose name was left out. */
const VARIABLE_ERRORS = {
  missingSeparator: message`expected NAME=VALUE, the "=" is missing.`,
  emptyKey: message`expected NAME=VALUE, the name before "=" is missing.`,
};

export const variables = () => ({
  envFile: textOption(
    "--env-file",
    "FILE",
    message`Read the pipeline's variables from this file instead of .env`,
  ),
  vars: multiple(option("--var", keyValue({ metavar: "NAME=VALUE", errors: VARIABLE_ERRORS }), {
    description: message`Set one variable; overrides the environment and .env; repeatable`,
  })),
});

const failFast = () =>
  option("--fail-fast", { description: message`Stop after the first failed stream` });

const threads = () =>
  optional(option("--threads", integer({ metavar: "N", min: 1, max: 256 }), {
    description:
      message`How many streams, or parts of a large stream, move at once (default: number of cores)`,
  }));

export const wait = () =>
  textOption(
    "--wait",
    "DURATION",
    message`Wait up to 30s, 10m, 2h … for a stage or target that another run has locked; without a duration, wait indefinitely (default: fail at once)`,
  );

export const retries = () =>
  optional(option("--retries", integer({ metavar: "N", min: 0, max: 99 }), {
    description:
      message`Try a stream again up to N times after a failure that may pass, such as a lost connection or a deadlock (default: the stream's retry.attempts - 1, which is 2)`,
  }));

/** Copied from `models/stream.ts`, since that module loads zod. */
const VERIFY_LEVELS = ["counts", "aggregates", "full"] as const satisfies readonly VerifyLevel[];

export const verify = () =>
  optional(option("--verify", choice(VERIFY_LEVELS, { metavar: "LEVEL" }), {
    description:
      message`Compare stage and target before each load commits: counts, aggregates (by a query of the target) or full (every value) (default: the stream's load.verify)`,
  }));

/** What each stream may read at most, instead of what its `expect` says. */
export const bounds = () => ({
  maxRows: optional(option("--max-rows", integer({ metavar: "N", min: 0 }), {
    description:
      message`Stop a stream that reads more than N rows, before its target changes (default: its expect.max_rows)`,
  })),
  maxBytes: optional(option("--max-bytes", integer({ metavar: "N", min: 0 }), {
    description:
      message`Stop a stream that reads more than N bytes, before its target changes (default: its expect.max_bytes)`,
  })),
});

const maxMemory = () =>
  textOption(
    "--max-memory",
    "SIZE",
    message`Stop the streams when the process holds more memory than this, such as 512MiB or 2GB (default: no bound)`,
  );

/** Options that choose records of streams. */
export const records = () => ({
  since: textOption(
    "--since",
    "VALUE",
    message`Backfill: read incremental streams from this watermark (inclusive), ignoring the target's`,
  ),
  until: textOption(
    "--until",
    "VALUE",
    message`Backfill: read up to this watermark (exclusive); upsert and scd2 streams only`,
  ),
  limit: optional(option("--limit", integer({ metavar: "N", min: 1 }), {
    description: message`Move at most N rows of each stream; not for incremental streams`,
  })),
});

export const fullRefresh = (description: Message) => option("--full-refresh", { description });

/** Limits on the permissions of a pipeline. The project's `permissions` apply as well. */
const limits = () => ({
  allowNet: textOption(
    "--allow-net",
    "HOSTS",
    message`Refuse connections to other hosts: host or host:port, separated by commas; empty allows none`,
  ),
  allowRead: textOption(
    "--allow-read",
    "PATHS",
    message`Refuse reads outside these files and folders; empty allows none`,
  ),
  allowWrite: textOption(
    "--allow-write",
    "PATHS",
    message`Refuse writes outside these files and folders; empty allows none`,
  ),
  allowEnv: textOption(
    "--allow-env",
    "NAMES",
    message`Refuse other environment variables; empty allows none`,
  ),
  allowFfi: textOption(
    "--allow-ffi",
    "PATHS",
    message`Refuse other native libraries; empty allows none`,
  ),
  allowSys: textOption(
    "--allow-sys",
    "NAMES",
    message`Refuse other facts of the system, such as hostname; empty allows none`,
  ),
});

/** Where external modules are fetched from and cached. */
export const imports = () => ({
  allowImport: textOption(
    "--allow-import",
    "HOSTS",
    message`Also fetch external modules from these hosts, separated by commas`,
  ),
  cacheDir: textOption(
    "--cache-dir",
    "FOLDER",
    message`Cache fetched modules in this folder (default: in memory only)`,
  ),
});

/** Options of every command that loads external modules. */
const modules = () => ({
  ...imports(),
  frozen: option("--frozen", {
    description: message`Refuse external modules that are missing from dxt.lock`,
  }),
});

const sandbox = () =>
  optional(option("--sandbox", choice(["on", "off"], { metavar: "WHEN" }), {
    description:
      message`off: workers get all permissions of dxt, not only those that they need (default: on)`,
  }));

const showValues = () =>
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
  silent: option("-qq", "--silent", {
    description: message`Print nothing, or only the error if there is one`,
  }),
  verbose: option("-v", "--verbose", {
    description: message`Print each step, and the stack trace of an error`,
  }),
});

/** File and level of the log, and receipts. They take precedence over the project's `logging`. */
export const logging = () => ({
  receipts: textOption(
    "--receipts",
    "FOLDER",
    message`Write a receipt of the run to this folder`,
  ),
  logFile: textOption(
    "--log-file",
    "FILE",
    message`Append events to this file, one JSON object per line`,
  ),
  logLevel: optional(option("--log-level", choice(LOG_LEVELS, { metavar: "LEVEL" }), {
    description:
      message`Lowest level that is logged: debug (also progress and statements), info, warning or error (default: info)`,
  })),
  logFormat: optional(option("--log-format", choice(LOG_FORMATS, { metavar: "FORMAT" }), {
    description:
      message`stderr as text, or as json: the lines of the log, one JSON object per line (default: text)`,
  })),
});

/** Options of every command that reads a pipeline or a connection. */
export const reading = () => ({ ...variables(), ...modules(), ...outputOptions() });

/** Options of every command that connects, but moves nothing. */
export const inspecting = () => ({ ...limits(), ...reading() });

/** Options of every command that moves records. */
export const moving = () => ({
  failFast: failFast(),
  threads: threads(),
  wait: wait(),
  retries: retries(),
  maxMemory: maxMemory(),
  sandbox: sandbox(),
  showValues: showValues(),
  ...limits(),
  ...variables(),
  ...modules(),
  ...logging(),
  ...outputOptions(),
});

/** Options that choose streams of a connection. */
export const streamPatterns = () => ({
  schema: textOption("--schema", "NAME", message`Only streams of this schema`),
  select: textOption(
    ["-s", "--select"],
    "PATTERN",
    message`Only these streams, separated by commas or spaces (both mean or): orders, public.*, *_log`,
  ),
});
