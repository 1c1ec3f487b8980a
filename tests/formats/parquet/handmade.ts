/** Files of one column made page by page, with what no writer of today has, or nobody should write. */
import { crc32 } from "node:zlib";
import { concat } from "../../../src/core/values/bytes.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  DATA_PAGE,
  DATA_PAGE_V2,
  DataPageHeader,
  DataPageHeaderV2,
  DICTIONARY_PAGE,
  DictionaryPageHeader,
  Encoding,
  FileMetaData,
  MAGIC,
  PageHeader,
  PhysicalType,
  Repetition,
  RowGroup,
  SchemaElement,
} from "../../../src/formats/parquet/thrift/metadata.ts";
import { encodeFooter } from "../../../src/formats/parquet/reader/row_group_file.ts";
import {
  BINARY,
  encodeStruct,
  I32,
  I64,
  LIST,
  ThriftStruct,
} from "../../../src/formats/parquet/thrift/thrift.ts";

export interface HandmadePage {
  /** A data page of the first version when unset. */
  readonly kind?: "dictionary" | "second";
  readonly values: number;
  readonly encoding: number;
  /** The page's bytes; levels of the first version are in front. */
  readonly bytes: Uint8Array;
  /** Levels of the second version. */
  readonly definition?: Uint8Array;
  readonly definitionEncoding?: number;
  /** Size that the header says the page has before compression. */
  readonly size?: number;
  readonly crc?: number;
}

export interface HandmadeFile {
  readonly rows: number;
  readonly pages: readonly HandmadePage[];
  readonly type?: number;
  readonly optional?: boolean;
  readonly codec?: number;
  readonly element?: (element: ThriftStruct) => void;
}

/** The column is `v`, of text when no type is given. */
export function handmade(file: HandmadeFile): Uint8Array {
  const { rows, pages, type = PhysicalType.BYTE_ARRAY, optional = false, codec = 0 } = file;
  const parts = pages.flatMap(pageParts);
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const hasDictionary = pages[0]?.kind === "dictionary";
  const first = pages.length > 0 ? concat(...pageParts(pages[0]!)).length : 0;
  const element = new ThriftStruct()
    .set(SchemaElement.type, I32, type)
    .set(SchemaElement.repetition, I32, optional ? Repetition.OPTIONAL : Repetition.REQUIRED)
    .setText(SchemaElement.name, "v");
  if (type === PhysicalType.BYTE_ARRAY) element.set(SchemaElement.convertedType, I32, 0);
  file.element?.(element);
  const metadata = new ThriftStruct()
    .set(ColumnMetaData.type, I32, type)
    .set(ColumnMetaData.encodings, LIST, { element: I32, items: [Encoding.PLAIN] })
    .set(ColumnMetaData.path, LIST, { element: BINARY, items: [new TextEncoder().encode("v")] })
    .set(ColumnMetaData.codec, I32, codec)
    .set(ColumnMetaData.numValues, I64, rows)
    .set(ColumnMetaData.uncompressedSize, I64, size)
    .set(ColumnMetaData.compressedSize, I64, size)
    .set(ColumnMetaData.dataPageOffset, I64, MAGIC.length + (hasDictionary ? first : 0));
  if (hasDictionary) metadata.set(ColumnMetaData.dictionaryPageOffset, I64, MAGIC.length);
  const chunk = new ThriftStruct()
    .set(ColumnChunk.fileOffset, I64, 0)
    .setStruct(ColumnChunk.metadata, metadata);
  const root = new ThriftStruct()
    .setText(SchemaElement.name, "schema")
    .set(SchemaElement.numChildren, I32, 1);
  const group = new ThriftStruct()
    .setStructs(RowGroup.columns, [chunk])
    .set(RowGroup.totalByteSize, I64, size)
    .set(RowGroup.numRows, I64, rows);
  const footer = new ThriftStruct()
    .set(FileMetaData.version, I32, 1)
    .setStructs(FileMetaData.schema, [root, element])
    .set(FileMetaData.numRows, I64, rows)
    .setStructs(FileMetaData.rowGroups, [group]);
  return concat(MAGIC, ...parts, ...encodeFooter(footer));
}

function pageParts(page: HandmadePage): Uint8Array[] {
  const { kind, values, encoding, bytes, definition = new Uint8Array(), crc } = page;
  const content = new ThriftStruct();
  const header = new ThriftStruct()
    .set(PageHeader.uncompressedSize, I32, page.size ?? bytes.length + definition.length)
    .set(PageHeader.compressedSize, I32, bytes.length + definition.length);
  if (crc !== undefined) header.set(PageHeader.crc, I32, crc);
  if (kind === "dictionary") {
    content.set(DictionaryPageHeader.numValues, I32, values)
      .set(DictionaryPageHeader.encoding, I32, encoding);
    header.set(PageHeader.type, I32, DICTIONARY_PAGE).setStruct(PageHeader.dictionary, content);
  } else if (kind === "second") {
    content.set(DataPageHeaderV2.numValues, I32, values)
      .set(DataPageHeaderV2.numNulls, I32, 0)
      .set(DataPageHeaderV2.numRows, I32, values)
      .set(DataPageHeaderV2.encoding, I32, encoding)
      .set(DataPageHeaderV2.definitionSize, I32, definition.length)
      .set(DataPageHeaderV2.repetitionSize, I32, 0);
    header.set(PageHeader.type, I32, DATA_PAGE_V2).setStruct(PageHeader.dataV2, content);
  } else {
    content.set(DataPageHeader.numValues, I32, values)
      .set(DataPageHeader.encoding, I32, encoding)
      .set(DataPageHeader.definitionEncoding, I32, page.definitionEncoding ?? Encoding.RLE)
      .set(DataPageHeader.definitionEncoding + 1, I32, Encoding.RLE);
    header.set(PageHeader.type, I32, DATA_PAGE).setStruct(PageHeader.data, content);
  }
  return [encodeStruct(header), definition, bytes];
}

/** The checksum of a page's bytes, as its header has it. */
export const checksum = (bytes: Uint8Array) => crc32(bytes) | 0;

/** Texts as they are without compression: each behind its length. */
export function plainTexts(...texts: readonly (string | Uint8Array)[]): Uint8Array {
  return concat(...texts.flatMap((text) => {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    return [uint32(bytes.length), bytes];
  }));
}

export const uint32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

/** A run of one value, of so many bytes. */
export function run(count: number, value: number, bytes = 1): Uint8Array {
  const head: number[] = [];
  let rest = count * 2;
  for (; rest >= 128; rest = Math.floor(rest / 128)) head.push(rest % 128 | 128);
  head.push(rest);
  return Uint8Array.of(...head, ...uint32(value).subarray(0, bytes));
}
