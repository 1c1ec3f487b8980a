/** Pipelines and projects as users write them. */
import { z } from "zod";
import { describedEnum, withDefault } from "./describe.ts";
import { BufferSettings } from "./buffer.ts";
import { PermissionLists } from "./permissions.ts";
import { hasConnection, hasOneConnection } from "./rules.ts";
import {
  ClassChoice,
  ClassReference,
  ErrorHandling,
  Expectations,
  ExtractSettings,
  LoadSettings,
  RetrySettings,
  Stream,
  Tag,
  TimeoutSeconds,
} from "./stream.ts";

const text = z.string().min(1);

/**
 * The source or target of a pipeline: the name of a connection of the project, a URL, or a provider
 * with the keys of its own schema, which validates them.
 */
export const Endpoint = z.union([
  text,
  z.looseObject({
    provider: text.optional().describe("postgres, sqlite, local, …, or a class path"),
    connection: text.optional().describe("Name of a connection of the project, or a URL"),
    url: text.optional().describe("URL of the connection; other keys override its parts"),
  }).refine(hasConnection, {
    error: "expected a provider, a connection or a url",
  }).refine(hasOneConnection, {
    error: "connection and url exclude each other",
    path: ["url"],
  }),
]).meta({ id: "Endpoint", description: "A connection: a name, a URL, or {provider, …}" });
export type Endpoint = z.infer<typeof Endpoint>;

export const Defaults = z.strictObject({
  extract: ExtractSettings.optional(),
  load: LoadSettings.optional(),
  retry: RetrySettings.optional(),
  expect: Expectations.optional(),
  error_handling: ErrorHandling.optional(),
  timeout_seconds: TimeoutSeconds,
  tags: z.array(Tag).optional().describe("Tags of every stream, beside its own"),
  transforms: z.array(ClassReference).optional().describe(
    "Custom steps of every stream between extract and stage, in order",
  ),
  extractor: ClassChoice.optional(),
  loader: ClassChoice.optional(),
}).meta({ id: "Defaults", description: "Settings for streams that do not override them" });
export type Defaults = z.infer<typeof Defaults>;

const ExternalTimeout = z.int().min(1).max(86_400).optional().meta(
  withDefault(
    "Seconds after which untrusted code is ended if it sends no record, byte or answer",
    600,
  ),
);

export const Pipeline = z.strictObject({
  version: z.literal(1).describe("Version of the file's format"),
  name: text.regex(/^[\w.-]+$/, "expected letters, digits, _ . and -")
    .describe("Name of the pipeline in the log, in results and in the stage"),
  description: z.string().optional().describe("What the pipeline is for; dxt does not read it"),
  source: Endpoint,
  target: Endpoint,
  buffer: BufferSettings.optional(),
  defaults: Defaults.optional(),
  on_error: describedEnum({
    continue: "The other streams continue",
    fail_fast: "Running streams are stopped, and no other stream starts",
  }).optional()
    .meta(withDefault("Whether a failed stream stops the others", "continue")),
  external_timeout: ExternalTimeout,
  streams: z.array(Stream).min(1).describe("The datasets to move, loaded in this order"),
}).meta({ id: "Pipeline", description: "A dxt pipeline" });
export type Pipeline = z.infer<typeof Pipeline>;

export const LogSettings = z.strictObject({
  level: describedEnum({
    debug: "Also progress, waits and statements",
    info: "Start and end of the run, its streams and their phases",
    warning: "Only warnings and errors",
    error: "Only errors",
  }).optional().meta(withDefault("Lowest level that is logged", "info")),
  file: text.optional().describe("File to which JSON lines are appended"),
  receipts: text.optional().describe("Folder to which each run writes a receipt of what it moved"),
  receipt_key: text.optional().describe(
    "Signs receipts: PEM of an Ed25519 private key, or a secret of 16 characters or more",
  ),
}).meta({ id: "Logging", description: "Level and file of the log, and receipts" });
export type LogSettings = z.infer<typeof LogSettings>;

export const Project = z.strictObject({
  version: z.literal(1).optional().describe("Version of the file's format"),
  name: text.optional().describe("Name of the project; dxt does not read it"),
  connections: z.record(z.string(), Endpoint).optional().describe("Connections by name"),
  buffer: BufferSettings.optional(),
  defaults: Defaults.optional(),
  logging: LogSettings.optional(),
  permissions: PermissionLists.optional(),
  external_timeout: ExternalTimeout,
}).meta({
  id: "Project",
  description: "dxt_project.yaml: settings that the pipelines of a folder share",
});
export type Project = z.infer<typeof Project>;
