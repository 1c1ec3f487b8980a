/** What decoding column chunks takes, told from the headers of their pages before it is taken. */
import { ValidationError } from "../../../core/errors.ts";
import type { FileInput } from "../../format.ts";
import { type Chunk, chunkPages } from "./chunk_pages.ts";
import type { Footer } from "./footer.ts";

/** The library holds a page about three times: as it is, decompressed, and as values. */
const MAX_BYTES = 1 << 26;

export class ChunkSizes {
  /** Bytes of the values of all chunks, each word of a dictionary counted as often as it may be there. */
  #values = 0;
  /** Bytes of the dictionaries and largest pages. */
  #pages = 0;

  constructor(private readonly file: string) {}

  /**
   * Looks at the pages of a chunk.
   *
   * @returns where the last one ends
   * @throws {ThriftError} when they are malformed, or a checksum is wrong
   * @throws {ValidationError} when decoding them takes too much memory
   */
  async inspect(
    chunk: Chunk,
    input: Pick<FileInput, "read">,
    footer: Pick<Footer, "start">,
  ): Promise<number> {
    let [dictionary, words, largest] = [0, 0, 0];
    const before = this.#pages;
    const pages = chunkPages(input, footer, chunk, ({ isDictionary, values, size }) => {
      if (isDictionary) [dictionary, words] = [size, values];
      else largest = Math.max(largest, size);
      this.#values += isDictionary ? 0 : Math.max(size, words && values / words * dictionary);
      this.#pages = before + dictionary + largest;
      if (this.#pages > MAX_BYTES) throw this.#tooLarge(chunk.name, "pages", this.#pages);
    });
    for (;;) {
      const { value, done } = await pages.next();
      if (done === true) return value;
    }
  }

  /**
   * Bytes of a row, about.
   *
   * @throws {ValidationError} when a few rows take too much memory
   */
  rowBytes(rows: number): number {
    const bytes = this.#values / rows;
    if (bytes <= MAX_BYTES) return bytes;
    throw this.#tooLarge(undefined, "rows", Math.ceil(bytes));
  }

  #tooLarge(column: string | undefined, what: string, bytes: number): ValidationError {
    const where = column === undefined ? "it has" : `column "${column}" has`;
    return new ValidationError(
      `Cannot read "${this.file}" as Parquet: ${where} ${what} that take ${bytes} bytes uncompressed at once, expected at most ${MAX_BYTES}: write the file again with smaller ${what}, or move fewer columns with \`only_declared_fields: true\``,
    );
  }
}
