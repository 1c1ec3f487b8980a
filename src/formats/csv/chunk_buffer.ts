/** The text of a file that is being looked at, between two chunks' ends. */

/** Least bytes that a fill gets together: a good part of a processor's cache, and no more. */
const FILL = 262_144;
/** Bytes beyond the text that may be read and written, so that loops may take more than one. */
const SPARE = 16;
/** Beyond so many bytes memory grows by less at a time. */
const LARGE = 16_777_216;
const LINE_FEED = 0x0a;

/**
 * `bytes` from `start` up to `end` are at hand; what lies beyond is line feeds, and what stands
 * before the first is one.
 */
export class ChunkBuffer {
  bytes = new Uint8Array(FILL * 2 + SPARE).fill(LINE_FEED, 0, 1);
  start = 1;
  end = 1;
  /** Whether there is nothing behind `end`. */
  ended = false;
  /** Where `bytes` begins in the text. */
  #base = -1;
  #failure: unknown;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  get size(): number {
    return this.end - this.start;
  }

  /** Where `start` is in the text. */
  get offset(): number {
    return this.#base + this.start;
  }

  /**
   * Gets at least twice the bytes that are at hand, so that a long record is not looked at over and
   * over, but no more than it takes to see that a record has over `most` bytes. Positions from before are void afterwards. An error of the source comes when the bytes
   * before it have been given.
   *
   * @returns false when there is nothing more to look at
   */
  async fill(most = Infinity): Promise<boolean> {
    if (this.ended) return false;
    this.#moveToFront();
    const wanted = Math.max(FILL, Math.min(this.size * 2, most + 1));
    const before = this.size;
    while (this.size < wanted) {
      const value = await this.#next();
      if (value === undefined) break;
      this.#append(value);
    }
    if (this.#failure !== undefined && this.size === before) throw this.#failure;
    this.bytes.fill(LINE_FEED, this.end, this.end + SPARE);
    return this.size > 0;
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#failure !== undefined) return undefined;
    try {
      const { done, value } = await this.#chunks.next();
      if (done !== true) return value;
      this.ended = true;
    } catch (error) {
      this.#failure = error;
    }
    return undefined;
  }

  #append(chunk: Uint8Array): void {
    const needed = this.end + chunk.length + SPARE;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.ceil(needed * (needed > LARGE ? 1.25 : 2)));
      grown.set(this.bytes.subarray(0, this.end));
      this.bytes = grown;
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Of smaller memory again after a record that was far larger than others. */
  #moveToFront(): void {
    const { size } = this;
    if (this.bytes.length > 16 * FILL && size < FILL) {
      const moved = new Uint8Array(FILL * 2 + SPARE);
      moved.set(this.bytes.subarray(this.start, this.end), 1);
      moved[0] = LINE_FEED;
      this.bytes = moved;
    } else {
      this.bytes.copyWithin(1, this.start, this.end);
    }
    this.#base += this.start - 1;
    this.start = 1;
    this.end = 1 + size;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
