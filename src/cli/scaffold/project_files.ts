/** The files of a new project. */
import type { NamedConnection } from "../../config/mod.ts";
import type { DiscoveredStream } from "../../core/contracts/connector.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import { pipelineText, type Reference, referenceText } from "./pipeline_yaml.ts";
import { countNoun } from "../output/format_units.ts";
import { yamlText } from "./yaml_literals.ts";

export interface NewFile {
  /** From the working directory, with `/` between its parts. */
  readonly path: string;
  readonly text: string;
  /** What becomes of a file that is there: an error, the lines that it lacks added, or nothing. */
  readonly there: "refuse" | "append" | "keep";
  /** Variables without a value that the file is about. */
  readonly variables?: readonly string[];
}

const PROJECT = "dxt_project.yaml";

/** A project whose pipeline is an example of each setting that most pipelines need. */
export async function plainFiles(name: string): Promise<NewFile[]> {
  const variable = variableOf(name);
  const reference = `\${${variable}}`;
  const target: Reference = { provider: "sqlite", path: `${name}.db` };
  const project = await hasProject();
  const [source, goal] = project ? [reference, fromPipelines(target)] : ["source", "target"];
  const pipeline = [
    "# yaml-language-server: $schema=schema.json",
    "version: 1",
    `name: ${yamlText(name)}`,
    `source: ${referenceText(source)}`,
    `target: ${referenceText(goal)}`,
    "defaults:",
    "  load: { mode: replace }",
    "",
    "streams:",
    "  - id: orders",
    "    source: public.orders",
    "    # Only what is new, once there is a field that tells:",
    "    # extract: { mode: incremental, watermark_field: updated_at }",
    "    # load: { mode: upsert, upsert_keys: [order_id] }",
    "",
  ].join("\n");
  return [
    { path: `pipelines/${name}.yaml`, text: pipeline, there: "refuse" },
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

/** A project that moves what a connection has. */
export async function projectFiles(
  { name, source, target, streams, ...marks }: Project,
): Promise<NewFile[]> {
  const project = await hasProject();
  const ends = distinct(source, target);
  const pipeline = pipelineText({
    name,
    about: [
      `${
        countNoun(streams.length, "stream")
      }, found by dxt init. Each run replaces the targets; with`,
      "the comments of a stream made lines, it moves what is new, or updates by key.",
    ],
    source: project ? fromPipelines(ends.source.reference) : ends.source.name,
    target: project ? fromPipelines(ends.target.reference) : ends.target.name,
    toFiles: isFiles(target),
    streams,
    ...marks,
  });
  const connections = Object.fromEntries(
    Object.values(ends).map(({ name, reference }) => [name, reference]),
  );
  const unset = [source, target].flatMap(({ unset, spec }): [string, string][] =>
    unset === undefined ? [] : [[unset, withoutLogin(spec.url ?? "")]]
  );
  return [
    { path: `pipelines/${name}.yaml`, text: `${pipeline}\n`, there: "refuse" },
    ...(project ? [] : [projectFile(name, connections)]),
    ...environment(unset),
  ];
}

interface End {
  readonly name: string;
  readonly reference: Reference;
}

/** Both ends under names of their own. */
function distinct(source: NamedConnection, target: NamedConnection): Record<string, End> & {
  readonly source: End;
  readonly target: End;
} {
  const name = target.name === source.name ? `${target.name}_target` : target.name;
  return {
    source: { name: source.name, reference: source.reference },
    target: { name, reference: target.reference },
  };
}

function isFiles({ spec }: NamedConnection): boolean {
  return spec.provider === "local" || (spec.provider === "" && /^file:/i.test(spec.url ?? ""));
}

/** A reference of this folder as the files of `pipelines` have it. */
function fromPipelines(reference: Reference): Reference {
  if (typeof reference === "string") return reference.replace(/^(sqlite3?:)(?=[^/])/i, "$1../");
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
    "# What the pipelines of this folder share.",
    "version: 1",
    `name: ${yamlText(name)}`,
    "connections:",
    ...lines,
    "",
  ].join("\n");
  return { path: PROJECT, text, there: "refuse" };
}

/** An example of what `.env` is to hold, and git kept away from the real one. */
function environment(variables: readonly (readonly [string, string])[]): NewFile[] {
  const lines = variables.map(([name, value]) => `${name}=${value}\n`);
  const about = "# Copy to .env and fill in; .env is not for git.\n";
  return [
    {
      path: ".env.example",
      text: `${about}${lines.join("")}`,
      there: "append",
      variables: variables.map(([name]) => name),
    },
    { path: ".gitignore", text: ".env\n", there: "append" },
  ];
}

/** What editors check the files by. */
export async function schemaFiles(): Promise<NewFile[]> {
  const { PROVIDER_NAMES, loadProvider } = await import("../../providers/resolve.ts");
  const { schemaOf } = await import("../app/json_schema.ts");
  const { Pipeline, Project } = await import("../../models/pipeline.ts");
  const providers = await Promise.all(PROVIDER_NAMES.map(loadProvider));
  const models = { "schema.json": Pipeline, "project.schema.json": Project };
  return Object.entries(models).map(([name, model]) => ({
    path: `pipelines/${name}`,
    text: `${JSON.stringify(schemaOf(model, providers), null, 2)}\n`,
    there: "keep",
  }));
}

function variableOf(name: string): string {
  return `${name.toUpperCase().replace(/\W/g, "_").replace(/^(?=\d)/, "DB_")}_URL`;
}

function withoutLogin(url: string): string {
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

/**
 * Writes what is not there; returns a line about each file.
 *
 * @throws {ConfigurationError} when a file is there that would be overwritten; nothing is written then
 */
export async function writeFiles(files: readonly NewFile[]): Promise<string[]> {
  for (const { path, there } of files) {
    if (there !== "refuse" || !await exists(path)) continue;
    throw new ConfigurationError(
      `Cannot write "${path}": it is there already, give another name or remove it`,
    );
  }
  const told: string[] = [];
  for (const file of files) told.push(await writeOne(file));
  return told;
}

async function writeOne({ path, text, there }: NewFile): Promise<string> {
  if (await exists(path)) {
    if (there === "keep") return `kept     ${path}`;
    const before = await Deno.readTextFile(path);
    const known = new Set(before.split(/\r?\n/));
    const lines = text.split("\n").filter((line) => line !== "" && !known.has(line));
    if (lines.length === 0) return `kept     ${path}`;
    const gap = before === "" || before.endsWith("\n") ? "" : "\n";
    await Deno.writeTextFile(path, `${gap}${lines.join("\n")}\n`, { append: true });
    return `added to ${path}`;
  }
  const folder = path.replace(/\/?[^/]*$/, "");
  try {
    if (folder !== "") await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(path, text, { createNew: true });
  } catch (error) {
    const detail = error instanceof Deno.errors.PermissionDenied
      ? "the system denies permission"
      : (error as Error).message;
    throw new ConfigurationError(`Cannot write "${path}": ${detail}`, { cause: error });
  }
  return `wrote    ${path}`;
}
