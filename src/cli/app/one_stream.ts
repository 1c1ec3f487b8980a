/** Options that describe one stream in place of a pipeline file. */
import {
  argument,
  type InferValue,
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
import { omitUndefined } from "./context.ts";
import { textOption } from "./options.ts";

/** A pipeline file, or the options of one stream. */
export const pipelineOrStream = () =>
  merge(
    object({
      pipeline: optional(argument(string({ metavar: "PIPELINE" }), {
        description: message`Path of the pipeline file; without it, use --from and --to`,
      })),
    }),
    object("One stream without a file", {
      from: textOption(
        "--from",
        "CONNECTION",
        message`Source: a connection name, a URL, a database file, a folder, a file, a pattern, or - for stdin`,
      ),
      to: textOption(
        "--to",
        "CONNECTION",
        message`Target, same syntax as --from, or - for stdout; a file or folder need not exist`,
      ),
      source: textOption(
        "--source",
        "NAME",
        message`Table, query (SELECT …), file or pattern in the source; omit it when --from is a file`,
      ),
      target: textOption(
        "--target",
        "NAME",
        message`Table or file in the target (default: as in the source)`,
      ),
      where: textOption(
        "--where",
        "CONDITION",
        message`Only rows of the table that meet this condition in the source's SQL`,
      ),
      columns: textOption(
        "--columns",
        "NAMES",
        message`Only these columns, separated by commas, in this order (default: all)`,
      ),
      mode: textOption(
        "--mode",
        "MODE",
        message`append, replace, upsert or scd2 (default: replace for a file, append for a table)`,
      ),
      format: textOption(
        "--format",
        "FORMAT",
        message`Format of stdin or stdout: csv, tsv, json, jsonl, parquet or arrow, also compressed as in csv.gz (default of stdout: csv)`,
      ),
      keys: multiple(option("--key", string({ metavar: "FIELD" }), {
        description: message`Field that identifies a record, for upsert, scd2 and diff; repeatable`,
      })),
    }),
  );

/** Operands of a command with these options. */
export const OPERANDS = "PIPELINE | --from CONNECTION --to CONNECTION";

type Values = InferValue<ReturnType<typeof pipelineOrStream>>;

/** What a command works on: the path of a pipeline file, or a stream. */
export interface Subject {
  readonly pipeline: string | undefined;
  readonly stream: StreamArguments | undefined;
  /** Format of stdin or stdout, if the stream reads or writes one of them. */
  readonly format: string | undefined;
}

/**
 * Reads the subject of a command, and returns it with the command's other options.
 *
 * @throws {ConfigurationError} when both a pipeline file and a stream are given, or neither
 */
export function readSubject<T extends Values>(
  command: string,
  { pipeline, from, to, source, target, where, columns, mode, format, keys, ...others }: T,
): Omit<T, keyof Values> & Subject {
  const fail = (detail: string) =>
    new ConfigurationError(`${detail}\nRun "dxt ${command} --help" for usage`);
  const given = omitUndefined({ from, to, source, target, where, columns, mode, format });
  const [first] = [...Object.keys(given), ...keys.slice(0, 1).map(() => "key")];
  if (pipeline !== undefined && first !== undefined) {
    throw fail(
      `Cannot ${command} "${pipeline}" with --${first}: expected either a pipeline file, or --from and --to`,
    );
  }
  if (pipeline !== undefined) return { ...others, pipeline, stream: undefined, format };
  if (first === undefined) {
    throw fail(`Cannot ${command}: expected a PIPELINE, or --from and --to`);
  }
  for (const name of ["from", "to"] as const) {
    if (given[name] !== undefined) continue;
    throw fail(`Cannot ${command} without a PIPELINE: --${name} is missing`);
  }
  const words = Object.entries(given).map(([name, text]) => [name, toArgument(name, text)]);
  const stream = {
    ...Object.fromEntries(words) as Pick<StreamArguments, "from" | "to">,
    keys: keys.map((text) => toArgument("key", text)),
  };
  return { ...others, pipeline, stream, format };
}

function toArgument(name: string, text: string): Argument {
  return { option: `--${name}`, text };
}
