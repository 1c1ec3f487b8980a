/** `dxt run`: moves the streams of a pipeline, or one stream that options describe. */
import {
  argument,
  type InferValue,
  integer,
  merge,
  message,
  multiple,
  object,
  option,
  optional,
  string,
} from "optique";
import type { Argument, StreamArguments } from "../../config/mod.ts";
import { ConfigurationError } from "../../core/errors.ts";
import { defineCommand } from "../app/define_command.ts";
import * as options from "../app/options.ts";
import { runPhase } from "../app/run_phase.ts";
import { showPlan } from "./plan.ts";

const parser = merge(
  object({
    pipeline: optional(
      argument(string({ metavar: "PIPELINE" }), {
        description: message`Path of the pipeline file; without it, use --from and --to`,
      }),
    ),
  }),
  object("One stream without a file", {
    from: options.textOption(
      "--from",
      "CONNECTION",
      message`Source: a connection name, a URL, a database file, a folder, a file or a pattern`,
    ),
    to: options.textOption(
      "--to",
      "CONNECTION",
      message`Target, same syntax as --from; a file or folder need not exist`,
    ),
    source: options.textOption(
      "--source",
      "NAME",
      message`Table, query (SELECT …), file or pattern in the source; omit it when --from is a file`,
    ),
    target: options.textOption(
      "--target",
      "NAME",
      message`Table or file in the target (default: as in the source)`,
    ),
    mode: options.textOption(
      "--mode",
      "MODE",
      message`append, replace or upsert (default: append)`,
    ),
    keys: multiple(option("--key", string({ metavar: "FIELD" }), {
      description: message`Field that identifies a record, for upsert; repeatable`,
    })),
  }),
  object("Options", {
    ...options.selection(),
    since: options.textOption(
      "--since",
      "VALUE",
      message`Backfill: read incremental streams from this watermark (inclusive), ignoring the target's`,
    ),
    until: options.textOption(
      "--until",
      "VALUE",
      message`Backfill: read up to this watermark (exclusive); upsert streams only`,
    ),
    limit: optional(option("--limit", integer({ metavar: "N", min: 1 }), {
      description: message`Move at most N rows of each stream; not for incremental streams`,
    })),
    fullRefresh: options.fullRefresh(
      message`Read everything and replace the targets, regardless of the streams' modes`,
    ),
    dryRun: option("--dry-run", {
      description: message`Show what would be done, as dxt plan does, without changing anything`,
    }),
    ...options.moving(),
  }),
);

type RunOptions = InferValue<typeof parser>;

export const run = defineCommand(
  "run",
  parser,
  (values, context) => {
    const { source: _source, target: _target, mode: _mode, dryRun, ...phase } = values;
    const options = { ...phase, stream: buildStream(values) };
    return dryRun ? showPlan(options, context) : runPhase("run", options, context);
  },
  {
    operands: "PIPELINE | --from CONNECTION --to CONNECTION",
    brief: message`Move the streams of a pipeline from source to target`,
    description:
      message`Extracts each stream into a stage on disk, loads the stage into the target, and verifies that source, stage and target agree.`,
    examples: [
      "dxt run shop.yaml",
      "dxt run shop.yaml --select 'tag:daily,sales_*' --exclude sales_us",
      "dxt run shop.yaml --var SHOP_URL=postgres://127.0.0.1/shop --quiet",
      "dxt run shop.yaml --select orders --since 2025-01-01 --until 2025-02-01",
      "dxt run --from '${SHOP_URL}' --source public.orders --to ./orders.parquet",
      "dxt run --from x.csv --to sqlite:w.db --target x --mode upsert --key id",
    ],
  },
);

/**
 * The stream that options describe; undefined when a pipeline file is given.
 *
 * @throws {ConfigurationError} when both are given, or neither
 */
function buildStream(values: RunOptions): StreamArguments | undefined {
  const { pipeline, from, to, source, target, mode, keys } = values;
  const given = Object.entries({ from, to, source, target, mode, key: keys[0] })
    .filter(([, value]) => value !== undefined);
  if (pipeline !== undefined) {
    if (given.length === 0) return undefined;
    throw usageError(
      `Cannot run "${pipeline}" with --${
        given[0]![0]
      }: expected either a pipeline file, or --from and --to`,
    );
  }
  if (given.length === 0) {
    throw usageError("Cannot run: expected a PIPELINE, or --from and --to");
  }
  for (const [name, value] of Object.entries({ from, to })) {
    if (value === undefined) {
      throw usageError(`Cannot run without a PIPELINE: --${name} is missing`);
    }
  }
  return {
    from: toArgument("--from", from!),
    to: toArgument("--to", to!),
    source: source === undefined ? undefined : toArgument("--source", source),
    target: target === undefined ? undefined : toArgument("--target", target),
    mode: mode === undefined ? undefined : toArgument("--mode", mode),
    keys: keys.map((key) => toArgument("--key", key)),
  };
}

function toArgument(name: string, value: string): Argument {
  return { option: name, text: value };
}

function usageError(detail: string): ConfigurationError {
  return new ConfigurationError(`${detail}\nRun "dxt run --help" for usage`);
}
