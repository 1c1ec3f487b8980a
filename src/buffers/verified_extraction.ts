/** Extractions that must prove their completion. */
import { BufferError } from "../core/errors.ts";
import type { CompletionProof, Extraction } from "../core/contracts/proof.ts";

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
    private readonly sizeOf: (item: T) => number,
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
    this.count += this.sizeOf(item);
    return item;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    while (await this.hasNext()) yield this.take();
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
    if (proof.rows !== this.count) {
      throw new BufferError(
        `Cannot commit the stage: the source reports ${proof.rows} (${proof.evidence}), but ${this.count} were received`,
      );
    }
    this.#proof = proof;
  }
}
