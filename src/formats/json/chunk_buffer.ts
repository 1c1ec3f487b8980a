/** The bytes of a file that are being looked at, between two chunks' ends. */

/** Least bytes that a fill gets together. */
const FILL = 65_536;
/** Bytes behind the text that may be read, so that loops may take more than one. */
const SPARE = 16;
/** Beyond so many bytes memory grows by less at a time. */
const LARGE = 16_777_216;

/** `bytes` from `start` up to `end` are at hand, with a zero byte after them. */
export class ChunkBuffer {
  bytes = new Uint8Array(4 * FILL);
  start = 0;
  end = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  get size(): number {
    return this.end - this.start;
  }

  /**
   * Gets at least twice the bytes that are at hand, so that a long value is not looked at over and
   * over, but no more than it takes to see that a record has over `most` bytes. Positions from before are void afterwards.
   *
   * @returns false when there was no byte more
   */
  async fill(most = Infinity): Promise<boolean> {
    const before = this.size;
    const wanted = Math.max(FILL, Math.min(before * 2, Math.max(most, before) + 1));
    while (this.size < wanted) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      this.#append(value);
    }
    return this.size > before;
  }

  #append(chunk: Uint8Array): void {
    if (this.end + chunk.length + SPARE > this.bytes.length) this.#makeRoom(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
    this.bytes[this.end] = 0;
  }

  /** Moves what is at hand to the front, of other memory where it is far too small or too large. */
  #makeRoom(size: number): void {
    const needed = this.size + size + SPARE;
    const fit = Math.max(4 * FILL, Math.ceil(needed * (needed > LARGE ? 1.25 : 2)));
    if (needed > this.bytes.length || fit * 4 < this.bytes.length) {
      const moved = new Uint8Array(fit);
      moved.set(this.bytes.subarray(this.start, this.end));
      this.bytes = moved;
    } else {
      this.bytes.copyWithin(0, this.start, this.end);
    }
    this.end -= this.start;
    this.start = 0;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
