/** `dxt head`: prints the first records of a source, a stage or a target. */
import {
  argument,
  type InferValue,
  integer,
  merge,
  message,
  object,
  option,
  optional,
  string,
} from "optique";
import { ConfigurationError } from "../../../core/errors.ts";
import type { Head, HeadOf } from "../../../runner/mod.ts";
import { type Context, openPipeline } from "../../app/context.ts";
import { openConnection, runUntilSignal } from "../../app/connections.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { formatRecords } from "../../output/record_table.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { escapeControls } from "../../output/terminal_text.ts";
import { countNoun } from "../../output/format_units.ts";
import { jsonRecord } from "../../output/format_value.ts";

const MOST_ROWS = 100_000;

const parser = merge(
  object({
    from: argument(string({ metavar: "CONNECTION|PIPELINE" }), {
      description:
        message`A pipeline file, or a connection: its name in the project, a URL, a database file or a folder`,
    }),
    stream: optional(argument(string({ metavar: "STREAM" }), {
      description: message`Stream id of the pipeline, or a table or file of the connection`,
    })),
  }),
  object("Options", {
    rows: optional(option("-n", "--rows", integer({ metavar: "N", min: 1, max: MOST_ROWS }), {
      description: message`Number of records to show (default: 20)`,
    })),
    stage: option("--stage", { description: message`Show records of the stream's stage` }),
    target: option("--target", { description: message`Show records of the stream's target` }),
    ...options.inspecting(),
  }),
);

type HeadOptions = InferValue<typeof parser>;

export const head = defineCommand(
  "head",
  parser,
  showHead,
  {
    operands: "CONNECTION|PIPELINE STREAM",
    brief: message`Show the first records of a stream, its stage or its target`,
    description:
      message`Reads only as many records as it shows. NULL is a missing value; an empty text and the text NULL are quoted. A terminal gets wide columns truncated and only as many columns as fit; a pipe gets everything.`,
    examples: [
      "dxt head shop.yaml orders",
      "dxt head shop.yaml orders --target -n 5",
      "dxt head postgres://reader@127.0.0.1/shop public.orders --output ndjson",
      "dxt head data/airports.csv",
    ],
  },
);

const DEFAULT_ROWS = 20;

async function showHead(values: HeadOptions, context: Context): Promise<number> {
  const { from, stream, rows = DEFAULT_ROWS, stage, target } = values;
  if (stage && target) {
    throw new ConfigurationError("Cannot show --stage and --target together: expected one of them");
  }
  const of: HeadOf = stage ? "stage" : target ? "target" : "source";
  if (isPipeline(from)) {
    const loaded = await openPipeline(from, values, context);
    const { admitHead, previewPipelineRows } = await import("../../../runner/mod.ts");
    return await runUntilSignal(context, async (signal) => {
      const mayExplore = await admitHead(loaded, stream, of, parseLimits(values));
      const options = { rows, mayExplore, signal };
      print(await previewPipelineRows(loaded, stream, of, options), context);
      return EXIT.done;
    });
  }
  if (of !== "source") {
    throw new ConfigurationError(
      `Cannot show the ${of} of "${from}": --${of} needs a stream of a pipeline file (.yaml)`,
    );
  }
  const connection = await openConnection(
    { option: "CONNECTION", text: from },
    values,
    context,
  );
  const { admitConnection, previewConnection } = await import("../../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const mayExplore = await admitConnection(connection, stream, parseLimits(values));
    print(await previewConnection(connection, stream, { rows, mayExplore, signal }), context);
    return EXIT.done;
  });
}

function isPipeline(text: string): boolean {
  return /\.ya?ml$/i.test(text);
}

function print({ fields, rows }: Head, { printer, io }: Context): void {
  const records = () => rows.map((row) => escapeControls(jsonRecord(fields, row)));
  if (printer.format === "ndjson") {
    if (rows.length > 0) printer.document(records().join("\n"));
    return;
  }
  if (printer.format === "json") {
    return printer.document(rows.length === 0 ? "[]" : `[\n${records().join(",\n")}\n]`);
  }
  const width = io.stdout.isTerminal ? io.stdout.columns : undefined;
  const { columns, rows: cells, hidden } = formatRecords(
    fields,
    rows,
    width,
    (text) => printer.colorCell(text, "dim"),
  );
  printer.table(columns, cells);
  if (rows.length === 0) printer.warning("no records found");
  if (hidden.length > 0) {
    printer.warning(
      `${countNoun(hidden.length, "field")} not shown: ${
        hidden.map((name) => JSON.stringify(name)).join(", ")
      }; a pipe or --output json gets all`,
    );
  }
}
