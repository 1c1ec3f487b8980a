/**
 * A column of text or bytes of any writer, read value by value: its pages may be large, and few bytes of
 * a file may hold many of it.
 * Encodings: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import { isAscii } from "node:buffer";
import { BytesColumn, columnFor, type Data } from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { FileInput } from "../../format.ts";
import { type Chunk, type ChunkPage, chunkPages, decompressPage } from "./chunk_pages.ts";
import { decodeLengths } from "../writer/delta_lengths.ts";
import type { Footer } from "./footer.ts";
import { Encoding } from "../thrift/metadata.ts";
import type { PageBudget } from "./page_budget.ts";
import { findInvalidText, type Page, slicePage } from "./page.ts";
import { Numbers, OldLevels, RunReader } from "./run_reader.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** The values of a page that are not NULL. */
interface Values {
  /** Appends the next one. */
  push(column: BytesColumn): void;
  /** Whether the page has bytes of more of them. */
  hasMore?(): boolean;
}

/** A page whose values are read one after the other. */
interface OpenPage {
  left: number;
  /** Undefined where none may be NULL. */
  readonly levels: Numbers | undefined;
  readonly values: Values;
}

/** The words of a dictionary: their bytes, and where each begins and ends. */
interface Dictionary {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export class TextColumn {
  readonly #pages: AsyncGenerator<ChunkPage, number, void>;
  readonly #column: BytesColumn;
  #dictionary: Dictionary | undefined;
  #page: OpenPage | undefined;
  /** Rows that are decoded and not taken. */
  #pending: Page | undefined;
  #taken = 0;
  /** Rows of the file before those that are pending. */
  #row: number;

  constructor(
    input: FileInput,
    footer: Footer,
    private readonly chunk: Chunk,
    private readonly field: Field,
    private readonly budget: PageBudget,
    rowsBefore: number,
  ) {
    this.#column = columnFor(field) as BytesColumn;
    this.#row = rowsBefore;
    this.#pages = chunkPages(input, footer, chunk, (page) => budget.reserve(chunk.name, page));
  }

  /**
   * Decodes rows until there are so many, or so many bytes of them.
   *
   * @returns how many there are to take; at least one
   */
  async fill(rows: number, bytes: number): Promise<number> {
    const pending = this.#pending === undefined ? 0 : this.#pending.rows - this.#taken;
    if (pending > 0) return Math.min(rows, pending);
    const column = this.#column;
    while (column.length < rows && column.byteLength < bytes) {
      while (this.#page === undefined || this.#page.left === 0) await this.#next();
      this.#read(this.#page, rows, bytes);
    }
    this.#row += this.#taken;
    this.#taken = 0;
    this.#pending = this.#checked(column.take());
    return this.#pending.rows;
  }

  /** Takes rows that were decoded. */
  take(rows: number): Data {
    const from = this.#taken;
    this.#taken += rows;
    return slicePage(this.#pending!, from, this.#taken);
  }

  /** @throws {ThriftError} when there are more rows than were taken */
  async close(): Promise<void> {
    const isMore = (this.#page?.left ?? 0) > 0 ||
      (this.#pending !== undefined && this.#taken < this.#pending.rows);
    if (isMore || !(await this.#pages.next()).done) throw this.#error("more rows than it says");
    this.budget.release(this.chunk.name);
  }

  #read(page: OpenPage, rows: number, bytes: number): void {
    const column = this.#column;
    const { levels, values } = page;
    try {
      while (page.left > 0 && column.length < rows && column.byteLength < bytes) {
        page.left--;
        if (levels !== undefined && levels.next() === 0) column.pushNull();
        else values.push(column);
      }
      if (page.left === 0 && values.hasMore?.() === true) {
        throw new ThriftError("a page with more values than it says");
      }
    } catch (error) {
      throw error instanceof ThriftError ? this.#error(error.message) : error;
    }
  }

  async #next(): Promise<void> {
    this.#page = undefined;
    const { value: page, done } = await this.#pages.next();
    if (done === true) throw this.#error("fewer rows than it says");
    try {
      const bytes = decompressPage(page, this.chunk);
      if (page.isDictionary) this.#dictionary = dictionaryOf(bytes, page.values);
      else this.#page = this.#open(page, bytes);
    } catch (error) {
      throw error instanceof ThriftError ? this.#error(error.message) : error;
    }
  }

  #open(page: ChunkPage, bytes: Uint8Array): OpenPage {
    const { values: left, definitionSize, encoding } = page;
    let start = 0;
    let levels: Numbers | undefined;
    if (definitionSize !== undefined) {
      if (this.field.nullable) {
        levels = new Numbers(new RunReader(page.bytes.subarray(0, definitionSize), 1), left);
      }
    } else if (this.field.nullable) {
      const size = page.levels === Encoding.BIT_PACKED ? (left + 7) >>> 3 : 4 + uint32(bytes, 0);
      if (size > bytes.length) throw new ThriftError("a page with other levels");
      const reader = page.levels === Encoding.BIT_PACKED
        ? new OldLevels(bytes.subarray(0, size))
        : new RunReader(bytes.subarray(4, size), 1);
      levels = new Numbers(reader, left);
      start = size;
    }
    return {
      left,
      levels,
      values: valuesOf(encoding, bytes.subarray(start), left, this.#dictionary),
    };
  }

  #checked(data: Data): Page {
    const { length: rows, nullCount: nulls } = data;
    const offsets = data.valueOffsets as Int32Array;
    const values = data.values as Uint8Array;
    if (this.field.dtype !== "binary" && !isAscii(values)) {
      const row = findInvalidText(values, offsets);
      if (row !== undefined) {
        const value = values.slice(offsets[row], offsets[row + 1]);
        throw new ValueError("expected text in UTF-8", this.field.name, this.#row + row + 1, value);
      }
    }
    const bits = nulls === 0 ? undefined : data.nullBitmap;
    return { field: this.field, rows, nulls, bits, values, offsets, stride: 0 };
  }

  #error(detail: string): ThriftError {
    const { name } = this.chunk;
    return new ThriftError(
      detail.startsWith("column ") ? detail : `column "${name}" has ${detail}`,
    );
  }
}

function valuesOf(
  encoding: number,
  bytes: Uint8Array,
  rows: number,
  dictionary: Dictionary | undefined,
): Values {
  switch (encoding) {
    case Encoding.PLAIN:
      return plainValues(bytes);
    case Encoding.PLAIN_DICTIONARY:
    case Encoding.RLE_DICTIONARY: {
      if (dictionary === undefined) throw new ThriftError("no dictionary");
      return dictionaryValues(bytes, rows, dictionary);
    }
    case Encoding.DELTA_LENGTH_BYTE_ARRAY: {
      const { lengths, end } = decodeLengths(bytes, 0, rows);
      return lengthsValues(bytes, lengths, end);
    }
    case Encoding.DELTA_BYTE_ARRAY:
      return prefixedValues(bytes, rows);
    default:
      throw new ThriftError(`text in an encoding for other types, its number is ${encoding}`);
  }
}

function plainValues(bytes: Uint8Array): Values {
  let at = 0;
  return {
    push(column) {
      const start = at + 4;
      const end = start + uint32(bytes, at);
      if (end > bytes.length) throw beyond();
      column.pushBytes(bytes, start, end);
      at = end;
    },
    hasMore: () => at < bytes.length,
  };
}

function dictionaryValues(
  bytes: Uint8Array,
  rows: number,
  { bytes: words, starts, ends }: Dictionary,
): Values {
  // Where all are NULL there may be no width either.
  const indices = new Numbers(new RunReader(bytes.subarray(1), bytes[0] ?? 0), rows);
  return {
    push(column) {
      const index = indices.next();
      if (index < 0 || index >= starts.length) {
        throw new ThriftError(`an index beyond its dictionary, ${index >>> 0} of ${starts.length}`);
      }
      column.pushBytes(words, starts[index], ends[index]);
    },
  };
}

function lengthsValues(bytes: Uint8Array, lengths: Int32Array, start: number): Values {
  let at = start;
  let i = 0;
  return {
    push(column) {
      if (i === lengths.length) throw beyond();
      const end = at + lengths[i++]!;
      if (end > bytes.length) throw beyond();
      column.pushBytes(bytes, at, end);
      at = end;
    },
    hasMore: () => i < lengths.length,
  };
}

/** Values that begin as the one before does. */
function prefixedValues(bytes: Uint8Array, rows: number): Values {
  const { lengths: prefixes, end: middle } = decodeLengths(bytes, 0, rows);
  const { lengths: suffixes, end: start } = decodeLengths(bytes, middle, rows);
  if (prefixes.length !== suffixes.length) throw beyond();
  let [at, i, length] = [start, 0, 0];
  let value = new Uint8Array(1024);
  return {
    push(column) {
      if (i === prefixes.length) throw beyond();
      const prefix = prefixes[i]!;
      const end = at + suffixes[i++]!;
      if (prefix > length || end > bytes.length) throw beyond();
      length = prefix + end - at;
      if (length > value.length) {
        const grown = new Uint8Array(length * 2);
        grown.set(value.subarray(0, prefix));
        value = grown;
      }
      value.set(bytes.subarray(at, end), prefix);
      column.pushBytes(value, 0, length);
      at = end;
    },
    hasMore: () => i < prefixes.length,
  };
}

function dictionaryOf(bytes: Uint8Array, count: number): Dictionary {
  if (count > bytes.length / 4) throw new ThriftError("a dictionary of another size");
  const [starts, ends] = [new Int32Array(count), new Int32Array(count)];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const start = at + 4;
    at = start + uint32(bytes, at);
    if (at > bytes.length) throw new ThriftError("a dictionary of another size");
    starts[i] = start;
    ends[i] = at;
  }
  return { bytes, starts, ends };
}

function uint32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw beyond();
  return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0;
}

function beyond(): ThriftError {
  return new ThriftError("values beyond its page");
}
