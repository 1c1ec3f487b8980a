/** Builds and writes the files of a new project. */
import type { NamedConnection } from "../../config/mod.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import { pipelineText, type Reference, referenceText } from "./pipeline_yaml.ts";
import { countNoun } from "../output/format_units.ts";
import { yamlText } from "./yaml_literals.ts";

export interface NewFile {
  /** Relative to the working directory, with `/` as separator. */
  readonly path: string;
  readonly text: string;
  /** When the file exists: throw, append the lines that it lacks, or leave it unchanged. */
  readonly ifExists: "refuse" | "append" | "keep";
  /** Variables in the file that the user has to set. */
  readonly variables?: readonly string[];
}

const PROJECT = "dxt_project.yaml";

/** Files of a project with an example pipeline, for when no source is given. */
export async function exampleFiles(name: string): Promise<NewFile[]> {
  const variable = urlVariable(name);
  const reference = `\${${variable}}`;
  const target: Reference = { provider: "sqlite", path: `${name}.db` };
  const project = await hasProject();
  const [source, sink] = project ? [reference, fromPipelines(target)] : ["source", "target"];
  const pipeline = [
    "# yaml-language-server: $schema=schema.json",
    "version: 1",
    `name: ${yamlText(name)}`,
    `source: ${referenceText(source)}`,
    `target: ${referenceText(sink)}`,
    "defaults:",
    "  load: { mode: replace }",
    "",
    "streams:",
    "  - id: orders",
    "    source: public.orders",
    "    # To move only new records, by a field that grows with each change:",
    "    # extract: { mode: incremental, watermark_field: updated_at }",
    "    # load: { mode: upsert, upsert_keys: [order_id] }",
    "",
  ].join("\n");
  return [
    { path: `pipelines/${name}.yaml`, text: pipeline, ifExists: "refuse" },
    ...(project ? [] : [projectFile(name, { source: reference, target })]),
    ...environment([[variable, "postgres://user:password@127.0.0.1:5432/shop"]]),
  ];
}

export interface Project {
  readonly name: string;
  readonly source: NamedConnection;
  readonly target: NamedConnection;
  readonly streams: readonly DiscoveredStream[];
  watermarks(fields: readonly Field[]): readonly string[];
  keys(fields: readonly Field[]): readonly string[];
}

/** Files of a project that moves the streams of a source. */
export async function projectFiles(
  { name, source, target, streams, ...candidates }: Project,
): Promise<NewFile[]> {
  const project = await hasProject();
  const ends = nameApart(source, target);
  const pipeline = pipelineText({
    name,
    about: [
      `${countNoun(streams.length, "stream")}, written by dxt init. Each run replaces the targets.`,
      "Uncomment the lines of a stream to move only new records, or to update by key.",
    ],
    source: project ? fromPipelines(ends.source.reference) : ends.source.name,
    target: project ? fromPipelines(ends.target.reference) : ends.target.name,
    toFiles: isFiles(target),
    streams,
    ...candidates,
  });
  const connections = Object.fromEntries(
    Object.values(ends).map(({ name, reference }) => [name, reference]),
  );
  const unset = [source, target].flatMap(({ unset, spec }): [string, string][] =>
    unset === undefined ? [] : [[unset, hideLogin(spec.url ?? "")]]
  );
  return [
    { path: `pipelines/${name}.yaml`, text: `${pipeline}\n`, ifExists: "refuse" },
    ...(project ? [] : [projectFile(name, connections)]),
    ...environment(unset),
  ];
}

interface NamedReference {
  readonly name: string;
  readonly reference: Reference;
}

type Ends = Record<"source" | "target", NamedReference>;

/** Gives source and target different names. */
function nameApart(source: NamedConnection, target: NamedConnection): Ends {
  const name = target.name === source.name ? `${target.name}_target` : target.name;
  return {
    source: { name: source.name, reference: source.reference },
    target: { name, reference: target.reference },
  };
}

function isFiles({ spec }: NamedConnection): boolean {
  return spec.provider === "local" || (spec.provider === "" && /^file:/i.test(spec.url ?? ""));
}

/** Rewrites a path relative to the project for the files in its `pipelines` folder. */
function fromPipelines(reference: Reference): Reference {
  if (typeof reference === "string") {
    return reference.replace(/^(sqlite3?:(?:\/{2,3})?)(?=[^/])/i, "$1../");
  }
  const { path, ...others } = reference;
  if (path === undefined || /^(\/|[A-Za-z]:)/.test(path)) return reference;
  return { ...others, path: `../${path.replace(/^\.\//, "")}` };
}

function projectFile(name: string, connections: Readonly<Record<string, Reference>>): NewFile {
  const lines = Object.entries(connections).map(([name, reference]) =>
    `  ${yamlText(name)}: ${referenceText(reference)}`
  );
  const text = [
    "# yaml-language-server: $schema=pipelines/project.schema.json",
    "# Settings that all pipelines in this folder share.",
    "version: 1",
    `name: ${yamlText(name)}`,
    "connections:",
    ...lines,
    "",
  ].join("\n");
  return { path: PROJECT, text, ifExists: "refuse" };
}

/** Patterns of secrets, staged data, SQLite databases with their companions, and logs. */
const IGNORED = [".env", ".dxt/", "*.db", "*.db-journal", "*.db-shm", "*.db-wal", "*.log"];

/** `.env.example` with the variables to set, and `.gitignore`. */
function environment(variables: readonly (readonly [string, string])[]): NewFile[] {
  const lines = variables.map(([name, value]) => `${name}=${value}\n`);
  const about = "# Copy to .env and fill in. Do not commit .env.\n";
  return [
    {
      path: ".env.example",
      text: `${about}${lines.join("")}`,
      ifExists: "append",
      variables: variables.map(([name]) => name),
    },
    { path: ".gitignore", text: IGNORED.map((line) => `${line}\n`).join(""), ifExists: "append" },
  ];
}

/** JSON Schemas, for editors. */
export async function schemaFiles(): Promise<NewFile[]> {
  const { PROVIDER_NAMES, loadProvider } = await import("../../providers/resolve.ts");
  const { buildJSONSchema } = await import("../app/json_schema.ts");
  const { Pipeline, Project } = await import("../../models/pipeline.ts");
  const providers = await Promise.all(PROVIDER_NAMES.map(loadProvider));
  const models = { "schema.json": Pipeline, "project.schema.json": Project };
  return Object.entries(models).map(([name, model]) => ({
    path: `pipelines/${name}`,
    text: `${JSON.stringify(buildJSONSchema(model, providers), null, 2)}\n`,
    ifExists: "keep",
  }));
}

function urlVariable(name: string): string {
  return `${name.toUpperCase().replace(/\W/g, "_").replace(/^(?=\d)/, "DB_")}_URL`;
}

function hideLogin(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, "//user:password@").replace(/\?.*$/s, "");
}

async function hasProject(): Promise<boolean> {
  return await exists(PROJECT) || await exists("dxt_project.yml");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What became of a file: new, with lines added to it, or left unchanged. */
export interface WrittenFile {
  readonly path: string;
  readonly change: "wrote" | "added to" | "kept";
}

/**
 * Writes new files.
 *
 * @throws {ConfigurationError} when a file would be overwritten; nothing has been written then
 */
export async function writeFiles(files: readonly NewFile[]): Promise<WrittenFile[]> {
  for (const { path, ifExists } of files) {
    if (ifExists !== "refuse" || !await exists(path)) continue;
    throw new ConfigurationError(
      `Cannot write "${path}": it already exists, choose another name or remove it`,
    );
  }
  const written: WrittenFile[] = [];
  for (const file of files) written.push({ path: file.path, change: await writeOne(file) });
  return written;
}

async function writeOne({ path, text, ifExists }: NewFile): Promise<WrittenFile["change"]> {
  if (await exists(path)) {
    if (ifExists === "keep") return "kept";
    const before = await Deno.readTextFile(path);
    const known = new Set(before.split(/\r?\n/));
    const lines = text.split("\n").filter((line) => line !== "" && !known.has(line));
    if (lines.length === 0) return "kept";
    const gap = before === "" || before.endsWith("\n") ? "" : "\n";
    await Deno.writeTextFile(path, `${gap}${lines.join("\n")}\n`, { append: true });
    return "added to";
  }
  const folder = path.replace(/\/?[^/]*$/, "");
  try {
    if (folder !== "") await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(path, text, { createNew: true });
  } catch (error) {
    const detail = error instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : (error as Error).message;
    throw new ConfigurationError(`Cannot write "${path}": ${detail}`, { cause: error });
  }
  return "wrote";
}
