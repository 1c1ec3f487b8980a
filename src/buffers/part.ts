/** Writing the files of a stage, or of one thread's part of it. */
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
 * A load begins with a file when it is closed, and the last ones are to end together: the first files
 * are small, and each may be an eighth of what was written before it, so that there are not thousands.
 */
const FIRST_FILE_BYTES = 2 * 1024 * 1024;
const GROWTH = 8;
const ENDINGS: Readonly<Partial<Record<Compression, string>>> = { gzip: ".gz", zstd: ".zst" };

/** How the files of a stage of records are written. */
export interface FileSettings {
  readonly format: FormatInfo;
  readonly compression: Compression;
  readonly options: FormatOptions;
  /** The most that a file has, give or take a row group. */
  readonly fileBytes: number;
}

/** @throws {BufferError} for options or a compression that the format does not have */
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
    throw new BufferError(`Cannot stage as ${name} without a header: a stage is read by name`);
  }
  return { format, compression, options, fileBytes: file_bytes };
}

/** Where a part goes. */
export interface PartPlace {
  readonly folder: string;
  /** Number of the part; unset when it is the whole stage. */
  readonly part?: number;
  readonly fields: readonly Field[];
  /** Hears of each file when it is on the disk. */
  readonly onFile?: (file: StagedFile) => void;
  /** Hears how many bytes more of a kept file were read. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Writes an extraction to its end, file by file, each on the disk when the next begins.
 *
 * @throws {BufferError} when the extraction's proof is missing or speaks of another number
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
  while (await source.more()) {
    const name = `${partFileName(files.length, part)}.${format.extension}${ending}`;
    const before = source.count;
    const most = Math.min(fileBytes, Math.max(FIRST_FILE_BYTES, total / GROWTH));
    let size = 0;
    const bytes = format.write(until(source, () => size >= most), request);
    const written = await writeFile(join(folder, name), bytes, (now) => size = now);
    const file = { name, rows: source.count - before, ...written };
    total += size;
    files.push(file);
    onFile?.(file);
  }
  return files;
}

/** Name of the nth file of a part, without its ending. */
export function partFileName(n: number, part?: number): string {
  const number = String(n).padStart(5, "0");
  return part === undefined ? `part-${number}` : `part-${String(part).padStart(3, "0")}-${number}`;
}

/** Batches of the source until it ends or the file is large enough. */
async function* until(
  source: VerifiedExtraction<Batch>,
  isFull: () => boolean,
): AsyncGenerator<Batch, void, void> {
  while (await source.more()) {
    yield source.take();
    if (isFull()) return;
  }
}
