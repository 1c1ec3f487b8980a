/**
 * Splits a zstd file into frames by their headers alone. The runtime's decompressor needs this: it
 * accepts a truncated file as complete, and reads only the first frame.
 * Format: https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */

const MAGIC = 0xfd2fb528;
/** Magic number of skippable frames; its lowest four bits are free for the user. */
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Size of the dictionary id in bytes, by the descriptor's flag. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const RESERVED_BLOCK = 3;
const RLE_BLOCK = 1;

export class FrameError extends Error {}

/** The bytes of one frame. The caller must read all of them before it requests the next frame. */
export type Frame = AsyncGenerator<Uint8Array, void, void>;

/**
 * Yields the frames of a file; omits skippable ones, which have no content.
 *
 * @throws {FrameError} when the file is empty, truncated, or contains other bytes than frames
 */
export async function* splitZstdFrames(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Frame, void, void> {
  const input = new Input(bytes);
  try {
    do {
      const magic = uint32(await input.take(4));
      if ((magic & 0xfffffff0) === SKIPPABLE_MAGIC) {
        for await (const _ of input.stream(uint32(await input.take(4))));
      } else if (magic === MAGIC) {
        const frame = readFrame(input);
        yield frame;
        // The reader stopped early: it failed, or needs no more bytes.
        if (!(await frame.next()).done) return;
      } else {
        throw new FrameError("unknown frame descriptor");
      }
    } while (await input.hasBytes());
  } finally {
    await input.close();
  }
}

async function* readFrame(input: Input): Frame {
  const descriptor = await input.take(1);
  const flags = descriptor[0]!;
  const singleSegment = (flags & 0x20) !== 0;
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const headerBytes = (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[flags & 3]! + contentSizeBytes;
  yield Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);
  yield descriptor;
  if (headerBytes > 0) yield await input.take(headerBytes);
  let last = false;
  while (!last) {
    const header = await input.take(3);
    yield header;
    const bits = header[0]! | header[1]! << 8 | header[2]! << 16;
    last = (bits & 1) !== 0;
    const type = (bits >> 1) & 3;
    if (type === RESERVED_BLOCK) throw new FrameError("reserved block type");
    yield* input.stream(type === RLE_BLOCK ? 1 : bits >> 3);
  }
  if ((flags & 4) !== 0) yield await input.take(4);
}

function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** Reads given amounts of bytes from chunks of any size. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  async hasBytes(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#chunk = next.value;
    }
    return true;
  }

  /** Returns exactly `size` bytes. */
  async take(size: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(size);
    let at = 0;
    for await (const part of this.stream(size)) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** Yields the next `size` bytes in the chunks in which they arrive. */
  async *stream(size: number): AsyncGenerator<Uint8Array, void, void> {
    let left = size;
    while (left > 0) {
      if (!await this.hasBytes()) throw new FrameError("unexpected end of file");
      const part = this.#chunk.subarray(0, left);
      this.#chunk = this.#chunk.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
