/** The stage in memory, for small data; it ends with the run. */
import { createHash } from "node:crypto";
import { arrowSchema, batchesFromIPC, batchesToIPC, byteLength } from "../arrow/mod.ts";
import type { Batch } from "../core/contracts/batch.ts";
import type {
  Buffer,
  OpenStage,
  ReadWatch,
  StageDetails,
  StagedFile,
  StagedFiles,
  StageLock,
  StageSlice,
  StageTotals,
  WrittenPart,
} from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { Extraction } from "../core/contracts/proof.ts";
import type { Field } from "../models/field.ts";
import type { RowsSummary } from "../models/summary.ts";
import { mergeSummaries } from "../core/values/totals.ts";
import { partFileName, type PartPlace, type VerifiedExtraction, writeSummarized } from "./part.ts";

/** Bytes of batches that are stored together as one file, a stream of Arrow messages. */
const FILE_BYTES = 16 * 1024 * 1024;

/** Files in memory and their description; transferable to workers. */
interface Memory {
  readonly fields: readonly Field[];
  readonly count: number;
  readonly files: readonly StagedFile[];
  readonly bytes: readonly Uint8Array[];
  readonly evidence: string;
  readonly summary: RowsSummary | undefined;
  readonly rejected: StageTotals["rejected"];
  readonly details: StageDetails;
}

/**
 * Stores the batches of an extraction as files in memory.
 *
 * @throws {BufferError} when the completion proof is missing or proves another number of rows
 */
export async function keepInMemory(
  place: Pick<PartPlace, "fields" | "summarize">,
  batches: Extraction<Batch>,
): Promise<WrittenPart> {
  return await writeSummarized(place, batches, async (source) => {
    const files: StagedFile[] = [];
    const bytes: Uint8Array[] = [];
    while (await source.hasNext()) {
      const before = source.count;
      const file = await encodeFile(place.fields, source);
      const name = `${partFileName(files.length)}.arrow`;
      const sha256 = createHash("sha256").update(file).digest("hex");
      files.push({ name, rows: source.count - before, size: file.length, sha256 });
      bytes.push(file);
    }
    return { files, bytes };
  });
}

async function encodeFile(
  fields: readonly Field[],
  source: VerifiedExtraction<Batch>,
): Promise<Uint8Array> {
  const batches: Batch[] = [];
  for (let size = 0; size < FILE_BYTES && await source.hasNext();) {
    const batch = source.take();
    size += byteLength(batch);
    batches.push(batch);
  }
  return batchesToIPC(arrowSchema(fields), batches);
}

/** A stage in memory. */
export class MemoryBuffer implements Buffer {
  readonly location = "memory";
  #committed: StagedFiles | undefined;

  /** Returns a lock without effect: no other run can reach this stage. */
  lock(): Promise<StageLock> {
    return Promise.resolve({
      record: this.location,
      pending: () => Promise.resolve(undefined),
      remember: () => Promise.resolve(),
      forget() {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async write(
    fields: readonly Field[],
    write: (stage: OpenStage) => Promise<readonly WrittenPart[]>,
    details: () => StageDetails,
  ): Promise<StagedFiles> {
    const parts = await write({
      ...{ folder: "", fields },
      slice: refuseSlice,
      sealed: new Map(),
      seal() {},
    });
    this.#committed = openMemory({
      fields: [...fields],
      count: parts.reduce((sum, { count }) => sum + count, 0),
      files: parts.flatMap(({ files }) => files),
      bytes: parts.flatMap(({ bytes = [] }) => bytes),
      evidence: parts.map(({ evidence }) => evidence).join(", "),
      summary: mergeSummaries(parts.map(({ summary }) => summary)),
      rejected: parts.flatMap(({ rejected = [] }) => rejected),
      details: details(),
    });
    return this.#committed;
  }

  open(): Promise<StagedFiles | undefined> {
    return Promise.resolve(this.#committed);
  }

  clear(): Promise<void> {
    this.#committed = undefined;
    return Promise.resolve();
  }
}

function refuseSlice(): never {
  throw new BufferError("Cannot load from a stage in memory before it is written");
}

/** Opens a slice of a stage in memory. */
export function openFromMemory(slice: StageSlice): StagedFiles {
  return openMemory(slice["memory"] as Memory);
}

function openMemory(memory: Memory): StagedFiles {
  const { fields, count, files, bytes, evidence, summary, rejected, details } = memory;
  const fileAt = (name: string): Uint8Array => {
    const at = files.findIndex((file) => file.name === name);
    if (at >= 0) return bytes[at]!;
    const letters = rejected?.find((file) => file.name === name)?.bytes;
    if (letters !== undefined) return letters;
    throw new BufferError(`Cannot open "${name}" of a stage in memory: it has no such file`);
  };
  const readBatches = async function* (_recycle?: boolean, watch?: ReadWatch) {
    for (const file of bytes) {
      for (const batch of batchesFromIPC(file)) {
        await watch?.pause();
        yield batch;
        watch?.onRead(batch.numRows, byteLength(batch));
      }
    }
  };
  return {
    kind: "records",
    fields,
    count,
    files,
    details,
    evidence,
    summary,
    rejected,
    readBatches,
    slice(some) {
      const indexes = files.flatMap((file, i) =>
        some.some(({ name }) => name === file.name) ? [i] : []
      );
      const part: Memory = {
        ...memory,
        files: indexes.map((i) => files[i]!),
        bytes: indexes.map((i) => bytes[i]!),
        count: indexes.reduce((sum, i) => sum + files[i]!.rows, 0),
      };
      return { memory: part };
    },
    openFile: (name) => Promise.try(() => new Blob([fileAt(name) as BlobPart]).stream()),
    readFile: (name, start, end) => Promise.try(() => fileAt(name).slice(start, end)),
  };
}
