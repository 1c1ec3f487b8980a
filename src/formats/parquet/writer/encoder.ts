/** Batches → the bytes of a Parquet file, encoded synchronously in the caller's thread. */
import { schemaToIPC, storedSchema } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { Compression, FormatOptions } from "../../../models/format.ts";
import type { WriteRequest } from "../../format.ts";
import { selectCodec } from "../codec.ts";
import { type ColumnWriter, createColumnWriter } from "./column_writer.ts";
import { createSchemaElements } from "../elements.ts";
import {
  CREATED_BY,
  FIELDS_KEY,
  FileMetaData,
  KeyValue,
  MAGIC,
  MAX_ORDINAL,
  RowGroup,
} from "../thrift/metadata.ts";
import { encodeFooter } from "../reader/row_group_file.ts";
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

/** Rows of a row group, unless `row_group_rows` says otherwise. */
const ROW_GROUP_ROWS = 65_536;
/** Size before compression at which a row group ends, however few rows it has. */
const ROW_GROUP_BYTES = 32 * 1024 * 1024;
/** Metadata key under which Arrow readers look for the schema. */
const ARROW_KEY = "ARROW:schema";

/** Encodes one file after another: `add` for each batch, then `end`. */
export class ParquetEncoder {
  readonly #columns: ColumnWriter[];
  readonly #groupRows: number;
  #rowGroups: EncodedStruct[] = [];
  /** Bytes of the file yielded so far. */
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
    const codec = selectCodec(compression);
    this.#columns = fields.map((field) => createColumnWriter(field, codec));
    this.#groupRows = options.row_group_rows ?? ROW_GROUP_ROWS;
  }

  /**
   * Adds a batch; the caller may reuse its buffers afterwards.
   *
   * @returns bytes of the file, each chunk valid until the next is requested
   * @throws {ValueError} with the row in the file for a NULL in a field that is not nullable
   */
  *add(batch: Batch): Generator<Uint8Array, void, void> {
    for (let from = 0; from < batch.numRows;) {
      const count = this.#room(batch, from);
      if (count === 0) {
        this.#endPage();
      } else {
        this.#bytesOfPage += this.#countBytes(batch, from, count);
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

  /** Returns how many rows of a batch fit into the page. */
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
    while (count > 1 && this.#countBytes(batch, from, count) > left) count >>= 1;
    if (count !== 1 || this.#rowsOfPage === 0) return count;
    return this.#countBytes(batch, from, 1) > left ? 0 : 1;
  }

  #countBytes(batch: Batch, from: number, count: number): number {
    return this.#columns.reduce(
      (sum, column, i) => sum + column.countBytes(batch.data.children[i]!, from, count),
      0,
    );
  }

  /** Ends the page of every column at the same row, so that readers need not align them. */
  #endPage(): void {
    if (this.#rowsOfPage === 0) return;
    for (const column of this.#columns) this.#bytesOfGroup += column.endPage();
    this.#rowsOfPage = this.#bytesOfPage = 0;
  }

  *#endRowGroup(): Generator<Uint8Array, void, void> {
    if (this.#rowsOfGroup === 0) return;
    this.#endPage();
    if (this.#at === 0) yield this.#advance(MAGIC);
    const start = this.#at;
    let size = 0;
    const chunks: ThriftStruct[] = [];
    for (const column of this.#columns) {
      const chunk = column.endChunk();
      chunks.push(chunk.metadataAt(this.#at));
      size += chunk.uncompressedSize;
      yield this.#advance(chunk.bytes);
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

  #advance(bytes: Uint8Array): Uint8Array {
    this.#at += bytes.length;
    return bytes;
  }

  /**
   * Yields the end of the file, which has a schema even without rows. The next batch starts anew.
   */
  *end(): Generator<Uint8Array, void, void> {
    yield* this.#endRowGroup();
    if (this.#at === 0) yield this.#advance(MAGIC);
    const order = new ThriftStruct().setStruct(1, new ThriftStruct());
    yield* encodeFooter(
      new ThriftStruct()
        .set(FileMetaData.version, I32, 2)
        .setStructs(FileMetaData.schema, createSchemaElements(this.fields))
        .set(FileMetaData.numRows, I64, this.#rows)
        .setStructs(FileMetaData.rowGroups, this.#rowGroups)
        .setStructs(FileMetaData.keyValues, [
          keyValue(ARROW_KEY, encodeArrowSchema(this.fields)),
          keyValue(FIELDS_KEY, JSON.stringify(this.fields)),
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

function keyValue(key: string, text: string): ThriftStruct {
  return new ThriftStruct().setText(KeyValue.key, key).setText(KeyValue.value, text);
}

/** Bytes of the end-of-stream mark, which is not part of the schema message. */
const END_OF_STREAM = 8;

/**
 * Encodes the Arrow schema as readers expect it:
 * https://arrow.apache.org/docs/cpp/parquet.html#serialization-details
 */
function encodeArrowSchema(fields: readonly Field[]): string {
  return schemaToIPC(storedSchema(fields)).subarray(0, -END_OF_STREAM).toBase64();
}

/** Encoders that have finished a file, to be reused for the next file of the same request. */
const idle = new WeakMap<WriteRequest, ParquetEncoder>();

/**
 * Encodes batches as a Parquet file.
 *
 * @throws {ConfigurationError} for a compression that Parquet does not support
 * @throws {ValueError} for a NULL in a field that is not nullable
 */
export async function* writeParquet(
  batches: AsyncIterable<Batch>,
  request: WriteRequest,
): AsyncGenerator<Uint8Array, void, void> {
  const encoder = idle.get(request) ?? new ParquetEncoder(request.fields, request);
  idle.delete(request);
  const own = (bytes: Uint8Array) => request.recycle === true ? bytes : bytes.slice();
  for await (const batch of batches) {
    for (const bytes of encoder.add(batch)) yield own(bytes);
  }
  for (const bytes of encoder.end()) yield own(bytes);
  idle.set(request, encoder);
}
