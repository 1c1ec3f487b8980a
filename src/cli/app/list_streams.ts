/** `dxt list`: prints the selected streams of a pipeline. Also called without the option parser. */
import type { StreamRef } from "../../models/source.ts";
import type { Stream } from "../../models/stream.ts";
import { selectStreams } from "../../selector/mod.ts";
import { type Context, omitUndefined, openPipeline, type Variables } from "./context.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import type { Cell } from "../output/table.ts";
import { truncate } from "../output/terminal_text.ts";

export interface ListOptions extends Variables {
  readonly pipeline: string;
  readonly select?: string | undefined;
  readonly exclude?: string | undefined;
}

const COLUMNS = [
  { title: "stream" },
  { title: "source" },
  { title: "target", least: 8 },
  { title: "extract" },
  { title: "load" },
  { title: "tags", yields: true },
] as const;

export async function listStreams(
  { pipeline, select, exclude, ...variables }: ListOptions,
  context: Context,
): Promise<number> {
  const loaded = await openPipeline(pipeline, variables, context);
  const streams = selectStreams(loaded.pipeline.streams, omitUndefined({ select, exclude }));
  context.printer.results({
    name: "streams",
    entries: streams.map(toEntry),
    about: { pipeline: loaded.pipeline.name },
    table: () => context.printer.table(COLUMNS, streams.map(toRow)),
  });
  return EXIT.done;
}

/** A stream with the defaults of the keys that its file omits. */
function toEntry({ id, description, source, target, tags, extract, load }: Stream) {
  return {
    id,
    ...omitUndefined({ description }),
    source,
    target: target ?? id,
    extract: extract?.mode ?? "full",
    load: load?.mode ?? "append",
    tags: tags ?? [],
  };
}

function toRow(stream: Stream): (string | Cell)[] {
  const { id, source, target, extract, load, tags } = toEntry(stream);
  const [name, how, what] = [id, extract, load].map((text): Cell => ({ text }));
  return [name!, refText(source), refText(target), how!, what!, { text: tags.join(", ") }];
}

const WIDEST_REF = 48;

/** A dataset on one line: its name, path, pattern or query. */
function refText(ref: string | StreamRef): string {
  const text = typeof ref === "string" ? ref : `${ref.type} ${refName(ref)}`;
  return truncate(text.replace(/\s+/g, " ").trim(), WIDEST_REF);
}

function refName(ref: StreamRef): string {
  if ("name" in ref) {
    return "schema" in ref && ref.schema !== undefined ? `${ref.schema}.${ref.name}` : ref.name;
  }
  if ("path" in ref) return ref.path;
  if ("pattern" in ref) return ref.pattern;
  if ("sql" in ref) return ref.sql;
  if ("collection" in ref) return ref.collection;
  if ("key" in ref) return ref.key;
  if ("label" in ref) return ref.label;
  return "query" in ref ? ref.query : ref.relationship;
}
