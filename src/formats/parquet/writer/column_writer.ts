/** Writes one column of the current row group as consecutive pages. */
import { type Data, isNull } from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import { copyBits, listSetRows, setBits } from "../bits.ts";
import { BoolValues } from "./bool_values.ts";
import { BytesValues } from "./bytes_values.ts";
import { ChunkWriter, type WrittenChunk } from "./chunk_writer.ts";
import type { Codec } from "../codec.ts";
import { writeVarint } from "./delta.ts";
import { listElement, physicalLayout } from "../elements.ts";
import { createFixedValues } from "./fixed_values.ts";
import { ListWriter } from "./list_writer.ts";
import { PhysicalType } from "../thrift/metadata.ts";
import { PAGE_ROWS, type PageValues } from "./page_values.ts";

/** Scratch memory of all columns; holds nothing between calls. */
const rowNumbers = new Int32Array(PAGE_ROWS);

/** The encoder adds rows to a column, ends pages, and ends the chunk. */
export interface ColumnWriter {
  /** Returns how many of `rows` rows from `from` fit into the page. */
  room(data: Data, from: number, rows: number): number;
  countBytes(data: Data, from: number, rows: number): number;
  /**
   * Adds rows that fit into the page.
   *
   * @throws {ValueError} for a NULL in a field that is not nullable
   */
  add(data: Data, from: number, count: number): void;
  /** Ends the page; returns its size before compression. */
  endPage(): number;
  /** Ends the column chunk; the caller has ended its last page. */
  endChunk(): WrittenChunk;
}

export function createColumnWriter(field: Field, codec: Codec): ColumnWriter {
  const element = listElement(field);
  return element === undefined
    ? new ScalarWriter(field, codec)
    : new ListWriter(field, element, codec);
}

class ScalarWriter implements ColumnWriter {
  readonly #values: PageValues;
  readonly #chunk: ChunkWriter;
  readonly #valid = new Uint8Array(PAGE_ROWS >> 3);
  #pageRows = 0;
  #pageNulls = 0;

  constructor(private readonly field: Field, codec: Codec) {
    const { type } = physicalLayout(field);
    this.#values = createValues(field, type);
    this.#chunk = new ChunkWriter(field, type, codec);
  }

  room(data: Data, from: number, rows: number): number {
    return this.#values.room(data, from, rows);
  }

  countBytes(data: Data, from: number, rows: number): number {
    return this.#values.countBytes(data, from, rows);
  }

  add(data: Data, from: number, count: number): void {
    if (data.nullCount === 0) {
      if (this.field.nullable) setBits(this.#valid, this.#pageRows, count);
      this.#values.addRun(data, from, count);
    } else {
      if (!this.field.nullable) refuseNull(data, from, count, this.field);
      const start = data.offset + from;
      copyBits(data.nullBitmap, start, this.#valid, this.#pageRows, count);
      const present = listSetRows(data.nullBitmap, start, count, rowNumbers, from);
      if (present === count) this.#values.addRun(data, from, count);
      else this.#values.addRows(data, rowNumbers, present);
      this.#pageNulls += count - present;
    }
    this.#pageRows += count;
  }

  endPage(): number {
    const definition = this.field.nullable ? this.#encodeLevels() : NO_BYTES;
    const bytes = this.#values.take();
    const size = this.#chunk.addPage({
      rows: this.#pageRows,
      values: this.#pageRows,
      nulls: this.#pageNulls,
      encoding: this.#values.encoding,
      repetition: NO_BYTES,
      definition,
      bytes,
    });
    this.#pageRows = this.#pageNulls = 0;
    return size;
  }

  /** Encodes definition levels: a run of one level, or the bitmap of the rows that are not NULL. */
  #encodeLevels(): Uint8Array {
    const head = new Uint8Array(6);
    if (this.#pageNulls === 0 || this.#pageNulls === this.#pageRows) {
      const at = writeVarint(head, 0, this.#pageRows << 1);
      head[at] = this.#pageNulls === 0 ? 1 : 0;
      return head.subarray(0, at + 1);
    }
    const bytes = (this.#pageRows + 7) >> 3;
    if ((this.#pageRows & 7) !== 0) this.#valid[bytes - 1]! &= (1 << (this.#pageRows & 7)) - 1;
    const at = writeVarint(head, 0, bytes << 1 | 1);
    const levels = new Uint8Array(at + bytes);
    levels.set(head.subarray(0, at));
    levels.set(this.#valid.subarray(0, bytes), at);
    return levels;
  }

  endChunk(): WrittenChunk {
    return this.#chunk.end(this.#values.takeExtremes());
  }
}

const NO_BYTES = new Uint8Array();

function createValues(field: Field, type: number): PageValues {
  if (type === PhysicalType.BOOLEAN) return new BoolValues();
  if (type === PhysicalType.BYTE_ARRAY) return new BytesValues(field.dtype !== "binary");
  return createFixedValues(field);
}

function refuseNull(data: Data, from: number, count: number, { name }: Field): void {
  for (let row = from; row < from + count; row++) {
    if (!isNull(data, row)) continue;
    throw new ValueError("expected a value, the field is not nullable", name, row + 1, null);
  }
}
