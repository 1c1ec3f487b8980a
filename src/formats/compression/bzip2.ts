/** Decompresses bzip2 block by block, with one block in memory; yields between blocks. */
import { yieldToEventLoop } from "../../core/event_loop.ts";

export class Bzip2Error extends Error {}

/** Most bytes of a compressed block at level 1, and of a block's tables. */
const LEVEL_BYTES = 100_000;
const TABLE_BYTES = 25_000;
const FIRST_OUTPUT = 1_048_576;

/**
 * Decompresses a bzip2 file of one or several streams.
 *
 * @throws {Bzip2Error} when it is malformed or truncated
 */
export async function* decompressBzip2(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { default: library } = await import("unbzip2-stream");
  const input = new BitInput();
  let block = new Int32Array();
  const output = new BlockOutput();
  /** Block size of the current stream in units of 100,000 bytes; 0 between two streams. */
  let level = 0;
  /** Checksum of the current stream's blocks so far; null between two streams. */
  let checksum: number | null = null;
  const step = (): void => {
    try {
      if (level === 0) {
        level = library.header(input.bits);
        checksum = 0;
        return;
      }
      const size = LEVEL_BYTES * level;
      if (block.length !== size) block = new Int32Array(size);
      checksum = library.decompress(input.bits, output.put, block, size, checksum);
      if (checksum === null) level = 0;
    } catch (error) {
      throw error instanceof Bzip2Error ? error : new Bzip2Error((error as Error).message);
    }
  };
  for await (const chunk of bytes) {
    input.add(chunk);
    // A block is decompressed once all its bytes are buffered.
    while (input.left >= (level === 0 ? 4 : TABLE_BYTES + LEVEL_BYTES * level)) {
      step();
      yield* output.take();
      await yieldToEventLoop();
    }
  }
  if (input.isEmpty) throw new Bzip2Error("unexpected end of file");
  while (input.left > 0) {
    step();
    yield* output.take();
    await yieldToEventLoop();
  }
  if (checksum !== null) throw new Bzip2Error("unexpected end of file");
}

/** Reads bits from chunks, the highest bit of a byte first. */
class BitInput {
  /** Bytes of which no bit has been read yet. */
  left = 0;
  isEmpty = true;
  readonly #chunks: Uint8Array[] = [];
  #at = 0;
  #bit = 0;

  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.isEmpty = false;
    this.left += chunk.length;
    this.#chunks.push(chunk.slice());
  }

  /** Reads `count` bits as a number; null skips to the next whole byte. */
  readonly bits = (count: number | null): number => {
    let result = 0;
    if (count === null) {
      if (this.#bit !== 0) this.#endByte();
      return result;
    }
    for (let missing = count; missing > 0;) {
      if (this.#bit === 0 && --this.left < 0) throw new Bzip2Error("unexpected end of file");
      const room = 8 - this.#bit;
      const used = Math.min(room, missing);
      const byte = this.#chunks[0]![this.#at]!;
      result = (result << used) | ((byte >> (room - used)) & ((1 << used) - 1));
      this.#bit += used;
      missing -= used;
      if (this.#bit === 8) this.#endByte();
    }
    return result;
  };

  #endByte(): void {
    this.#bit = 0;
    this.#at++;
    if (this.#at < this.#chunks[0]!.length) return;
    this.#chunks.shift();
    this.#at = 0;
  }
}

/** Collects the output of one block, which may be far larger than the block. */
class BlockOutput {
  #bytes = new Uint8Array(FIRST_OUTPUT);
  #end = 0;

  readonly put = (byte: number): void => {
    if (this.#end === this.#bytes.length) {
      const grown = new Uint8Array(this.#end * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#end++] = byte;
  };

  *take(): Generator<Uint8Array> {
    const end = this.#end;
    this.#end = 0;
    if (end > 0) yield this.#bytes.slice(0, end);
    if (this.#bytes.length > 4 * FIRST_OUTPUT) this.#bytes = new Uint8Array(FIRST_OUTPUT);
  }
}
