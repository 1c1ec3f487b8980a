/** Slices of a stage for a load that begins while it is still written. */
import type { StagedData, StageSlice } from "../core/buffer.ts";
import { BufferError } from "../core/errors.ts";

/** A queue of slices that can be read, which several readers may share. */
export class Feed {
  readonly #slices: StageSlice[] = [];
  #waiting: (() => void)[] = [];
  #staged: StagedData | undefined;
  #failed: { error: unknown } | undefined;

  push(slice: StageSlice): void {
    this.#slices.push(slice);
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

  /** The next slice; undefined after the last. */
  async next(): Promise<StageSlice | undefined> {
    while (true) {
      if (this.#failed !== undefined) throw this.#failed.error;
      const slice = this.#slices.shift();
      if (slice !== undefined || this.#staged !== undefined) return slice;
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
