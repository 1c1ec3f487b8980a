/** `dxt discover`: prints the streams of a connection as a table, a pipeline or JSON. */
import {
  argument,
  choice,
  type InferValue,
  merge,
  message,
  object,
  option,
  optional,
  string,
} from "optique";
import type { NamedConnection } from "../../../config/mod.ts";
import type { DiscoveredStream } from "../../../core/contracts/connector.ts";
import type { Field } from "../../../models/field.ts";
import type { Discovery } from "../../../runner/mod.ts";
import type { Context } from "../../app/context.ts";
import { openConnection, runUntilSignal } from "../../app/connections.ts";
import { chooseStreams, freePath, readableStreams } from "../../scaffold/stream_choice.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { parseLimits } from "../../app/permission_limits.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { pipelineText } from "../../scaffold/pipeline_yaml.ts";
import type { Cell } from "../../output/table.ts";
import { escapeJSON } from "../../output/terminal_text.ts";
import { countNoun, countText } from "../../output/format_units.ts";

const parser = merge(
  object({
    connection: argument(string({ metavar: "CONNECTION" }), {
      description: message`A connection name of the project, a URL, a database file or a folder`,
    }),
  }),
  object("Options", {
    ...options.streamPatterns(),
    format: optional(option("-f", "--format", choice(["table", "yaml", "json"]), {
      description: message`table, yaml (a complete pipeline) or json (default: table)`,
    })),
    ...options.inspecting(),
  }),
);

type DiscoverOptions = InferValue<typeof parser>;

export const discover = defineCommand(
  "discover",
  parser,
  discoverStreams,
  {
    operands: "CONNECTION",
    brief: message`Show the streams and fields of a connection`,
    description:
      message`Lists the streams that the login can read, with field types, primary keys and fields that can serve as watermark. With --format yaml it prints a complete pipeline: a URL with a password becomes a variable, whose name is printed.`,
    examples: [
      "dxt discover postgres://reader@127.0.0.1/shop --schema public",
      "dxt discover '${SHOP_URL}' --format yaml > shop.yaml",
      "dxt discover warehouse.db --select 'sales_*' --format json",
      "dxt discover data/",
    ],
  },
);

async function discoverStreams(values: DiscoverOptions, context: Context): Promise<number> {
  const argument = { option: "CONNECTION", text: values.connection };
  const connection = await openConnection(argument, values, context);
  const { admitConnection, discover, keyCandidates, watermarkCandidates } = await import(
    "../../../runner/mod.ts"
  );
  return await runUntilSignal(context, async (signal) => {
    await admitConnection(connection, undefined, parseLimits(values));
    const found = await discover(connection, signal);
    const streams = chooseStreams(found, values);
    const candidates = { keys: keyCandidates, watermarks: watermarkCandidates };
    switch (chooseFormat(values, context)) {
      case "json":
        context.printer.document(toJSON(found, streams, candidates));
        break;
      case "ndjson":
        for (const stream of streams) {
          context.printer.document(escapeJSON(toEntry(stream, candidates)));
        }
        break;
      case "yaml":
        await printPipeline(connection, found, streams, candidates, context);
        break;
      default:
        printTable(streams, candidates, context);
    }
    return EXIT.done;
  });
}

/** The command's own `--format` takes precedence over `--output`. */
function chooseFormat({ format }: DiscoverOptions, { printer }: Context) {
  return format ?? (printer.format === "text" ? "table" : printer.format);
}

/** Which fields can serve as key and as watermark. */
interface Candidates {
  keys(fields: readonly Field[]): readonly string[];
  watermarks(fields: readonly Field[]): readonly string[];
}

function toJSON(
  { provider, category }: Discovery,
  streams: readonly DiscoveredStream[],
  candidates: Candidates,
): string {
  return escapeJSON({
    provider,
    category,
    streams: streams.map((stream) => toEntry(stream, candidates)),
  });
}

function toEntry(
  { name, source, estimatedRows, fields }: DiscoveredStream,
  { keys, watermarks }: Candidates,
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
  { title: "field", least: 8 },
  { title: "type", least: 8 },
  { title: "null" },
  { title: "can serve as", least: 9 },
] as const;

/** Prints one row per field; the first row of a stream names it. */
function printTable(
  streams: readonly DiscoveredStream[],
  { keys, watermarks }: Candidates,
  { printer }: Context,
): void {
  if (streams.length === 0) {
    return printer.warning("no streams found: the source is empty, or the login may not see them");
  }
  const cells = streams.flatMap(({ name, estimatedRows, fields }) => {
    const [keyFields, watermarkFields] = [keys(fields), watermarks(fields)];
    const rows = estimatedRows === undefined ? "" : countText(estimatedRows);
    const about = [name, rows].map((text): Cell => ({ text }));
    if (fields.length === 0) return [[...about, { text: "(no readable field)" }]];
    return fields.map((field, i) => [
      ...(i === 0 ? about : [{ text: "" }, { text: "" }]),
      { text: field.name },
      { text: typeText(field) },
      { text: field.nullable ? "null" : "" },
      {
        text: [
          ...(keyFields.includes(field.name) ? ["key"] : []),
          ...(watermarkFields.includes(field.name) ? ["watermark"] : []),
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
  candidates: Candidates,
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
      } of ${provider}, written by dxt discover. Each run replaces the targets.`,
      "Uncomment the lines of a stream to move only new records, or to update by key.",
    ],
    source: reference,
    target,
    toFiles: false,
    streams,
    ...candidates,
  }));
  if (unset !== undefined) {
    printer.progress(
      "discover",
      `the URL holds a password: before a run, set ${unset} to the URL, in the environment or in .env`,
    );
  }
}
