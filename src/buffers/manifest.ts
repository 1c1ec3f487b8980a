/** The file that makes a stage committed: written last, it tells what must be there. */
import { z } from "zod";
import { join } from "node:path";
import type { StagedFile } from "../core/contracts/buffer.ts";
import { BufferError, messageOf } from "../core/errors.ts";
import { Field } from "../models/field.ts";
import { Compression, FormatOptions } from "../models/format.ts";
import { remove, sha256Of, writeSynced } from "./durable_file.ts";

export const MANIFEST = "manifest.json";
/** Beginning of the name that a manifest has until it is whole. */
export const PARTIAL_MANIFEST = ".manifest.json.";

/** A file of a stage, as its manifest and the thread that wrote it tell. */
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

const Manifest = z.strictObject({
  version: z.literal(1),
  kind: z.enum(["records", "files"]),
  /** Folder of the files, inside the stage's. */
  folder: z.string().regex(/^files-[\w-]+$/),
  format: z.string(),
  compression: Compression,
  /** As they were when the files were written: a pipeline may change before it loads. */
  options: FormatOptions,
  count: z.int().min(0),
  fields: z.array(Field),
  files: z.array(StagedFileShape),
  evidence: z.string(),
  details: z.strictObject({
    pipeline: z.string(),
    stream: z.string(),
    run_id: z.string(),
    source: z.unknown(),
    foreign: z.literal(true).optional(),
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

/** Renames the manifest into place when it is whole; when that fails none of it is left. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
  const partial = join(directory, `${PARTIAL_MANIFEST}${manifest.folder}`);
  try {
    await writeSynced(partial, bytes);
    await Deno.rename(partial, join(directory, MANIFEST));
  } catch (error) {
    await remove(partial).catch(() => {});
    throw error;
  }
}

/**
 * The manifest of a committed stage, every file's size and SHA-256 checked against it; undefined
 * when nothing is committed.
 *
 * @throws {BufferError} when the stage is not what its manifest says
 */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  const path = join(directory, MANIFEST);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const manifest = parse(path, text);
  for (const file of manifest.files) await checkFile(join(directory, manifest.folder), file);
  return manifest;
}

function parse(path: string, text: string): Manifest {
  const refuse = (detail: string) => new BufferError(`Cannot open stage "${path}": ${detail}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw refuse(`its manifest is no JSON: ${messageOf(error)}`);
  }
  const result = Manifest.safeParse(parsed);
  if (!result.success) {
    const { path: at, message } = result.error.issues[0]!;
    throw refuse(`its manifest is wrong at ${at.join(".") || "its top"}: ${message}`);
  }
  const manifest = result.data;
  const rows = manifest.files.reduce((sum, file) => sum + file.rows, 0);
  const count = manifest.kind === "files" ? manifest.files.length : rows;
  if (count === manifest.count) return manifest;
  throw refuse(`its manifest tells ${manifest.count}, its files hold ${count}`);
}

async function checkFile(folder: string, file: StagedFile): Promise<void> {
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
    throw refuse(`it has ${size} bytes, its manifest tells ${file.size}`);
  }
  const sha256 = await sha256Of(path);
  if (sha256 !== file.sha256) {
    throw refuse(`its SHA-256 is ${sha256}, its manifest tells ${file.sha256}`);
  }
}
