/** The manifest of a stage lists its files. It is written last, and so commits the stage. */
import { z } from "zod";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { StagedFile } from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import { formatJSONFile, readJSONFile } from "../core/files/json_file.ts";
import { Field } from "../models/field.ts";
import { Compression, FormatOptions } from "../models/format.ts";
import { StreamSource } from "../models/source.ts";
import { RowsSummary } from "../models/summary.ts";
import { hashFile, removePath, writeBytes } from "./durable_file.ts";

export const MANIFEST = "manifest.json";
/** Prefix of a manifest's file name until it is complete. */
export const PARTIAL_MANIFEST = ".manifest.json.";

/** A staged file, as the manifest and the worker that wrote it describe it. */
export const StagedFileShape = z.strictObject({
  name: z.string().regex(/^part-(?:\d+-)?\d+[\w.]*$/),
  rows: z.int().min(0),
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  original_name: z.string().optional(),
});

const OwnRowsShape = z.union([
  z.strictObject({ condition: z.string() }),
  z.strictObject({ values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])) }),
]);

/** Version of the manifest's format. A stage with another version is refused and must be extracted again. */
const VERSION = 2;

const Manifest = z.strictObject({
  kind: z.enum(["records", "files"]),
  /** Folder of the staged files, within the stage's folder. */
  folder: z.string().regex(/^files-[\w-]+$/),
  format: z.string(),
  compression: Compression,
  /** The options with which the files were written: the pipeline may change before it loads. */
  options: FormatOptions,
  count: z.int().min(0),
  fields: z.array(Field),
  files: z.array(StagedFileShape),
  /** Dead letters of records that the stage lacks. */
  rejected: z.array(StagedFileShape).optional(),
  evidence: z.string(),
  /** What a target must hold; not in stages of earlier versions. */
  summary: RowsSummary.optional(),
  details: z.strictObject({
    pipeline: z.string(),
    stream: z.string(),
    run_id: z.string(),
    source: z.unknown(),
    table: z.strictObject({
      source: StreamSource,
      schema: z.string(),
      table: z.string(),
      isView: z.boolean().optional(),
      fields: z.array(z.strictObject({ name: z.string(), key: z.boolean().optional() })).readonly(),
    }).optional(),
    untrusted: z.literal(true).optional(),
    isLimited: z.literal(true).optional(),
    watermark: z.strictObject({
      field: z.string(),
      after: z.string().optional(),
      max: z.string().optional(),
      expected: z.strictObject({
        field: z.string(),
        as: Field.optional(),
        own: OwnRowsShape.optional(),
        max: z.string().optional(),
      }).optional(),
    }).optional(),
  }),
});
export type Manifest = z.infer<typeof Manifest>;

/**
 * A manifest in its file, with a SHA-256 of all the rest: the digests of the staged files do not cover what it says
 * of them, such as the scale of a decimal. Stages of earlier versions have none.
 */
const SealedManifest = z.unknown().transform((content, context) => {
  const { sha256, ...rest } = content as Record<string, unknown>;
  if (sha256 !== undefined && sha256 !== hashContent(rest)) {
    context.addIssue("its content does not match its SHA-256");
  }
  return rest;
}).pipe(Manifest);

function hashContent(content: object): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** Writes the manifest under another name and renames it; cleans up on failure. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const bytes = new TextEncoder().encode(
    formatJSONFile(VERSION, { ...manifest, sha256: hashContent(manifest) }),
  );
  const partial = join(directory, `${PARTIAL_MANIFEST}${manifest.folder}`);
  try {
    await writeBytes(partial, bytes);
    await Deno.rename(partial, join(directory, MANIFEST));
  } catch (error) {
    await removePath(partial).catch(() => {});
    throw error;
  }
}

/**
 * Reads the manifest of a committed stage and checks the size and SHA-256 of every file; undefined
 * when the stage is not committed.
 *
 * @throws {BufferError} when the stage does not match its manifest
 */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  const manifest = await peekManifest(directory);
  for (const file of [...manifest?.files ?? [], ...manifest?.rejected ?? []]) {
    await checkFile(join(directory, manifest!.folder), file);
  }
  return manifest;
}

/** As {@linkcode readManifest}, without reading the files. */
export async function peekManifest(directory: string): Promise<Manifest | undefined> {
  const path = join(directory, MANIFEST);
  const refuse = (detail: string) =>
    new BufferError(
      `Cannot open stage "${path}": its manifest cannot be used, ${detail}; dxt extract stages anew`,
    );
  const manifest = await readJSONFile(path, VERSION, SealedManifest, refuse);
  if (manifest === undefined) return undefined;
  const { kind, count, files } = manifest;
  const found = sumCounts(kind, files);
  if (found !== count) throw refuse(`it declares ${count} ${kind}, but its files hold ${found}`);
  return manifest;
}

/** Counts the records in files; in a passthrough stage, the files. */
export function sumCounts(kind: Manifest["kind"], files: readonly StagedFile[]): number {
  return kind === "files" ? files.length : files.reduce((sum, { rows }) => sum + rows, 0);
}

/** @throws {BufferError} when a staged file is missing, or differs from its description */
export async function checkFile(folder: string, file: StagedFile): Promise<void> {
  const path = join(folder, file.name);
  const refuse = (detail: string) => new BufferError(`Cannot open stage "${path}": ${detail}`);
  let size: number;
  try {
    ({ size } = await Deno.stat(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw refuse("the file is missing");
    throw error;
  }
  if (size !== file.size) {
    throw refuse(`it has ${size} bytes, but its manifest declares ${file.size}`);
  }
  const sha256 = await hashFile(path);
  if (sha256 !== file.sha256) {
    throw refuse(`its SHA-256 is ${sha256}, but its manifest declares ${file.sha256}`);
  }
}
