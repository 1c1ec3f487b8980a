/** Bounds the bytes of pages in memory, before they are allocated. */
import { ValidationError } from "../../../core/errors.ts";
import type { ChunkPage } from "./chunk_pages.ts";

/** Most bytes of the pages and dictionaries that are read together, compressed and decompressed. */
const MAX_BYTES = 1 << 27;

/** Counts the bytes of the pages in memory, by column. */
export class PageBudget {
  /** Bytes of each column's dictionary and page. */
  readonly #columns = new Map<string, { dictionary: number; page: number }>();

  constructor(private readonly file: string, private readonly maxBytes = MAX_BYTES) {}

  /**
   * Counts a page, which replaces the column's page before it.
   *
   * @throws {ValidationError} when all pages together are too large
   */
  reserve(column: string, { isDictionary, size }: Pick<ChunkPage, "isDictionary" | "size">): void {
    const sizes = this.#columns.get(column) ?? { dictionary: 0, page: 0 };
    this.#columns.set(
      column,
      isDictionary ? { ...sizes, dictionary: size } : { ...sizes, page: size },
    );
    let sum = 0;
    for (const { dictionary, page } of this.#columns.values()) sum += dictionary + page;
    if (sum <= this.maxBytes) return;
    const kind = isDictionary ? "dictionary" : "page";
    throw new ValidationError(
      `Cannot read "${this.file}" as Parquet: column "${column}" has a ${kind} of ${size} bytes uncompressed, all pages read together have ${sum}, expected at most ${this.maxBytes}: write the file again with smaller pages, or move fewer columns with \`only_declared_fields: true\``,
    );
  }

  release(column: string): void {
    this.#columns.delete(column);
  }
}
