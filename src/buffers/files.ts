/** A stage of files in one of the formats. */
import { join } from "node:path";
import { recordsOf } from "../arrow/mod.ts";
import type { Batch } from "../core/batch.ts";
import type { Buffer, StagedData, StageDetails, StagedFile } from "../core/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { Extraction } from "../core/proof.ts";
import { checkOptions, type FileFormat, loadFormat } from "../formats/mod.ts";
import type { BufferSettings } from "../models/buffer.ts";
import type { Field } from "../models/field.ts";
import type { Compression, Format, FormatOptions } from "../models/format.ts";
import { stagedInput, writeFile } from "./disk.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { Proven } from "./proven.ts";
import { clear, commit, partName, pathOf } from "./stage.ts";

const FILE_BYTES = 256 * 1024 * 1024;
const READ = { batchRows: 16_384, batchBytes: 16 * 1024 * 1024 };
const ENDINGS: Readonly<Partial<Record<Compression, string>>> = { gzip: ".gz", zstd: ".zst" };

export class FileBuffer implements Buffer {
  private constructor(
    readonly location: string,
    private readonly format: FileFormat,
    private readonly compression: Compression,
    private readonly options: FormatOptions,
    private readonly fileBytes: number,
  ) {}

  /** @throws {ConfigurationError} for options or a compression that the format does not have */
  static async open(
    name: Format,
    settings: BufferSettings,
    directory: string,
  ): Promise<FileBuffer> {
    const format = await loadFormat(name);
    const { options = {}, compression = format.compressions[0]!, file_bytes = FILE_BYTES } =
      settings;
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
    return new FileBuffer(directory, format, compression, options, file_bytes);
  }

  async write(
    fields: readonly Field[],
    batches: Extraction<Batch>,
    details: () => StageDetails,
  ): Promise<StagedData> {
    const source = new Proven(batches, (batch) => batch.numRows);
    try {
      const manifest = await commit(this.location, async (folder) => ({
        kind: "records",
        format: this.format.name,
        compression: this.compression,
        options: this.options,
        fields: [...fields],
        files: await this.#writeFiles(folder, fields, source),
        count: source.count,
        evidence: source.proof.evidence,
        details: details(),
      }));
      return this.#staged(manifest);
    } finally {
      await source.close();
    }
  }

  async #writeFiles(
    folder: string,
    fields: readonly Field[],
    source: Proven<Batch>,
  ): Promise<StagedFile[]> {
    const files: StagedFile[] = [];
    while (await source.more()) {
      const name = partName(files.length, this.#extension());
      const before = source.count;
      let size = 0;
      const bytes = this.format.write(until(source, () => size >= this.fileBytes), {
        fields,
        compression: this.compression,
        options: this.options,
      });
      const written = await writeFile(join(folder, name), bytes, (now) => size = now);
      files.push({ name, rows: source.count - before, ...written });
    }
    return files;
  }

  #extension(): string {
    const ending = this.format.name === "parquet" ? "" : ENDINGS[this.compression] ?? "";
    return `.${this.format.extension}${ending}`;
  }

  writeFiles(): Promise<StagedData> {
    return Promise.reject(
      new BufferError(`Cannot stage files as ${this.format.name}: expected format passthrough`),
    );
  }

  async open(): Promise<StagedData | undefined> {
    const manifest = await readManifest(this.location);
    if (manifest === undefined) return undefined;
    if (manifest.kind === "records" && manifest.format === this.format.name) {
      return this.#staged(manifest);
    }
    throw new BufferError(
      `Cannot open stage "${this.location}": it holds ${manifest.format}, expected ${this.format.name}`,
    );
  }

  clear(): Promise<void> {
    return clear(this.location);
  }

  #staged(manifest: Manifest): StagedData {
    const { fields, files, compression, options } = manifest;
    const { format, location } = this;
    const projections = fields.map((field) => ({ field, column: field.name }));
    const readBatches = async function* () {
      for (const file of files) {
        let rows = 0;
        const input = stagedInput(pathOf(location, manifest, file), file.size);
        const request = { projections, ...READ, compression, options };
        for await (const batch of format.read(input, request)) {
          rows += batch.numRows;
          yield batch;
        }
        if (rows === file.rows) continue;
        throw new BufferError(
          `Cannot read stage "${input.name}": it has ${rows} rows, its manifest tells ${file.rows}`,
        );
      }
    };
    return {
      kind: "records",
      fields,
      count: manifest.count,
      files: files as StagedFile[],
      details: manifest.details as StageDetails,
      evidence: manifest.evidence,
      readBatches,
      async *readRecords() {
        for await (const batch of readBatches()) yield* recordsOf(batch);
      },
      openFile: (name) => openStaged(location, manifest, name),
    };
  }
}

/** Batches of the source until it ends or the file is large enough. */
async function* until(
  source: Proven<Batch>,
  isFull: () => boolean,
): AsyncGenerator<Batch, void, void> {
  while (await source.more()) {
    yield source.take();
    if (isFull()) return;
  }
}

/** Bytes of a file of a stage. */
export async function openStaged(
  directory: string,
  manifest: Manifest,
  name: string,
): Promise<ReadableStream<Uint8Array>> {
  const file = manifest.files.find((staged) => staged.name === name);
  if (file === undefined) {
    throw new BufferError(`Cannot open "${name}" of stage "${directory}": it has no such file`);
  }
  return (await Deno.open(pathOf(directory, manifest, file as StagedFile))).readable;
}
