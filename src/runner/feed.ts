/** The files of a stage for a load that begins while they are still written. */
import { recordsOf } from "../arrow/mod.ts";
import { openSlice } from "../buffers/mod.ts";
import type { OpenStage, StagedData, StageDetails, StagedFile } from "../core/buffer.ts";
import { BufferError } from "../core/errors.ts";
import type { Field } from "../models/field.ts";

/** A queue of closed files, which several readers may share. */
export class Feed {
  readonly #files: StagedFile[] = [];
  #waiting: (() => void)[] = [];
  #staged: StagedData | undefined;
  #failed: { error: unknown } | undefined;

  push(file: StagedFile): void {
    this.#files.push(file);
    this.#wake();
  }

  /** The stage is committed: what is in the queue is all. */
  end(staged: StagedData): void {
    this.#staged = staged;
    this.#wake();
  }

  /** The stage will not be committed. */
  fail(error: unknown): void {
    this.#failed = { error };
    this.#wake();
  }

  /** The next file; undefined after the last. */
  async next(): Promise<StagedFile | undefined> {
    while (true) {
      if (this.#failed !== undefined) throw this.#failed.error;
      const file = this.#files.shift();
      if (file !== undefined || this.#staged !== undefined) return file;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** What was staged, once it was committed. */
  get staged(): StagedData {
    if (this.#staged === undefined) {
      throw new BufferError("Cannot tell what is staged: it is still being written");
    }
    return this.#staged;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Staged data that is read as its files are closed, and ends when the stage is committed. */
export function growing(
  stage: OpenStage,
  feed: Feed,
  fields: readonly Field[],
  details: StageDetails,
): StagedData {
  const readBatches = async function* () {
    for (let file = await feed.next(); file !== undefined; file = await feed.next()) {
      yield* (await openSlice(stage.slice([file]))).readBatches();
    }
  };
  return {
    kind: "records",
    fields,
    details,
    get count() {
      return feed.staged.count;
    },
    get files() {
      return feed.staged.files;
    },
    get evidence() {
      return feed.staged.evidence;
    },
    readBatches,
    async *readRecords() {
      for await (const batch of readBatches()) yield* recordsOf(batch);
    },
    readFile: (name, start, end) => feed.staged.readFile(name, start, end),
    slice: (files) => stage.slice(files),
    openFile: (name) => feed.staged.openFile(name),
  };
}
