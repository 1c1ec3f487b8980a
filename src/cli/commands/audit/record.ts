/** `dxt record`: keeps a few masked rows of each stream as a fixture, on which `dxt replay` runs the pipeline. */
import {
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
import { ConfigurationError, messageOf } from "../../../core/errors.ts";
import { shellWord } from "../../../core/permission_errors.ts";
import type { RecordResult } from "../../../runner/mod.ts";
import { runUntilSignal } from "../../app/connections.ts";
import { type Context, omitUndefined, openPipeline } from "../../app/context.ts";
import { defineCommand } from "../../app/define_command.ts";
import { chooseFixtureFolder, openDetached } from "../../app/fixtures.ts";
import * as options from "../../app/options.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { countNoun, countText } from "../../output/format_units.ts";
import type { Printer } from "../../output/printer.ts";
import { EXIT } from "../../terminal/exit_codes.ts";

const MOST_ROWS = 100_000;
const DEFAULT_ROWS = 100;

const parser = merge(
  object({ pipeline: options.pipeline() }),
  object("Options", {
    ...options.selection(),
    rows: optional(option("--rows", integer({ metavar: "N", min: 1, max: MOST_ROWS }), {
      description: message`Keep at most N rows of each stream (default: 100)`,
    })),
    out: options.textOption(
      "--out",
      "FOLDER",
      message`Write the fixture to this folder (default: fixtures/NAME beside the pipeline)`,
    ),
    plain: multiple(option("--plain", string({ metavar: "FIELD" }), {
      description:
        message`Keep the values of this field, or of STREAM.FIELD, instead of masking them; repeatable`,
    })),
    maskKey: options.textOption(
      "--mask-key",
      "FILE",
      message`Mask with the key in this file, so that each recording masks a value alike (default: a random key)`,
    ),
    ...options.inspecting(),
  }),
);

type RecordOptions = InferValue<typeof parser>;

export const record = defineCommand(
  "record",
  parser,
  recordFixture,
  {
    operands: "PIPELINE",
    brief: message`Keep a few masked rows of each stream as a fixture for dxt replay`,
    description:
      message`Reads the first rows of each stream as a run does, asks no target, and writes them as Parquet files beside an index. Texts, numbers, bytes, JSON and dates are replaced by values of the same type and shape; equal values stay equal, so that joins and upserts work. Booleans, times of day, NULL, zero and watermarks stay.`,
    examples: [
      "dxt record shop.yaml",
      "dxt record shop.yaml --select orders --rows 500 --out fixtures/orders",
      "dxt record shop.yaml --plain status --plain orders.currency",
    ],
  },
);

async function recordFixture(values: RecordOptions, context: Context): Promise<number> {
  const { pipeline: path, select, exclude, rows = DEFAULT_ROWS, plain, maskKey } = values;
  const { printer, io } = context;
  const key = await readKey(maskKey, printer);
  const written = await openDetached(path, values, context);
  const loaded = await openPipeline(path, values, context);
  const folder = values.out ?? chooseFixtureFolder(path, loaded);
  const { admitPipeline, recordPipeline } = await import("../../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const selection = omitUndefined({ select, exclude });
    const limits = parseLimits(values);
    const use = { purpose: "record", ...selection, fixture: folder, limits } as const;
    const mayExplore = await admitPipeline(loaded, use);
    const result = await recordPipeline(loaded, {
      ...{ ...selection, folder, rows, plain, written, mayExplore, signal },
      key: key ?? crypto.getRandomValues(new Uint8Array(32)),
      version: io.version,
      onWarning: (stream, warning) => printer.warning(warning, stream),
    });
    print(result, printer);
    const out = values.out === undefined ? "" : ` ${shellWord(values.out)}`;
    printer.progress(
      result.pipeline,
      `the fixture is in "${folder}", run the pipeline on it with: dxt replay ${
        shellWord(path)
      }${out}`,
    );
    return EXIT.done;
  });
}

async function readKey(
  path: string | undefined,
  printer: Printer,
): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined;
  const refuse = (detail: string, cause?: unknown) =>
    new ConfigurationError(`Cannot read the masking key "${path}": ${detail}`, { cause });
  let key: string;
  try {
    key = (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
  if (key.length < 16) throw refuse("its key is shorter than 16 characters");
  printer.hide([key]);
  return new TextEncoder().encode(key);
}

function print(result: RecordResult, printer: Printer): void {
  if (printer.format !== "text") return printer.json(result);
  printer.table(
    [{ title: "stream" }, { title: "rows", align: "right" }, { title: "masked" }, {
      title: "plain",
    }],
    result.streams.map(({ stream, rows, masked, plain }) => [
      { text: stream },
      { text: countText(rows) },
      { text: masked.length > 3 ? countNoun(masked.length, "field") : masked.join(", ") },
      { text: plain.join(", ") },
    ]),
  );
}
