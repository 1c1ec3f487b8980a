/** Opens committed stages and slices of stages for reading. */
import {
  committedStage,
  type StagedData,
  type StageDetails,
  type StagedFile,
  type StageSlice,
} from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import { loadFormat } from "../formats/mod.ts";
import type { Format } from "../models/format.ts";
import { stagedInput } from "./durable_file.ts";
import { type Manifest, sumCounts } from "./manifest.ts";
import { stagedFilePath } from "./stage.ts";

const READ = { batchRows: 16_384, batchBytes: 16 * 1024 * 1024 };

/** A list of staged files with their manifest, transferable to workers. */
export function createSlice(location: string, manifest: Manifest): StageSlice {
  return { location, manifest };
}

/** Opens a slice in any thread. Only this program makes slices, so their content is trusted. */
export async function openSlice(slice: StageSlice): Promise<StagedData> {
  if ("memory" in slice) return (await import("./memory.ts")).openFromMemory(slice);
  const { location, manifest } = slice as { location: string; manifest: Manifest };
  return openStage(location, manifest);
}

/** Returns the data of a stage, given its manifest. */
export function openStage(location: string, manifest: Manifest): StagedData {
  const { kind, fields, files, count, evidence } = manifest;
  const description = {
    kind,
    fields,
    count,
    files: files as StagedFile[],
    details: manifest.details as StageDetails,
    evidence,
  };
  return {
    ...description,
    ...(kind === "records" ? recordReaders(location, manifest) : refuseRecords()),
    readFile: (name, start, end, into) => readStaged(location, manifest, name, start, end, into),
    slice: (some) =>
      createSlice(location, { ...manifest, files: [...some], count: sumCounts(kind, some) }),
    openFile: (name) => openStaged(location, manifest, name),
    ...committedStage(description.files),
  };
}

type RecordReaders = Pick<
  StagedData,
  "readBatches" | "readRecords" | "scanBatches" | "format" | "compression"
>;

function recordReaders(location: string, manifest: Manifest): RecordReaders {
  const { fields, files, compression, options } = manifest;
  const name = manifest.format as Format;
  const projections = fields.map((field) => ({ field, column: field.name }));
  const readBatches = async function* (recycle = false) {
    const format = await loadFormat(name);
    for (const file of files) {
      let rows = 0;
      const input = stagedInput(stagedFilePath(location, manifest, file), file.size);
      // Pages have checksums, and the files' digests were checked when the stage was opened.
      const proven = manifest.details.untrusted !== true;
      const request = { projections, ...READ, compression, options, proven, recycle };
      for await (const batch of format.read(input, request)) {
        rows += batch.numRows;
        yield batch;
      }
      if (rows === file.rows) continue;
      throw new BufferError(
        `Cannot read stage "${input.name}": it has ${rows} rows, but its manifest declares ${file.rows}`,
      );
    }
  };
  return {
    readBatches,
    scanBatches: () => readBatches(true),
    async *readRecords() {
      const { readRecords } = await import("../arrow/mod.ts");
      for await (const batch of readBatches()) yield* readRecords(batch);
    },
    format: name,
    compression,
  };
}

function refuseRecords(): RecordReaders {
  const refuse = (): never => {
    throw new BufferError("Cannot read records of a passthrough stage: it holds files");
  };
  return { readBatches: refuse, readRecords: refuse, scanBatches: refuse };
}

/** Opens a staged file. */
async function openStaged(
  directory: string,
  manifest: Manifest,
  name: string,
): Promise<ReadableStream<Uint8Array>> {
  const file = findFile(directory, manifest, name);
  return (await Deno.open(stagedFilePath(directory, manifest, file))).readable;
}

/** Reads a range of a staged file. */
function readStaged(
  directory: string,
  manifest: Manifest,
  name: string,
  start: number,
  end: number,
  into?: Uint8Array,
): Promise<Uint8Array> {
  const file = findFile(directory, manifest, name);
  return stagedInput(stagedFilePath(directory, manifest, file), file.size).read(start, end, into);
}

function findFile(directory: string, manifest: Manifest, name: string): StagedFile {
  const file = manifest.files.find((staged) => staged.name === name);
  if (file !== undefined) return file as StagedFile;
  throw new BufferError(`Cannot open "${name}" of stage "${directory}": it has no such file`);
}
