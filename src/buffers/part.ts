/** Writes the staged files of a stream, or of one part of its partition. */
import { join } from "node:path";
import type { Batch } from "../core/contracts/batch.ts";
import type { StagedFile, WrittenPart } from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { Extraction } from "../core/contracts/proof.ts";
import { checkOptions, type FormatInfo, FORMATS, loadFormat } from "../formats/mod.ts";
import type { BufferSettings } from "../models/buffer.ts";
import type { Field } from "../models/field.ts";
import type { Compression, Format, FormatOptions } from "../models/format.ts";
import { writeFile } from "./durable_file.ts";
import { VerifiedExtraction } from "./verified_extraction.ts";

const FILE_BYTES = 16 * 1024 * 1024;
/**
 * The first files are small, so that a load, which starts on closed files, can begin early. Each
 * further file may have an eighth of the bytes before it: so files are few, and parallel loads end
 * about together.
 */
const FIRST_FILE_BYTES = 2 * 1024 * 1024;
const GROWTH = 8;
const ENDINGS: Readonly<Partial<Record<Compression, string>>> = { gzip: ".gz", zstd: ".zst" };

/** How to write a stage of records. */
export interface FileSettings {
  readonly format: FormatInfo;
  readonly compression: Compression;
  readonly options: FormatOptions;
  /** Most bytes of a file, plus up to one row group. */
  readonly fileBytes: number;
}

/** @throws {BufferError} for options or a compression that the format does not support */
export function fileSettings(name: Format, settings: BufferSettings): FileSettings {
  const format = FORMATS[name];
  const { options = {}, compression = format.compressions[0]!, file_bytes = FILE_BYTES } = settings;
  checkOptions(format, options);
  if (!format.compressions.includes(compression)) {
    throw new BufferError(
      `Cannot stage as ${name} with compression "${compression}": expected ${
        format.compressions.join(", ")
      }`,
    );
  }
  if (options.header === false) {
    throw new BufferError(
      `Cannot stage as ${name} without a header: the load reads fields by name`,
    );
  }
  return { format, compression, options, fileBytes: file_bytes };
}

/** Where a part of the source is staged, and the callbacks. */
export interface PartPlace {
  readonly folder: string;
  /** Number of the part in the partition; unset for the whole stream. */
  readonly part?: number;
  readonly fields: readonly Field[];
  /** Called with each file once it is on disk. */
  readonly onFile?: (file: StagedFile) => void;
  /** Called with the number of bytes of each chunk that is copied. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Writes an extraction file by file; each is on disk before the next begins.
 *
 * @throws {BufferError} when the completion proof is missing or proves another number of records
 */
export async function writePart(
  settings: FileSettings,
  place: PartPlace,
  batches: Extraction<Batch>,
): Promise<WrittenPart> {
  const source = new VerifiedExtraction(batches, (batch) => batch.numRows);
  try {
    const files = await writeFiles(settings, place, source);
    return { files, count: source.count, evidence: source.proof.evidence };
  } finally {
    await source.close();
  }
}

async function writeFiles(
  { format: { name }, compression, options, fileBytes }: FileSettings,
  { folder, part, fields, onFile }: PartPlace,
  source: VerifiedExtraction<Batch>,
): Promise<StagedFile[]> {
  const format = await loadFormat(name);
  const files: StagedFile[] = [];
  let total = 0;
  const request = { fields, compression, options, recycle: true };
  const ending = format.name === "parquet" ? "" : ENDINGS[compression] ?? "";
  while (await source.hasNext()) {
    const name = `${partFileName(files.length, part)}.${format.extension}${ending}`;
    const before = source.count;
    const maxBytes = Math.min(fileBytes, Math.max(FIRST_FILE_BYTES, total / GROWTH));
    let size = 0;
    const bytes = format.write(takeUntil(source, () => size >= maxBytes), request);
    const written = await writeFile(join(folder, name), bytes, (now) => size = now);
    const file = { name, rows: source.count - before, ...written };
    total += size;
    files.push(file);
    onFile?.(file);
  }
  return files;
}

/** Returns the name of the nth file of a part, without extension. */
export function partFileName(n: number, part?: number): string {
  const number = String(n).padStart(5, "0");
  return part === undefined ? `part-${number}` : `part-${String(part).padStart(3, "0")}-${number}`;
}

/** Yields batches until the source ends or the file is full. */
async function* takeUntil(
  source: VerifiedExtraction<Batch>,
  isFull: () => boolean,
): AsyncGenerator<Batch, void, void> {
  while (await source.hasNext()) {
    yield source.take();
    if (isFull()) return;
  }
}
