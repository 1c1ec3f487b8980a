/** The stage between extract and load. */
import type { Buffer } from "../core/buffer.ts";
import type { BufferSettings } from "../models/buffer.ts";
import { FileBuffer } from "./files.ts";
import { MemoryBuffer } from "./memory.ts";
import { fileSettings } from "./part.ts";
import { PassthroughBuffer } from "./passthrough.ts";

/** Opens the stage of one stream in a folder of its own, which is made when it is written. */
export async function openBuffer(settings: BufferSettings, directory: string): Promise<Buffer> {
  const format = settings.format ?? "parquet";
  if (format === "memory") return new MemoryBuffer();
  if (format === "passthrough") return new PassthroughBuffer(directory);
  return new FileBuffer(directory, await fileSettings(format, settings));
}

export { fileSettings, type PartPlace, writePart } from "./part.ts";
export { openSlice } from "./staged.ts";
