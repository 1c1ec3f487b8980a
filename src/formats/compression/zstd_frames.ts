/**
 * Where the frames of a zstd file begin and end, told from their headers alone. The runtime's
 * decompressor needs this: it takes a cut file for a whole one, and knows one frame only.
 * Format: https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */

const MAGIC = 0xfd2fb528;
/** The last four bits are the user's. */
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Sizes of the dictionary id, by the descriptor's flag. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const RESERVED_BLOCK = 3;
const RLE_BLOCK = 1;

export class FrameError extends Error {}

/** A frame's bytes as they come, to be read to their end before the next frame is asked for. */
export type Frame = AsyncGenerator<Uint8Array, void, void>;

/**
 * The frames of a file; skippable ones, which hold no content, are left out.
 *
 * @throws {FrameError} when the bytes are no frames, end inside one, or are none at all
 */
export async function* zstdFrames(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Frame, void, void> {
  const input = new Input(bytes);
  try {
    do {
      const magic = uint32(await input.take(4));
      if ((magic & 0xfffffff0) === SKIPPABLE_MAGIC) {
        for await (const _ of input.stream(uint32(await input.take(4))));
      } else if (magic === MAGIC) {
        const frame = frameOf(input);
        yield frame;
        // A reader that stopped early has been told of an error, or wants no more.
        if (!(await frame.next()).done) return;
      } else {
        throw new FrameError("unknown frame descriptor");
      }
    } while (await input.more());
  } finally {
    await input.close();
  }
}

async function* frameOf(input: Input): Frame {
  const descriptor = await input.take(1);
  const flags = descriptor[0]!;
  const singleSegment = (flags & 0x20) !== 0;
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const rest = (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[flags & 3]! + contentSizeBytes;
  yield Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);
  yield descriptor;
  if (rest > 0) yield await input.take(rest);
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

/** Bytes to be taken in given amounts, whatever chunks they come in. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  async more(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#chunk = next.value;
    }
    return true;
  }

  /** Exactly `size` bytes. */
  async take(size: number): Promise<Uint8Array> {
    const taken = new Uint8Array(size);
    let at = 0;
    for await (const part of this.stream(size)) {
      taken.set(part, at);
      at += part.length;
    }
    return taken;
  }

  /** The next `size` bytes in the chunks they came in. */
  async *stream(size: number): AsyncGenerator<Uint8Array, void, void> {
    let left = size;
    while (left > 0) {
      if (!await this.more()) throw new FrameError("unexpected end of file");
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
