/** Buffers the part of a file that is being parsed, so that records may span chunks. */

/** Least bytes to buffer at once. */
const MIN_FILL = 65_536;
/** Readable bytes behind the text, so that loops may look at several bytes at a time. */
const SPARE = 16;
/** Above this size the buffer grows by a quarter instead of doubling. */
const LARGE = 16_777_216;

/** The text in `bytes` from `start` up to `end`, with a zero byte behind it. */
export class ChunkBuffer {
  bytes = new Uint8Array(4 * MIN_FILL);
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
   * Reads until at least twice as many bytes are buffered, so that a long value is not scanned over
   * and over, but no more than shows that a record exceeds `maxBytes`. Invalidates earlier
   * positions.
   *
   * @returns false when the file has no more bytes
   */
  async fill(maxBytes = Infinity): Promise<boolean> {
    const sizeBefore = this.size;
    const targetSize = Math.max(
      MIN_FILL,
      Math.min(sizeBefore * 2, Math.max(maxBytes, sizeBefore) + 1),
    );
    while (this.size < targetSize) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      this.#append(value);
    }
    return this.size > sizeBefore;
  }

  #append(chunk: Uint8Array): void {
    if (this.end + chunk.length + SPARE > this.bytes.length) this.#makeRoom(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
    this.bytes[this.end] = 0;
  }

  /** Moves the text to the front; reallocates a buffer that is too small or far too large. */
  #makeRoom(size: number): void {
    const needed = this.size + size + SPARE;
    const fit = Math.max(4 * MIN_FILL, Math.ceil(needed * (needed > LARGE ? 1.25 : 2)));
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
