/** Buffers the part of a text that is being parsed, so that records may span chunks. */
import { LINE_FEED } from "../../core/values/ascii.ts";

/** Least bytes to buffer at once: a good part of a processor's cache. */
const MIN_FILL = 262_144;
/** Readable and writable bytes behind the text, for loops that process several at once. */
const SPARE = 16;
/** Above this size the buffer grows by a quarter instead of doubling. */
const LARGE = 16_777_216;

/** The text is `bytes` from `start` up to `end`. A line feed precedes it, and more follow it. */
export class ChunkBuffer {
  bytes = new Uint8Array(MIN_FILL * 2 + SPARE).fill(LINE_FEED, 0, 1);
  start = 1;
  end = 1;
  /** Whether the text ends at `end`. */
  isLast = false;
  /** Offset of `bytes` in the text. */
  #base = -1;
  #failure: unknown;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  get size(): number {
    return this.end - this.start;
  }

  /** Offset of `start` in the text. */
  get offset(): number {
    return this.#base + this.start;
  }

  /**
   * Reads until at least twice as many bytes are buffered, so that a long record is not scanned
   * over and over, but no more than shows that a record exceeds `maxBytes`. Invalidates earlier
   * positions. An error of the source is thrown only once the bytes before it are consumed.
   *
   * @returns false when the text has no more bytes
   */
  async fill(maxBytes = Infinity): Promise<boolean> {
    if (this.isLast) return false;
    this.#moveToFront();
    const targetSize = Math.max(MIN_FILL, Math.min(this.size * 2, maxBytes + 1));
    const sizeBefore = this.size;
    while (this.size < targetSize) {
      const value = await this.#next();
      if (value === undefined) break;
      this.#append(value);
    }
    if (this.#failure !== undefined && this.size === sizeBefore) throw this.#failure;
    this.bytes.fill(LINE_FEED, this.end, this.end + SPARE);
    return this.size > 0;
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#failure !== undefined) return undefined;
    try {
      const { done, value } = await this.#chunks.next();
      if (done !== true) return value;
      this.isLast = true;
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

  /** Moves the text to the front; shrinks the buffer again after an unusually large record. */
  #moveToFront(): void {
    const { size } = this;
    if (this.bytes.length > 16 * MIN_FILL && size < MIN_FILL) {
      const moved = new Uint8Array(MIN_FILL * 2 + SPARE);
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
