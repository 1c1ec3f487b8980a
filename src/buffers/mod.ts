/** The stage between extract and load: opens it and writes parts of it. */
import { join } from "node:path";
import type { Batch } from "../core/contracts/batch.ts";
import type { Buffer, WrittenPart } from "../core/contracts/buffer.ts";
import type { SourceFile } from "../core/contracts/extractor.ts";
import type { Extraction } from "../core/contracts/proof.ts";
import type { BufferSettings } from "../models/buffer.ts";
import { copyFiles } from "./passthrough.ts";
import { FileBuffer, type FileKind } from "./files.ts";
import { fileSettings, type PartPlace, writePart } from "./part.ts";
import { KEYS } from "./stage.ts";

const PASSTHROUGH: FileKind = {
  kind: "files",
  format: "passthrough",
  compression: "none",
  options: {},
};

/** Opens the stage of one stream in its own folder, which the first write creates. */
export async function openBuffer(settings: BufferSettings, directory: string): Promise<Buffer> {
  const format = settings.format ?? "parquet";
  if (format === "memory") return new (await import("./memory.ts")).MemoryBuffer();
  if (format === "passthrough") return new FileBuffer(directory, PASSTHROUGH);
  const { compression, options } = fileSettings(format, settings);
  return new FileBuffer(directory, { kind: "records", format, compression, options });
}

/** Opens the stage of the source's keys, beside the files of the stream's own stage in its folder. */
export async function openKeyBuffer(settings: BufferSettings, directory: string): Promise<Buffer> {
  return await openBuffer(settings, join(directory, KEYS));
}

/**
 * Writes a part of the source, as records or files, into an open stage. Called in a worker.
 *
 * @throws {BufferError} when the completion proof is missing or proves another number of records
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
    return await keepInMemory(place, batches);
  }
  return await writePart(fileSettings(format, settings), place, batches);
}

export { type FoundStage, listStages, removeFound } from "./found_stages.ts";
export { StagedFileShape } from "./manifest.ts";
export type { PartPlace } from "./part.ts";
export { RejectedWriter } from "./rejected_file.ts";
export { openSlice, readStage } from "./staged.ts";
