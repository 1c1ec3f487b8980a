/** Writes the YAML of a pipeline for discovered streams. */
import { DATASET } from "../../config/pipeline/classify_argument.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import { joinName, splitName } from "../../core/values/table_name.ts";
import type { Field } from "../../models/field.ts";
import { yamlList, yamlMap, yamlName, yamlText } from "./yaml_literals.ts";

/** A connection as a pipeline file spells it, with `$` escaped already. */
export type Reference = string | Readonly<Record<string, string>>;

export interface PipelineText {
  readonly name: string;
  /** Comment lines at the top of the file. */
  readonly about: readonly string[];
  readonly source: Reference;
  readonly target: Reference;
  /** Whether the target is a folder of files. */
  readonly toFiles: boolean;
  readonly streams: readonly DiscoveredStream[];
  watermarks(fields: readonly Field[]): readonly string[];
  keys(fields: readonly Field[]): readonly string[];
}

/**
 * The text of a pipeline. Its streams replace their targets, so that a second run duplicates
 * nothing; incremental settings follow as comments.
 */
export function pipelineText(pipeline: PipelineText): string {
  const { name, about, source, target, streams } = pipeline;
  const names = new Names();
  const readable = streams.filter(({ fields }) => fields.length > 0);
  const unreadable = streams.filter(({ fields }) => fields.length === 0);
  return [
    "# yaml-language-server: $schema=schema.json",
    ...about.map((line) => `# ${line}`),
    "version: 1",
    `name: ${yamlText(name)}`,
    `source: ${referenceText(source)}`,
    `target: ${referenceText(target)}`,
    "defaults:",
    "  load: { mode: replace }",
    "",
    "streams:",
    ...readable.flatMap((stream) => streamLines(stream, names, pipeline)),
    ...unreadable.map(({ name }) => `  # skipped, it has no readable field: ${yamlText(name)}`),
  ].join("\n");
}

/** A reference as a YAML value. */
export function referenceText(reference: Reference): string {
  if (typeof reference === "string") return yamlText(reference);
  return yamlMap(
    Object.fromEntries(Object.entries(reference).map(([key, value]) => [key, yamlText(value)])),
  );
}

function streamLines(
  { name, source, fields }: DiscoveredStream,
  names: Names,
  { toFiles, watermarks, keys }: PipelineText,
): string[] {
  const { id, table } = names.assign(shortName({ name, source }), name);
  const target = toFiles ? `${id.replaceAll("/", "_")}.parquet` : joinName([table]);
  const renamed = toFiles ? [] : renamedFields(fields);
  const [best, ...others] = watermarks(fields);
  const key = toFiles ? [] : keys(fields);
  const also = others.length === 0 ? "" : `  # or ${others.map(yamlText).join(", ")}`;
  const upsert = key.length === 0
    ? "{ mode: append }"
    : yamlMap({ mode: "upsert", upsert_keys: yamlList(key.map(yamlName)) });
  const extract = best === undefined
    ? undefined
    : yamlMap({ mode: "incremental", watermark_field: yamlName(best) });
  return [
    `  - id: ${yamlName(id)}`,
    `    source: ${yamlName(name)}`,
    ...(target === id ? [] : [`    target: ${yamlName(target)}`]),
    ...(renamed.length === 0 ? [] : ["    fields:", ...renamed]),
    ...(extract === undefined ? [] : [`    # extract: ${extract}${also}`]),
    ...(extract === undefined && key.length === 0 ? [] : [`    # load: ${upsert}`]),
  ];
}

/** Fields whose names differ only in case, which some targets do not distinguish. */
function renamedFields(fields: readonly Field[]): string[] {
  const taken = new Set<string>();
  return fields.flatMap(({ name }) => {
    const free = unique(name, taken);
    return free === name
      ? []
      : [`      - ${yamlMap({ id: yamlName(name), target: yamlName(free) })}`];
  });
}

/** Name of a dataset without schema, folders and file extensions. */
export function shortName({ name, source }: Pick<DiscoveredStream, "name" | "source">): string {
  if ("path" in source) return source.path.replace(DATASET, "").replaceAll("/", "_");
  if ("pattern" in source) {
    const words = source.pattern.replace(DATASET, "").replace(/[^\p{L}\p{N}]+/gu, "_");
    return words.replace(/^_|_$/g, "") || "files";
  }
  return splitName(name).at(-1)!;
}

/** Assigns stream ids and table names that are unique within the pipeline, ignoring case. */
class Names {
  readonly #ids = new Set<string>();
  readonly #tables = new Set<string>();

  assign(short: string, full: string): { id: string; table: string } {
    const isTaken = this.#tables.has(foldCase(short));
    const wanted = isTaken ? splitName(full).join("_") : short;
    const table = unique(/^sqlite_/i.test(wanted) ? `_${wanted}` : wanted, this.#tables);
    const id = table.replace(/[\s,:*?]+/g, "_").replace(/^-+/, "_");
    return { table, id: unique(id, this.#ids) };
  }
}

function foldCase(name: string): string {
  return name.toLowerCase();
}

/** The name, with the first free number appended if it is taken. */
function unique(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(foldCase(free)); n++) free = `${name}_${n}`;
  taken.add(foldCase(free));
  return free;
}
