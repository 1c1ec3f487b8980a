/**
 * Reads a text or bytes column of any writer value by value, since pages may be large, and a few
 * bytes of a file may expand to much text.
 * Encodings: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import { isAscii } from "node:buffer";
import { BytesColumn, createColumn, type Data } from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { FileInput } from "../../format.ts";
import { type Chunk, type ChunkPage, decompressPage, readPages } from "./chunk_pages.ts";
import { decodeLengths } from "../writer/delta_lengths.ts";
import type { Footer } from "./footer.ts";
import { Encoding } from "../thrift/metadata.ts";
import type { PageBudget } from "./page_budget.ts";
import { findInvalidText, type Page, slicePage } from "./page.ts";
import { LegacyLevels, NumberStream, RunReader } from "./run_reader.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** The values of a page, without NULLs. */
interface Values {
  /** Appends the next value. */
  push(column: BytesColumn): void;
  /** Whether the page has bytes of further values. */
  hasMore?(): boolean;
}

/** A page that is being read, value by value. */
interface OpenPage {
  left: number;
  /** Definition levels; undefined when no value may be NULL. */
  readonly levels: NumberStream | undefined;
  readonly values: Values;
}

/** The words of a dictionary: their bytes, and the start and end of each word. */
interface Dictionary {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** A text or bytes column of a row group. The caller alternates `fill` and `take`, then closes. */
export class TextColumn {
  readonly #pages: AsyncGenerator<ChunkPage, number, void>;
  readonly #column: BytesColumn;
  #dictionary: Dictionary | undefined;
  #page: OpenPage | undefined;
  /** Rows that are decoded but not taken yet. */
  #pending: Page | undefined;
  #taken = 0;
  /** Number of rows in the file before the pending ones. */
  #row: number;

  constructor(
    input: FileInput,
    footer: Footer,
    private readonly chunk: Chunk,
    private readonly field: Field,
    private readonly budget: PageBudget,
    rowsBefore: number,
  ) {
    this.#column = createColumn(field) as BytesColumn;
    this.#row = rowsBefore;
    this.#pages = readPages(input, footer, chunk, (page) => budget.reserve(chunk.name, page));
  }

  /**
   * Decodes rows up to a number of rows or bytes.
   *
   * @returns the number of rows ready to take; at least one
   */
  async fill(rows: number, bytes: number): Promise<number> {
    const pending = this.#pending === undefined ? 0 : this.#pending.rows - this.#taken;
    if (pending > 0) return Math.min(rows, pending);
    const column = this.#column;
    while (column.length < rows && column.byteLength < bytes) {
      while (this.#page === undefined || this.#page.left === 0) await this.#openNextPage();
      this.#readValues(this.#page, rows, bytes);
    }
    this.#row += this.#taken;
    this.#taken = 0;
    this.#pending = this.#checkText(column.take());
    return this.#pending.rows;
  }

  /** Returns rows that were decoded. */
  take(rows: number): Data {
    const from = this.#taken;
    this.#taken += rows;
    return slicePage(this.#pending!, from, this.#taken);
  }

  /** @throws {ThriftError} when the column has more rows than were taken */
  async close(): Promise<void> {
    const isMore = (this.#page?.left ?? 0) > 0 ||
      (this.#pending !== undefined && this.#taken < this.#pending.rows);
    if (isMore || !(await this.#pages.next()).done) {
      throw this.#error("more rows than its row group declares");
    }
    this.budget.release(this.chunk.name);
  }

  #readValues(page: OpenPage, rows: number, bytes: number): void {
    const column = this.#column;
    const { levels, values } = page;
    try {
      while (page.left > 0 && column.length < rows && column.byteLength < bytes) {
        page.left--;
        if (levels !== undefined && levels.next() === 0) column.pushNull();
        else values.push(column);
      }
      if (page.left === 0 && values.hasMore?.() === true) {
        throw new ThriftError("a page with more values than it declares");
      }
    } catch (error) {
      throw error instanceof ThriftError ? this.#error(error.message) : error;
    }
  }

  async #openNextPage(): Promise<void> {
    this.#page = undefined;
    const { value: page, done } = await this.#pages.next();
    if (done === true) throw this.#error("fewer rows than its row group declares");
    try {
      const bytes = decompressPage(page, this.chunk);
      if (page.isDictionary) this.#dictionary = readDictionary(bytes, page.values);
      else this.#page = this.#openPage(page, bytes);
    } catch (error) {
      throw error instanceof ThriftError ? this.#error(error.message) : error;
    }
  }

  #openPage(page: ChunkPage, bytes: Uint8Array): OpenPage {
    const { values: left, definitionSize, encoding } = page;
    let start = 0;
    let levels: NumberStream | undefined;
    if (definitionSize !== undefined) {
      if (this.field.nullable) {
        levels = new NumberStream(new RunReader(page.bytes.subarray(0, definitionSize), 1), left);
      }
    } else if (this.field.nullable) {
      const size = page.levels === Encoding.BIT_PACKED ? (left + 7) >>> 3 : 4 + uint32(bytes, 0);
      if (size > bytes.length) throw new ThriftError("a page with invalid levels");
      const reader = page.levels === Encoding.BIT_PACKED
        ? new LegacyLevels(bytes.subarray(0, size))
        : new RunReader(bytes.subarray(4, size), 1);
      levels = new NumberStream(reader, left);
      start = size;
    }
    return {
      left,
      levels,
      values: openValues(encoding, bytes.subarray(start), left, this.#dictionary),
    };
  }

  #checkText(data: Data): Page {
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

function openValues(
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
      return deltaLengthValues(bytes, lengths, end);
    }
    case Encoding.DELTA_BYTE_ARRAY:
      return deltaValues(bytes, rows);
    default:
      throw new ThriftError(`an encoding that is not for text, number ${encoding}`);
  }
}

function plainValues(bytes: Uint8Array): Values {
  let at = 0;
  return {
    push(column) {
      const start = at + 4;
      const end = start + uint32(bytes, at);
      if (end > bytes.length) throw boundsError();
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
  // A page of NULLs alone may lack the width.
  const indices = new NumberStream(new RunReader(bytes.subarray(1), bytes[0] ?? 0), rows);
  return {
    push(column) {
      const index = indices.next();
      if (index < 0 || index >= starts.length) {
        throw new ThriftError(
          `an index outside its dictionary, ${index >>> 0} of ${starts.length}`,
        );
      }
      column.pushBytes(words, starts[index], ends[index]);
    },
  };
}

function deltaLengthValues(bytes: Uint8Array, lengths: Int32Array, start: number): Values {
  let at = start;
  let i = 0;
  return {
    push(column) {
      if (i === lengths.length) throw boundsError();
      const end = at + lengths[i++]!;
      if (end > bytes.length) throw boundsError();
      column.pushBytes(bytes, at, end);
      at = end;
    },
    hasMore: () => i < lengths.length,
  };
}

/** Reads values that share a prefix with the value before. */
function deltaValues(bytes: Uint8Array, rows: number): Values {
  const { lengths: prefixes, end: middle } = decodeLengths(bytes, 0, rows);
  const { lengths: suffixes, end: start } = decodeLengths(bytes, middle, rows);
  if (prefixes.length !== suffixes.length) throw boundsError();
  let [at, i, length] = [start, 0, 0];
  let value = new Uint8Array(1024);
  return {
    push(column) {
      if (i === prefixes.length) throw boundsError();
      const prefix = prefixes[i]!;
      const end = at + suffixes[i++]!;
      if (prefix > length || end > bytes.length) throw boundsError();
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

function readDictionary(bytes: Uint8Array, count: number): Dictionary {
  if (count > bytes.length / 4) throw new ThriftError("a dictionary with a wrong size");
  const [starts, ends] = [new Int32Array(count), new Int32Array(count)];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const start = at + 4;
    at = start + uint32(bytes, at);
    if (at > bytes.length) throw new ThriftError("a dictionary with a wrong size");
    starts[i] = start;
    ends[i] = at;
  }
  return { bytes, starts, ends };
}

function uint32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw boundsError();
  return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0;
}

function boundsError(): ThriftError {
  return new ThriftError("values outside its page");
}
