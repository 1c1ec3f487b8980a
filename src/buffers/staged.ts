/** Reading what a stage of records holds. */
import { recordsOf } from "../arrow/mod.ts";
import type { StagedData, StageDetails, StagedFile, StageSlice } from "../core/buffer.ts";
import { BufferError } from "../core/errors.ts";
import { type FileFormat, loadFormat } from "../formats/mod.ts";
import type { Format } from "../models/format.ts";
import { stagedInput } from "./disk.ts";
import type { Manifest } from "./manifest.ts";
import { pathOf } from "./stage.ts";

/** Each page has a checksum, and the files' digests were compared when the stage was opened. */
const READ = { batchRows: 16_384, batchBytes: 16 * 1024 * 1024, proven: true };

/** Files of a stage, and what its manifest tells, or is going to tell, of them. */
export function sliceOf(location: string, manifest: Manifest): StageSlice {
  return { location, manifest };
}

/** The data of a slice, on any thread. The slice was made by `sliceOf` of this very program. */
export async function openSlice(slice: StageSlice): Promise<StagedData> {
  const { location, manifest } = slice as { location: string; manifest: Manifest };
  return stagedOf(location, manifest, await loadFormat(manifest.format as Format));
}

/** What a manifest of records tells, with the ways to read it. */
export function stagedOf(location: string, manifest: Manifest, format: FileFormat): StagedData {
  const { fields, files, compression, options } = manifest;
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
    format: format.name,
    readFile: (name, start, end) => readStaged(location, manifest, name, start, end),
    slice: (files) => sliceOf(location, { ...manifest, files: [...files], count: rowsOf(files) }),
    openFile: (name) => openStaged(location, manifest, name),
  };
}

/** Records in files together. */
export function rowsOf(files: readonly StagedFile[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}

/** Bytes of a file of a stage. */
export async function openStaged(
  directory: string,
  manifest: Manifest,
  name: string,
): Promise<ReadableStream<Uint8Array>> {
  const file = fileOf(directory, manifest, name);
  return (await Deno.open(pathOf(directory, manifest, file))).readable;
}

/** Some of the bytes of a file of a stage. */
export function readStaged(
  directory: string,
  manifest: Manifest,
  name: string,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const file = fileOf(directory, manifest, name);
  return stagedInput(pathOf(directory, manifest, file), file.size).read(start, end);
}

function fileOf(directory: string, manifest: Manifest, name: string): StagedFile {
  const file = manifest.files.find((staged) => staged.name === name);
  if (file !== undefined) return file as StagedFile;
  throw new BufferError(`Cannot open "${name}" of stage "${directory}": it has no such file`);
}
