/** A pipeline's file for discovered streams. */
import { DATASET } from "../../config/pipeline/classify_argument.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import type { Field } from "../../models/field.ts";
import { yamlList, yamlMap, yamlName, yamlText } from "./yaml_literals.ts";

/** A connection as a file says it: text with `$` escaped already. */
export type Reference = string | Readonly<Record<string, string>>;

export interface PipelineText {
  readonly name: string;
  /** Lines that tell what the file is. */
  readonly about: readonly string[];
  readonly source: Reference;
  readonly target: Reference;
  /** Whether the target is a folder of files. */
  readonly toFiles: boolean;
  readonly streams: readonly DiscoveredStream[];
  watermarks(fields: readonly Field[]): readonly string[];
  keys(fields: readonly Field[]): readonly string[];
}

/** Replaces each target, so that a second run doubles nothing; better ways stand in comments. */
export function pipelineText(pipeline: PipelineText): string {
  const { name, about, source, target, streams } = pipeline;
  const names = new Names();
  const told = streams.filter(({ fields }) => fields.length > 0);
  const untold = streams.filter(({ fields }) => fields.length === 0);
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
    ...told.flatMap((stream) => streamLines(stream, names, pipeline)),
    ...untold.map(({ name }) =>
      `  # left out, it has no fields that can be read: ${yamlText(name)}`
    ),
  ].join("\n");
}

/** A reference as a value of YAML. */
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
  const { id, table } = names.of(plainName({ name, source }), name);
  const target = toFiles ? `${id.replaceAll("/", "_")}.parquet` : tableReference(table);
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

/** Fields whose names differ in case alone, which not every target can tell apart. */
function renamedFields(fields: readonly Field[]): string[] {
  const taken = new Set<string>();
  return fields.flatMap(({ name }) => {
    const free = unique(name, taken);
    return free === name
      ? []
      : [`      - ${yamlMap({ id: yamlName(name), target: yamlName(free) })}`];
  });
}

/** What a dataset is called without schema, folders and endings. */
export function plainName({ name, source }: Pick<DiscoveredStream, "name" | "source">): string {
  if ("path" in source) return source.path.replace(DATASET, "").replaceAll("/", "_");
  if ("pattern" in source) {
    const words = source.pattern.replace(DATASET, "").replace(/[^\p{L}\p{N}]+/gu, "_");
    return words.replace(/^_|_$/g, "") || "files";
  }
  return splitName(name).at(-1)!;
}

/** Schema and name of `schema.name`, without the double quotes of parts that hold dots. */
export function splitName(name: string): string[] {
  const parts = name.match(/"(?:[^"]|"")*"|[^."]+/g) ?? [name];
  if (parts.join(".") !== name) return [name];
  return parts.map((part) => part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part);
}

/** A table's name as a stream's `target` has it. */
function tableReference(table: string): string {
  return /[."]/.test(table) ? `"${table.replaceAll('"', '""')}"` : table;
}

/** Ids and tables of a pipeline: each there once, whatever the case. */
class Names {
  readonly #ids = new Set<string>();
  readonly #tables = new Set<string>();

  of(plain: string, full: string): { id: string; table: string } {
    const taken = this.#tables.has(folded(plain));
    const wanted = taken ? splitName(full).join("_") : plain;
    const table = unique(/^sqlite_/i.test(wanted) ? `_${wanted}` : wanted, this.#tables);
    const id = table.replace(/[\s,:*?]+/g, "_").replace(/^-+/, "_");
    return { table, id: unique(id, this.#ids) };
  }
}

function folded(name: string): string {
  return name.toLowerCase();
}

/** The name, or the first free one after it. */
function unique(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(folded(free)); n++) free = `${name}_${n}`;
  taken.add(folded(free));
  return free;
}
