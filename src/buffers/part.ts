/** Writes the staged files of a stream, or of one part of its partition. */
import { join } from "node:path";
import type { Batch } from "../core/contracts/batch.ts";
import type { StagedFile, WrittenPart } from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { CompletionProof, Extraction } from "../core/contracts/proof.ts";
import { checkOptions, type FormatInfo, FORMATS, loadFormat } from "../formats/mod.ts";
import type { BufferSettings } from "../models/buffer.ts";
import type { Field } from "../models/field.ts";
import type { Compression, Format, FormatOptions } from "../models/format.ts";
import type { VerifyLevel } from "../models/stream.ts";
import { writeFile } from "./durable_file.ts";

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
  /** What is summarized of a large part, nothing if unset; a small one is summarized in full. */
  readonly summarize?: VerifyLevel;
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
export function writePart(
  settings: FileSettings,
  place: PartPlace,
  batches: Extraction<Batch>,
): Promise<WrittenPart> {
  return writeSummarized(place, batches, async (source) => ({
    files: await writeFiles(settings, place, source),
  }));
}

/** Writes the batches of an extraction, as `writeVerified` does, and summarizes them. */
export async function writeSummarized(
  { fields, summarize = "counts" }: Pick<PartPlace, "fields" | "summarize">,
  batches: Extraction<Batch>,
  write: WriteItems<Batch>,
): Promise<WrittenPart> {
  const { Summarizer } = await import("../arrow/mod.ts");
  const summarizer = new Summarizer(fields, summarize);
  const receive = (batch: Batch) => {
    summarizer.add(batch);
    return batch.numRows;
  };
  const part = await writeVerified(batches, receive, write);
  const summary = summarizer.summarize();
  return summary === undefined ? part : { ...part, summary };
}

type WriteItems<T> = (
  source: VerifiedExtraction<T>,
) => Promise<Pick<WrittenPart, "files" | "bytes">>;

/**
 * Writes all that an extraction yields, and closes it.
 *
 * @param receive called once with each item; returns the number of records or files in it
 * @throws {BufferError} when the completion proof is missing or proves another number of items
 */
export async function writeVerified<T>(
  extraction: Extraction<T>,
  receive: (item: T) => number,
  write: WriteItems<T>,
): Promise<WrittenPart> {
  const source = new VerifiedExtraction(extraction, receive);
  try {
    const written = await write(source);
    return { ...written, count: source.count, evidence: source.proof.evidence };
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
  const request = { fields: fields.map(withoutElement), compression, options, recycle: true };
  const ending = format.name === "parquet" ? "" : ENDINGS[compression] ?? "";
  while (await source.hasNext()) {
    const name = `${partFileName(files.length, part)}.${format.extension}${ending}`;
    const before = source.count;
    const maxBytes = Math.min(fileBytes, Math.max(FIRST_FILE_BYTES, total / GROWTH));
    let size = 0;
    const bytes = format.write(source.takeUntil(() => size >= maxBytes), request);
    const written = await writeFile(join(folder, name), bytes, (now) => size = now);
    const file = { name, rows: source.count - before, ...written };
    total += size;
    files.push(file);
    onFile?.(file);
  }
  return files;
}

/** An array is staged as JSON, which holds any array. */
function withoutElement({ element: _element, ...field }: Field): Field {
  return field;
}

/** Returns the name of the nth file of a part, without extension. */
export function partFileName(n: number, part?: number): string {
  const number = String(n).padStart(5, "0");
  return part === undefined ? `part-${number}` : `part-${String(part).padStart(3, "0")}-${number}`;
}

/**
 * Reads an extraction once and verifies its completion proof: the proof must exist, and prove as
 * many items as were received. The caller may pause, and must `close` the extraction at the end.
 */
export class VerifiedExtraction<T> implements AsyncIterable<T> {
  /** Items received so far: records, or files. */
  count = 0;
  #ahead: T | undefined;
  #proof: CompletionProof | undefined;

  constructor(
    private readonly extraction: Extraction<T>,
    private readonly receive: (item: T) => number,
  ) {}

  /** The completion proof; available after everything was read. */
  get proof(): CompletionProof {
    if (this.#proof === undefined) throw new BufferError("Cannot commit the stage: no proof yet");
    return this.#proof;
  }

  /** Whether another item follows; reads one item ahead. */
  async hasNext(): Promise<boolean> {
    if (this.#ahead !== undefined) return true;
    if (this.#proof !== undefined) return false;
    const next = await this.extraction.next();
    if (next.done !== true) {
      this.#ahead = next.value;
      return true;
    }
    this.#check(next.value);
    return false;
  }

  /** Returns the next item. Call only after `hasNext` returned true. */
  take(): T {
    const item = this.#ahead!;
    this.#ahead = undefined;
    this.count += this.receive(item);
    return item;
  }

  [Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    return this.takeUntil(() => false);
  }

  /** Yields items until the source ends or `isFull` returns true. */
  async *takeUntil(isFull: () => boolean): AsyncGenerator<T, void, void> {
    while (await this.hasNext()) {
      yield this.take();
      if (isFull()) return;
    }
  }

  /** Closes the source, whether or not it was read to the end. */
  async close(): Promise<void> {
    await this.extraction.return(undefined as never);
  }

  #check(proof: CompletionProof | undefined): void {
    if (proof === undefined) {
      throw new BufferError(
        "Cannot commit the stage: the source sent no completion proof",
      );
    }
    const { rows, evidence, rejected = 0 } = proof;
    if (rows !== this.count + rejected) {
      throw new BufferError(
        `Cannot commit the stage: the source reports ${rows} (${evidence}), but ${this.count} were received${
          rejected === 0 ? "" : ` and ${rejected} rejected`
        }`,
      );
    }
    this.#proof = proof;
  }
}
