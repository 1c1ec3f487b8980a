import {
  argument,
  choice,
  command,
  map,
  merge,
  message,
  object,
  option,
  optional,
  string,
} from "optique";
import type { NamedConnection } from "../../config/mod.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import type { Field } from "../../models/field.ts";
import type { Discovery } from "../../runner/mod.ts";
import type { Action, Context, Variables } from "../app/context.ts";
import { openConnection, untilSignal } from "../app/connections.ts";
import { chooseStreams, freePath, readableStreams } from "../scaffold/stream_choice.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { type LimitOptions, parseLimits } from "../app/permission_limits.ts";
import * as options from "../app/options.ts";
import { pipelineText } from "../scaffold/pipeline_yaml.ts";
import type { Cell } from "../output/table.ts";
import { escapeJSON } from "../output/terminal_text.ts";
import { countNoun, countText } from "../output/format_units.ts";

interface DiscoverOptions extends Variables, LimitOptions {
  readonly connection: string;
  readonly schema?: string | undefined;
  readonly select?: string | undefined;
  readonly format?: "table" | "yaml" | "json" | undefined;
}

const parser = merge(
  object({
    connection: argument(string({ metavar: "CONNECTION" }), {
      description: message`Name of a connection of the project, a URL, a database file or a folder`,
    }),
  }),
  object("Options", {
    schema: optional(option("--schema", string({ metavar: "NAME" }), {
      description: message`Only streams of this schema`,
    })),
    select: optional(option("-s", "--select", string({ metavar: "PATTERN" }), {
      description: message`Only these streams: orders, public.*, *_log; commas between`,
    })),
    format: optional(option("-f", "--format", choice(["table", "yaml", "json"]), {
      description: message`table, yaml (a pipeline that runs) or json (default: table)`,
    })),
    ...options.limits(),
    ...options.variables(),
    ...options.modules(),
    ...options.outputOptions(),
  }),
);

export const discover = command(
  "discover",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => discoverStreams(values, context),
  })),
  {
    usageLine: options.usageLine("CONNECTION"),
    brief: message`Show the streams and fields of a connection`,
    description:
      message`Lists what the login can read, with field types, primary keys and fields that may serve as watermark. As YAML it is a pipeline that runs: a password in the URL becomes a variable, which is told.`,
    footer: options.examples(
      "dxt discover postgres://reader@127.0.0.1/shop --schema public",
      "dxt discover '${SHOP_URL}' --format yaml > shop.yaml",
      "dxt discover warehouse.db --select 'sales_*' --format json",
      "dxt discover data/",
    ),
  },
);

async function discoverStreams(values: DiscoverOptions, context: Context): Promise<number> {
  const argument = { option: "CONNECTION", text: values.connection };
  const connection = await openConnection(argument, values, context);
  const { admitConnection, discover, keyCandidates, watermarkCandidates } = await import(
    "../../runner/mod.ts"
  );
  return await untilSignal(context, async (signal) => {
    await admitConnection(connection, undefined, parseLimits(values));
    const found = await discover(connection, signal);
    const streams = chooseStreams(found, values);
    const marks = { keys: keyCandidates, watermarks: watermarkCandidates };
    switch (formatOf(values, context)) {
      case "json":
        context.printer.document(jsonOf(found, streams, marks));
        break;
      case "ndjson":
        for (const stream of streams) {
          context.printer.document(escapeJSON(entryOf(stream, marks)));
        }
        break;
      case "yaml":
        await printPipeline(connection, found, streams, marks, context);
        break;
      default:
        printTable(streams, marks, context);
    }
    return EXIT.done;
  });
}

/** The command's own `--format` wins over how it speaks in general. */
function formatOf({ format }: DiscoverOptions, { printer }: Context) {
  return format ?? (printer.format === "text" ? "table" : printer.format);
}

interface Marks {
  keys(fields: readonly Field[]): readonly string[];
  watermarks(fields: readonly Field[]): readonly string[];
}

function jsonOf(
  { provider, category }: Discovery,
  streams: readonly DiscoveredStream[],
  marks: Marks,
): string {
  return escapeJSON({
    provider,
    category,
    streams: streams.map((stream) => entryOf(stream, marks)),
  });
}

function entryOf(
  { name, source, estimatedRows, fields }: DiscoveredStream,
  { keys, watermarks }: Marks,
) {
  return {
    name,
    source,
    ...(estimatedRows === undefined ? {} : { estimated_rows: estimatedRows }),
    fields,
    key: keys(fields),
    watermark_candidates: watermarks(fields),
  };
}

const COLUMNS = [
  { title: "stream" },
  { title: "rows", align: "right" },
  { title: "field" },
  { title: "type" },
  { title: "null" },
  { title: "may serve as" },
] as const;

/** A row a field, its stream told once. */
function printTable(
  streams: readonly DiscoveredStream[],
  { keys, watermarks }: Marks,
  { printer }: Context,
): void {
  if (streams.length === 0) {
    return printer.warning("there are no streams, or the login may see none of them");
  }
  const cells = streams.flatMap(({ name, estimatedRows, fields }) => {
    const [key, marks] = [keys(fields), watermarks(fields)];
    const rows = estimatedRows === undefined ? "" : countText(estimatedRows);
    const about = [name, rows].map((text): Cell => ({ text }));
    if (fields.length === 0) return [[...about, { text: "(none that can be read)" }]];
    return fields.map((field, i) => [
      ...(i === 0 ? about : [{ text: "" }, { text: "" }]),
      { text: field.name },
      { text: typeText(field) },
      { text: field.nullable ? "null" : "" },
      {
        text: [
          ...(key.includes(field.name) ? ["key"] : []),
          ...(marks.includes(field.name) ? ["watermark"] : []),
        ].join(", "),
      },
    ]);
  });
  printer.table(COLUMNS, cells);
}

function typeText({ dtype, precision, scale }: Field): string {
  return dtype === "decimal" ? `decimal(${precision ?? 38},${scale ?? 0})` : dtype;
}

async function printPipeline(
  { reference, unset, name }: NamedConnection,
  { provider }: Discovery,
  streams: readonly DiscoveredStream[],
  marks: Marks,
  { printer }: Context,
): Promise<void> {
  const count = readableStreams(streams).length;
  const target = {
    provider: "sqlite",
    path: await freePath(`${name}${provider === "sqlite" ? "_copy" : ""}`),
  };
  printer.document(pipelineText({
    name,
    about: [
      `${
        countNoun(count, "stream")
      } of ${provider}, by dxt discover. Each run replaces the targets; with`,
      "the comments of a stream made lines, it moves what is new, or updates by key.",
    ],
    source: reference,
    target,
    toFiles: false,
    streams,
    ...marks,
  }));
  if (unset !== undefined) {
    printer.progress(
      "discover",
      `the URL has a password: set ${unset} to the URL before a run, in the environment or in .env`,
    );
  }
}
