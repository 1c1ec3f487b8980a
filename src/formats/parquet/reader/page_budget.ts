/** Bytes of pages that are in memory at once, bounded before they are taken. */
import { ValidationError } from "../../../core/errors.ts";
import type { ChunkPage } from "./chunk_pages.ts";

/** Pages and dictionaries of all columns that are read at once, compressed and not. */
const MAX_BYTES = 1 << 27;

export class PageBudget {
  /** Bytes of each column's dictionary and page. */
  readonly #columns = new Map<string, { dictionary: number; page: number }>();

  constructor(private readonly file: string, private readonly most = MAX_BYTES) {}

  /**
   * Counts a page that takes the place of the one before it.
   *
   * @throws {ValidationError} when all of them are too large
   */
  reserve(column: string, { isDictionary, size }: Pick<ChunkPage, "isDictionary" | "size">): void {
    const held = this.#columns.get(column) ?? { dictionary: 0, page: 0 };
    this.#columns.set(
      column,
      isDictionary ? { ...held, dictionary: size } : { ...held, page: size },
    );
    let sum = 0;
    for (const { dictionary, page } of this.#columns.values()) sum += dictionary + page;
    if (sum <= this.most) return;
    const kind = isDictionary ? "dictionary" : "page";
    throw new ValidationError(
      `Cannot read "${this.file}" as Parquet: column "${column}" has a ${kind} of ${size} bytes uncompressed, all that are read at once have ${sum}, expected at most ${this.most}: write the file again with smaller pages, or move fewer columns with \`only_declared_fields: true\``,
    );
  }

  release(column: string): void {
    this.#columns.delete(column);
  }
}
