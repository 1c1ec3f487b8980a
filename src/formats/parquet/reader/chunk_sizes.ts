/** Estimates from page headers, before allocation, the memory that decoding chunks takes. */
import { ValidationError } from "../../../core/errors.ts";
import type { FileInput } from "../../format.ts";
import { type Chunk, readPages } from "./chunk_pages.ts";
import type { Footer } from "./footer.ts";

/** The library holds a page about three times: compressed, decompressed, and as values. */
const MAX_BYTES = 1 << 26;

/** Sums the sizes of chunks that are decoded together. */
export class ChunkSizes {
  /** Bytes of all values, with each dictionary word counted once for each value that may use it. */
  #values = 0;
  /** Bytes of the dictionaries and of each chunk's largest page. */
  #pages = 0;

  constructor(private readonly file: string) {}

  /**
   * Reads and measures the pages of a chunk.
   *
   * @returns the end of the last page
   * @throws {ThriftError} when a page is malformed or fails its checksum
   * @throws {ValidationError} when decoding the pages takes too much memory
   */
  async inspect(
    chunk: Chunk,
    input: Pick<FileInput, "read">,
    footer: Pick<Footer, "start">,
  ): Promise<number> {
    let [dictionary, words, largest] = [0, 0, 0];
    const before = this.#pages;
    const pages = readPages(input, footer, chunk, ({ isDictionary, values, size }) => {
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
   * Estimates the bytes of one row.
   *
   * @throws {ValidationError} when a row takes too much memory
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
