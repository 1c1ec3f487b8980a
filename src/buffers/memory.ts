/** A stage in memory, for data that is known to be small. Nothing of it outlives the run. */
import { createHash } from "node:crypto";
import {
  arrowSchema,
  batchesFromIPC,
  batchesToIPC,
  byteLength,
  readRecords,
} from "../arrow/mod.ts";
import type { Batch } from "../core/contracts/batch.ts";
import {
  type Buffer,
  committedStage,
  type OpenStage,
  type StagedData,
  type StageDetails,
  type StagedFile,
  type StageLock,
  type StageSlice,
  type WrittenPart,
} from "../core/contracts/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { Extraction } from "../core/contracts/proof.ts";
import type { Field } from "../models/field.ts";
import { partFileName } from "./part.ts";
import { VerifiedExtraction } from "./verified_extraction.ts";

/** Batches become a file, Arrow's stream of messages, when they are so large together. */
const FILE_BYTES = 16 * 1024 * 1024;

/** Files in memory, and what is told of them. Plain data. */
interface Memory {
  readonly fields: readonly Field[];
  readonly count: number;
  readonly files: readonly StagedFile[];
  readonly bytes: readonly Uint8Array[];
  readonly evidence: string;
  readonly details: StageDetails;
}

/**
 * The batches of an extraction as files in memory.
 *
 * @throws {BufferError} when its proof is missing or speaks of another number
 */
export async function keepInMemory(
  fields: readonly Field[],
  batches: Extraction<Batch>,
): Promise<WrittenPart> {
  const source = new VerifiedExtraction(batches, (batch) => batch.numRows);
  try {
    const files: StagedFile[] = [];
    const bytes: Uint8Array[] = [];
    while (await source.more()) {
      const before = source.count;
      const file = await fileOf(fields, source);
      const name = `${partFileName(files.length)}.arrow`;
      const sha256 = createHash("sha256").update(file).digest("hex");
      files.push({ name, rows: source.count - before, size: file.length, sha256 });
      bytes.push(file);
    }
    return { files, bytes, count: source.count, evidence: source.proof.evidence };
  } finally {
    await source.close();
  }
}

async function fileOf(
  fields: readonly Field[],
  source: VerifiedExtraction<Batch>,
): Promise<Uint8Array> {
  const batches: Batch[] = [];
  for (let size = 0; size < FILE_BYTES && await source.more();) {
    const batch = source.take();
    size += byteLength(batch);
    batches.push(batch);
  }
  return batchesToIPC(arrowSchema(fields), batches);
}

export class MemoryBuffer implements Buffer {
  readonly location = "memory";
  #committed: StagedData | undefined;

  /** A stage in memory needs no lock: no other run can reach it. */
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
  ): Promise<StagedData> {
    const parts = await write({ folder: "", slice: notYet });
    this.#committed = keptOf({
      fields: [...fields],
      count: parts.reduce((sum, { count }) => sum + count, 0),
      files: parts.flatMap(({ files }) => files),
      bytes: parts.flatMap(({ bytes = [] }) => bytes),
      evidence: parts.map(({ evidence }) => evidence).join(", "),
      details: details(),
    });
    return this.#committed;
  }

  open(): Promise<StagedData | undefined> {
    return Promise.resolve(this.#committed);
  }

  clear(): Promise<void> {
    this.#committed = undefined;
    return Promise.resolve();
  }
}

function notYet(): never {
  throw new BufferError("Cannot hand on files of a stage in memory: they are not there yet");
}

/** The data of a slice of memory. */
export function openFromMemory(slice: StageSlice): StagedData {
  return keptOf(slice["memory"] as Memory);
}

function keptOf(memory: Memory): StagedData {
  const { fields, count, files, bytes, evidence, details } = memory;
  const fileAt = (name: string): Uint8Array => {
    const at = files.findIndex((file) => file.name === name);
    if (at >= 0) return bytes[at]!;
    throw new BufferError(`Cannot open "${name}" of a stage in memory: it has no such file`);
  };
  const readBatches = async function* () {
    for (const file of bytes) yield* await Promise.resolve(batchesFromIPC(file));
  };
  return {
    kind: "records",
    fields,
    count,
    files,
    details,
    evidence,
    readBatches,
    scanBatches: readBatches,
    async *readRecords() {
      for await (const batch of readBatches()) yield* readRecords(batch);
    },
    slice(some) {
      const kept = files.flatMap((file, i) =>
        some.some(({ name }) => name === file.name) ? [i] : []
      );
      const part: Memory = {
        ...memory,
        files: kept.map((i) => files[i]!),
        bytes: kept.map((i) => bytes[i]!),
        count: kept.reduce((sum, i) => sum + files[i]!.rows, 0),
      };
      return { memory: part };
    },
    openFile: (name) => Promise.try(() => new Blob([fileAt(name) as BlobPart]).stream()),
    readFile: (name, start, end) => Promise.try(() => fileAt(name).slice(start, end)),
    ...committedStage(files),
  };
}
