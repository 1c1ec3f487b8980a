import { BufferError } from "../core/errors.ts";
import type { CompletionProof, Extraction } from "../core/contracts/proof.ts";

/**
 * An extraction that ends well only with a proof of as many records as came. To be read once; a
 * reader may stop and go on, and must `close` it at last.
 */
export class VerifiedExtraction<T> implements AsyncIterable<T> {
  /** Records, or files, so far. */
  count = 0;
  #ahead: T | undefined;
  #proof: CompletionProof | undefined;

  constructor(
    private readonly extraction: Extraction<T>,
    private readonly sizeOf: (item: T) => number,
  ) {}

  /** The source's proof, once everything was read. */
  get proof(): CompletionProof {
    if (this.#proof === undefined) throw new BufferError("Cannot commit the stage: no proof yet");
    return this.#proof;
  }

  /** Whether there is an item that was not read yet; looks one ahead. */
  async more(): Promise<boolean> {
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

  /** The next item; only after `more` said that there is one. */
  take(): T {
    const item = this.#ahead!;
    this.#ahead = undefined;
    this.count += this.sizeOf(item);
    return item;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    while (await this.more()) yield this.take();
  }

  /** Lets the source go, whether or not it was read to its end. */
  async close(): Promise<void> {
    await this.extraction.return(undefined as never);
  }

  #check(proof: CompletionProof | undefined): void {
    if (proof === undefined) {
      throw new BufferError(
        "Cannot commit the stage: the source gave no proof that it sent everything",
      );
    }
    if (proof.rows !== this.count) {
      throw new BufferError(
        `Cannot commit the stage: the source says ${proof.rows} (${proof.evidence}), received ${this.count}`,
      );
    }
    this.#proof = proof;
  }
}
