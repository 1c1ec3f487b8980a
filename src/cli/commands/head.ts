import {
  argument,
  command,
  integer,
  map,
  merge,
  message,
  object,
  option,
  optional,
  string,
} from "optique";
import { ConfigurationError } from "../../core/errors.ts";
import type { Head, HeadOf } from "../../runner/mod.ts";
import { type Action, type Context, openPipeline, type Variables } from "../app/context.ts";
import { openConnection, untilSignal } from "../app/connections.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { formatRecords } from "../output/record_table.ts";
import { type LimitOptions, parseLimits } from "../app/permission_limits.ts";
import * as options from "../app/options.ts";
import { escapeControls } from "../output/terminal_text.ts";
import { countNoun } from "../output/format_units.ts";
import { jsonRecord } from "../output/format_value.ts";

interface HeadOptions extends Variables, LimitOptions {
  readonly from: string;
  readonly stream?: string | undefined;
  readonly rows?: number | undefined;
  readonly stage: boolean;
  readonly target: boolean;
}

const MOST_ROWS = 100_000;

const parser = merge(
  object({
    from: argument(string({ metavar: "CONNECTION|PIPELINE" }), {
      description:
        message`File of a pipeline, or a connection: its name in the project, a URL, a database file or a folder`,
    }),
    stream: optional(argument(string({ metavar: "STREAM" }), {
      description: message`Id of a stream of the pipeline, or a table or file of the connection`,
    })),
  }),
  object("Options", {
    rows: optional(option("-n", "--rows", integer({ metavar: "N", min: 1, max: MOST_ROWS }), {
      description: message`Records to show (default: 20)`,
    })),
    stage: option("--stage", { description: message`What is staged of the pipeline's stream` }),
    target: option("--target", {
      description: message`What the target of the pipeline's stream holds`,
    }),
    ...options.limits(),
    ...options.variables(),
    ...options.modules(),
    ...options.outputOptions(),
  }),
);

export const head = command(
  "head",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => showHead(values, context),
  })),
  {
    usageLine: options.usageLine("CONNECTION|PIPELINE STREAM"),
    brief: message`Show the first records of a stream, its stage or its target`,
    description:
      message`Reads so many records and no more. NULL stands for a missing value; an empty text, or the text NULL, stands in quotes. On a terminal wide columns are cut and the last left out; a pipe gets all of them.`,
    footer: options.examples(
      "dxt head shop.yaml orders",
      "dxt head shop.yaml orders --target -n 5",
      "dxt head postgres://reader@127.0.0.1/shop public.orders --output ndjson",
      "dxt head data/airports.csv",
    ),
  },
);

const DEFAULT_ROWS = 20;

async function showHead(values: HeadOptions, context: Context): Promise<number> {
  const { from, stream, rows = DEFAULT_ROWS, stage, target } = values;
  if (stage && target) {
    throw new ConfigurationError("Cannot show --stage and --target at once: expected one of them");
  }
  const of: HeadOf = stage ? "stage" : target ? "target" : "source";
  if (isPipeline(from)) {
    const loaded = await openPipeline(from, values, context);
    const { admitHead, previewPipelineRows } = await import("../../runner/mod.ts");
    return await untilSignal(context, async (signal) => {
      const mayExplore = await admitHead(loaded, stream, of, parseLimits(values));
      const showing = { rows, mayExplore, signal };
      print(await previewPipelineRows(loaded, stream, of, showing), context);
      return EXIT.done;
    });
  }
  if (of !== "source") {
    throw new ConfigurationError(
      `Cannot show the ${of} of "${from}": --${of} is for the stream of a pipeline's file (.yaml)`,
    );
  }
  const connection = await openConnection(
    { option: "CONNECTION", text: from },
    values,
    context,
  );
  const { admitConnection, previewConnection } = await import("../../runner/mod.ts");
  return await untilSignal(context, async (signal) => {
    const mayExplore = await admitConnection(connection, stream, parseLimits(values));
    print(await previewConnection(connection, stream, { rows, mayExplore, signal }), context);
    return EXIT.done;
  });
}

function isPipeline(text: string): boolean {
  return /\.ya?ml$/i.test(text);
}

function print({ fields, rows }: Head, { printer, io }: Context): void {
  const names = fields.map(({ name }) => name);
  const records = () => rows.map((row) => escapeControls(jsonRecord(names, row)));
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
    (text) => printer.coloured(text, "dim"),
  );
  printer.table(columns, cells);
  if (rows.length === 0) printer.warning("there are no records");
  if (hidden.length > 0) {
    printer.warning(
      `${countNoun(hidden.length, "more field")} had no room: ${
        hidden.map((name) => JSON.stringify(name)).join(", ")
      }; a pipe or --output json shows all`,
    );
  }
}
