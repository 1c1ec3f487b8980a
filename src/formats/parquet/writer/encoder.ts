/** Batches → the bytes of a file, without waiting for anything: for one thread that does it all. */
import { arrowSchema, schemaToIPC } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { Compression, FormatOptions } from "../../../models/format.ts";
import { codecFor } from "../codec.ts";
import { ColumnWriter } from "./column_writer.ts";
import { elementsOf } from "../elements.ts";
import {
  CREATED_BY,
  FIELDS_KEY,
  FileMetaData,
  KeyValue,
  MAGIC,
  MAX_ORDINAL,
  RowGroup,
} from "../thrift/metadata.ts";
import { footerParts } from "../reader/row_group_file.ts";
import {
  EncodedStruct,
  encodeStruct,
  I16,
  I32,
  I64,
  LIST,
  STRUCT,
  ThriftStruct,
} from "../thrift/thrift.ts";
import { PAGE_ROWS, PAGES_BYTES } from "./page_values.ts";

const ROW_GROUP_ROWS = 65_536;
/** A row group is closed at this size before compression, however few rows it has. */
const ROW_GROUP_BYTES = 32 * 1024 * 1024;
/** Key under which readers of Arrow look for its schema. */
const ARROW_KEY = "ARROW:schema";

export class ParquetEncoder {
  readonly #columns: ColumnWriter[];
  readonly #groupRows: number;
  #rowGroups: EncodedStruct[] = [];
  #at = 0;
  #rows = 0;
  #rowsOfGroup = 0;
  #rowsOfPage = 0;
  #bytesOfPage = 0;
  #bytesOfGroup = 0;

  /** @throws {ConfigurationError} for a compression that Parquet does not have */
  constructor(
    private readonly fields: readonly Field[],
    { compression, options }: {
      readonly compression: Compression;
      readonly options: FormatOptions;
    },
  ) {
    const codec = codecFor(compression);
    this.#columns = fields.map((field) => new ColumnWriter(field, codec));
    this.#groupRows = options.row_group_rows ?? ROW_GROUP_ROWS;
  }

  /**
   * Takes a batch, whose buffers may be used for something else afterwards.
   *
   * @returns bytes of the file, each valid until the next is asked for
   * @throws {ValueError} for a NULL in a field that is not nullable, with its row in the file
   */
  *add(batch: Batch): Generator<Uint8Array, void, void> {
    for (let from = 0; from < batch.numRows;) {
      const count = this.#room(batch, from);
      if (count === 0) {
        this.#endPage();
      } else {
        this.#bytesOfPage += this.#sizeOf(batch, from, count);
        this.#addRows(batch, from, count);
        from += count;
        this.#rowsOfPage += count;
        this.#rowsOfGroup += count;
        if (this.#rowsOfPage === PAGE_ROWS) this.#endPage();
      }
      if (this.#rowsOfGroup < this.#groupRows && this.#bytesOfGroup < ROW_GROUP_BYTES) continue;
      yield* this.#endRowGroup();
    }
  }

  #addRows(batch: Batch, from: number, count: number): void {
    try {
      this.#columns.forEach((column, i) => column.add(batch.data.children[i]!, from, count));
    } catch (error) {
      const before = this.#rows + this.#rowsOfGroup - from;
      throw error instanceof ValueError ? error.atRow(before + error.row!) : error;
    }
  }

  /** How many rows of a batch still fit into the page. */
  #room(batch: Batch, from: number): number {
    let count = Math.min(
      batch.numRows - from,
      PAGE_ROWS - this.#rowsOfPage,
      this.#groupRows - this.#rowsOfGroup,
    );
    for (let i = 0; i < this.#columns.length && count > 0; i++) {
      count = this.#columns[i]!.room(batch.data.children[i]!, from, count);
    }
    const left = PAGES_BYTES - this.#bytesOfPage;
    while (count > 1 && this.#sizeOf(batch, from, count) > left) count >>= 1;
    if (count !== 1 || this.#rowsOfPage === 0) return count;
    return this.#sizeOf(batch, from, 1) > left ? 0 : 1;
  }

  #sizeOf(batch: Batch, from: number, count: number): number {
    return this.#columns.reduce(
      (sum, column, i) => sum + column.sizeOf(batch.data.children[i]!, from, count),
      0,
    );
  }

  /** All columns' pages end together, so that a reader need not put them together. */
  #endPage(): void {
    if (this.#rowsOfPage === 0) return;
    for (const column of this.#columns) this.#bytesOfGroup += column.endPage();
    this.#rowsOfPage = this.#bytesOfPage = 0;
  }

  *#endRowGroup(): Generator<Uint8Array, void, void> {
    if (this.#rowsOfGroup === 0) return;
    this.#endPage();
    if (this.#at === 0) yield this.#moved(MAGIC);
    const start = this.#at;
    let size = 0;
    const chunks: ThriftStruct[] = [];
    for (const column of this.#columns) {
      const chunk = column.endChunk();
      chunks.push(chunk.metadataAt(this.#at));
      size += chunk.uncompressedSize;
      yield this.#moved(chunk.bytes);
    }
    const group = new ThriftStruct()
      .setStructs(RowGroup.columns, chunks)
      .set(RowGroup.totalByteSize, I64, size)
      .set(RowGroup.numRows, I64, this.#rowsOfGroup)
      .set(RowGroup.fileOffset, I64, start)
      .set(RowGroup.totalCompressedSize, I64, this.#at - start);
    const ordinal = this.#rowGroups.length;
    if (ordinal <= MAX_ORDINAL) group.set(RowGroup.ordinal, I16, ordinal);
    this.#rowGroups.push(new EncodedStruct(encodeStruct(group)));
    this.#rows += this.#rowsOfGroup;
    this.#rowsOfGroup = this.#bytesOfGroup = 0;
  }

  #moved(bytes: Uint8Array): Uint8Array {
    this.#at += bytes.length;
    return bytes;
  }

  /** What ends the file; a file without rows has a schema, too. The next batch begins another one. */
  *end(): Generator<Uint8Array, void, void> {
    yield* this.#endRowGroup();
    if (this.#at === 0) yield this.#moved(MAGIC);
    const order = new ThriftStruct().setStruct(1, new ThriftStruct());
    yield* footerParts(
      new ThriftStruct()
        .set(FileMetaData.version, I32, 2)
        .setStructs(FileMetaData.schema, elementsOf(this.fields))
        .set(FileMetaData.numRows, I64, this.#rows)
        .setStructs(FileMetaData.rowGroups, this.#rowGroups)
        .setStructs(FileMetaData.keyValues, [
          pair(ARROW_KEY, arrowText(this.fields)),
          pair(FIELDS_KEY, JSON.stringify(this.fields)),
        ])
        .setText(FileMetaData.createdBy, CREATED_BY)
        .set(FileMetaData.columnOrders, LIST, {
          element: STRUCT,
          items: this.fields.map(() => order),
        }),
    );
    this.#rowGroups = [];
    this.#at = this.#rows = 0;
  }
}

function pair(key: string, text: string): ThriftStruct {
  return new ThriftStruct().setText(KeyValue.key, key).setText(KeyValue.value, text);
}

/** Marks the end of a stream of messages, which is not the schema's. */
const END_OF_STREAM = 8;

/** https://arrow.apache.org/docs/cpp/parquet.html#serialization-details */
function arrowText(fields: readonly Field[]): string {
  return schemaToIPC(arrowSchema(fields)).subarray(0, -END_OF_STREAM).toBase64();
}
