/** The stage between extract and load. */
import type { Batch } from "../core/contracts/batch.ts";
import type { Buffer, WrittenPart } from "../core/contracts/buffer.ts";
import type { SourceFile } from "../core/contracts/extractor.ts";
import type { Extraction } from "../core/contracts/proof.ts";
import type { BufferSettings } from "../models/buffer.ts";
import { copyFiles } from "./passthrough.ts";
import { FileBuffer, type FileKind } from "./files.ts";
import { fileSettings, type PartPlace, writePart } from "./part.ts";

const PASSTHROUGH: FileKind = {
  kind: "files",
  format: "passthrough",
  compression: "none",
  options: {},
};

/** Opens the stage of one stream in a folder of its own, which is made when it is written. */
export async function openBuffer(settings: BufferSettings, directory: string): Promise<Buffer> {
  const format = settings.format ?? "parquet";
  if (format === "memory") return new (await import("./memory.ts")).MemoryBuffer();
  if (format === "passthrough") return new FileBuffer(directory, PASSTHROUGH);
  const { compression, options } = fileSettings(format, settings);
  return new FileBuffer(directory, { kind: "records", format, compression, options });
}

/**
 * Writes what a part of an extraction yields, records or files, into an open stage.
 *
 * @throws {BufferError} when the extraction's proof is missing or speaks of another number
 */
export async function stagePart(
  settings: BufferSettings,
  place: PartPlace,
  extraction: Extraction<Batch> | Extraction<SourceFile>,
): Promise<WrittenPart> {
  const format = settings.format ?? "parquet";
  if (format === "passthrough") {
    return await copyFiles(place, extraction as Extraction<SourceFile>);
  }
  const batches = extraction as Extraction<Batch>;
  if (format === "memory") {
    const { keepInMemory } = await import("./memory.ts");
    return await keepInMemory(place.fields, batches);
  }
  return await writePart(fileSettings(format, settings), place, batches);
}

export { StagedFileShape } from "./manifest.ts";
export type { PartPlace } from "./part.ts";
export { openSlice } from "./staged.ts";
