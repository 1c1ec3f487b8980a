import { recordsOf } from "../arrow/mod.ts";
import type { Batch } from "../core/batch.ts";
import type { Buffer, StagedData, StageDetails } from "../core/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { Extraction } from "../core/proof.ts";
import type { Field } from "../models/field.ts";
import { Proven } from "./proven.ts";

const noFile = (name: string) =>
  Promise.reject(new BufferError(`Cannot open "${name}": no such file`));

/** A stage in memory, for tests and for data that is known to be small. */
export class MemoryBuffer implements Buffer {
  readonly location = "memory";
  #committed: StagedData | undefined;

  async write(
    fields: readonly Field[],
    batches: Extraction<Batch>,
    details: () => StageDetails,
  ): Promise<StagedData> {
    const source = new Proven(batches, (batch) => batch.numRows);
    const kept: Batch[] = [];
    try {
      for await (const batch of source) kept.push(batch);
    } finally {
      await source.close();
    }
    this.#committed = {
      kind: "records",
      fields: [...fields],
      count: source.count,
      files: [],
      details: details(),
      evidence: source.proof.evidence,
      async *readBatches() {
        yield* kept;
      },
      async *readRecords() {
        for (const batch of kept) yield* recordsOf(batch);
      },
      slice() {
        throw new BufferError("Cannot hand on a slice: memory is of one thread");
      },
      openFile: noFile,
      readFile: noFile,
    };
    return this.#committed;
  }

  writeParts(): Promise<StagedData> {
    return Promise.reject(new BufferError("Cannot keep parts in memory: other threads write them"));
  }

  writeFiles(): Promise<StagedData> {
    return Promise.reject(new BufferError("Cannot keep files in memory: expected records"));
  }

  open(): Promise<StagedData | undefined> {
    return Promise.resolve(this.#committed);
  }

  clear(): Promise<void> {
    this.#committed = undefined;
    return Promise.resolve();
  }
}
