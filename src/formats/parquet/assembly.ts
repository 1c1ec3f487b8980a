/** Many Parquet files of the same schema → one: their row groups behind each other, one footer. */
import {
  ColumnChunk,
  ColumnMetaData,
  FileMetaData,
  KeyValue,
  MAGIC,
  RowGroup,
} from "./metadata.ts";
import { closing } from "./part.ts";
import { decodeStruct, EncodedStruct, encodeStruct, I16, I64, ThriftStruct } from "./thrift.ts";

const TAIL = 8;
const MAX_ORDINAL = 32_767;

export class Assembly {
  #at = MAGIC.length;
  #rows = 0;
  #metadata: ThriftStruct | undefined;
  readonly #rowGroups: EncodedStruct[] = [];

  get isEmpty(): boolean {
    return this.#metadata === undefined;
  }

  /** Takes a file with `rows` rows; returns its bytes without what begins and ends it. */
  add(file: Uint8Array, rows: number): Uint8Array {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const footer = file.length - TAIL - view.getUint32(file.length - TAIL, true);
    const metadata = decodeStruct(file.subarray(footer, -TAIL));
    const written = metadata.number(FileMetaData.numRows);
    if (written !== rows) throw new Error(`the encoder took ${written} rows of ${rows}`);
    this.#metadata ??= metadata;
    for (const group of metadata.structs(FileMetaData.rowGroups)) this.#addRowGroup(group);
    this.#rows += rows;
    this.#at += footer - MAGIC.length;
    return file.subarray(MAGIC.length, footer);
  }

  #addRowGroup(group: ThriftStruct): void {
    const shift = this.#at - MAGIC.length;
    move(group, shift, RowGroup.fileOffset);
    if (this.#rowGroups.length > MAX_ORDINAL) group.fields.delete(RowGroup.ordinal);
    else if (group.number(RowGroup.ordinal) !== undefined) {
      group.set(RowGroup.ordinal, I16, this.#rowGroups.length);
    }
    for (const chunk of group.structs(RowGroup.columns)) {
      const { fileOffset, offsetIndexOffset, columnIndexOffset } = ColumnChunk;
      move(chunk, shift, fileOffset, offsetIndexOffset, columnIndexOffset);
      const { dataPageOffset, indexPageOffset, dictionaryPageOffset } = ColumnMetaData;
      const column = chunk.struct(ColumnChunk.metadata)!;
      move(column, shift, dataPageOffset, indexPageOffset, dictionaryPageOffset);
    }
    this.#rowGroups.push(new EncodedStruct(encodeStruct(group)));
  }

  /** What ends the file, with a text under a key of its own; only after a file was added. */
  end(key: string, text: string): Uint8Array[] {
    const { keyValues } = FileMetaData;
    const pair = new ThriftStruct().setText(KeyValue.key, key).setText(KeyValue.value, text);
    const metadata = this.#metadata!
      .setStructs(keyValues, [...this.#metadata!.structs(keyValues), pair])
      .set(FileMetaData.numRows, I64, this.#rows)
      .setStructs(FileMetaData.rowGroups, this.#rowGroups);
    return closing(metadata);
  }
}

/** Moves offsets; 0 is where none is. */
function move(struct: ThriftStruct, shift: number, ...ids: number[]): void {
  for (const id of ids) {
    const offset = struct.number(id);
    if (offset !== undefined && offset > 0) struct.set(id, I64, offset + shift);
  }
}
