/** Opens the files of committed stages and slices, and reads them as a loader does. */
import type {
  ReadWatch,
  StagedData,
  StageDetails,
  StagedFile,
  StagedFiles,
  StageHeader,
  StageSlice,
} from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import { type FileInput, loadFormat } from "../formats/mod.ts";
import type { Format } from "../models/format.ts";
import { stagedInput } from "./durable_file.ts";
import { type Manifest, sumCounts } from "./manifest.ts";
import { stagedFilePath } from "./stage.ts";

const READ = { batchRows: 16_384, batchBytes: 16 * 1024 * 1024 };

/** A list of staged files with their manifest, transferable to workers. */
export function createSlice(location: string, manifest: Manifest): StageSlice {
  return { location, manifest };
}

/** Opens a slice in any thread. Only dxt creates slices, so their content is trusted. */
export async function openSlice(slice: StageSlice): Promise<StagedFiles> {
  if ("memory" in slice) return (await import("./memory.ts")).openFromMemory(slice);
  const { location, manifest } = slice as { location: string; manifest: Manifest };
  return openStage(location, manifest);
}

/** Opens the files of a manifest. */
export function openStage(location: string, manifest: Manifest): StagedFiles {
  const { kind, fields, count, evidence, summary, rejected, compression } = manifest;
  return {
    ...{ kind, fields, count, evidence, summary },
    files: manifest.files as StagedFile[],
    rejected: rejected as StagedFile[] | undefined,
    details: manifest.details as StageDetails,
    ...(kind === "records" ? { format: manifest.format as Format, compression } : {}),
    readBatches: (recycle, watch) => readBatches(location, manifest, recycle, watch),
    readFile: async (name, start, end, into) =>
      await findFile(location, manifest, name).read(start, end, into),
    openFile: async (name) => await findFile(location, manifest, name).open(),
    slice: (some) =>
      createSlice(location, { ...manifest, files: [...some], count: sumCounts(kind, some) }),
  };
}

async function* readBatches(
  location: string,
  { kind, fields, files, format: name, compression, options, ...manifest }: Manifest,
  recycle = false,
  watch?: ReadWatch,
): ReturnType<StagedFiles["readBatches"]> {
  if (kind === "files") {
    throw new BufferError("Cannot read records of a passthrough stage: it holds files");
  }
  const format = await loadFormat(name as Format);
  const { byteLength } = await import("../arrow/mod.ts");
  const projections = fields.map((field) => ({ field, column: field.name }));
  // Pages have checksums, and the files' digests were checked when the stage was opened.
  const proven = manifest.details.untrusted !== true;
  const request = { projections, ...READ, compression, options, proven, recycle };
  for (const file of files) {
    let rows = 0;
    const input = stagedInput(stagedFilePath(location, manifest, file), file.size);
    for await (const batch of format.read(input, request)) {
      await watch?.pause();
      rows += batch.numRows;
      yield batch;
      watch?.onRead(batch.numRows, byteLength(batch));
    }
    if (rows === file.rows) continue;
    throw new BufferError(
      `Cannot read stage "${input.name}": it has ${rows} rows, but its manifest declares ${file.rows}`,
    );
  }
}

function findFile(location: string, manifest: Manifest, name: string): FileInput {
  const all = [...manifest.files, ...manifest.rejected ?? []];
  const file = all.find((staged) => staged.name === name);
  if (file !== undefined) return stagedInput(stagedFilePath(location, manifest, file), file.size);
  throw new BufferError(`Cannot open "${name}" of stage "${location}": it has no such file`);
}

/**
 * Reads a stage that may still grow, slice by slice.
 *
 * @param header properties of the stage, from any of its slices
 * @param committed resolves when no more slices come
 */
export function readStage(
  { kind, fields, details, format, compression }: StageHeader,
  slices: () => AsyncIterable<StageSlice>,
  committed: () => Promise<StagedFiles>,
  watch: ReadWatch,
): StagedData {
  const closed = new Map<string, StagedFiles>();
  const holderOf = async (name: string) => closed.get(name) ?? await committed();
  const readBatches = async function* (recycle = false) {
    for await (const slice of slices()) yield* (await openSlice(slice)).readBatches(recycle, watch);
  };
  return {
    ...{ kind, fields, details, format, compression, committed, readBatches },
    async *readRecords() {
      const { readRecords } = await import("../arrow/mod.ts");
      for await (const batch of readBatches()) yield* readRecords(batch);
    },
    async *closedFiles() {
      for await (const slice of slices()) {
        const staged = await openSlice(slice);
        for (const file of staged.files) {
          closed.set(file.name, staged);
          await watch.pause();
          yield file;
          watch.onRead(file.rows, file.size);
        }
      }
    },
    async readFile(name, ...range) {
      const bytes = await (await holderOf(name)).readFile(name, ...range);
      watch.onRead(0, bytes.length);
      return bytes;
    },
    async openFile(name) {
      const bytes = await (await holderOf(name)).openFile(name);
      return bytes.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            watch.onRead(0, chunk.length);
            controller.enqueue(chunk);
          },
        }),
      );
    },
    async *scanBatches() {
      yield* (await committed()).readBatches(true, { pause: () => watch.pause(), onRead() {} });
    },
  };
}
