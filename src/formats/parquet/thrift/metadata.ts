/**
 * Field numbers and enums of Parquet's metadata.
 * Format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */

export const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31);

/** The writer's name. The native reader relies on the features of exactly this writer. */
export const CREATED_BY = "dxt version 1";

/** Metadata key under which dxt stores its fields as JSON. */
export const FIELDS_KEY = "dxt.fields";

export const FileMetaData = {
  version: 1,
  schema: 2,
  numRows: 3,
  rowGroups: 4,
  keyValues: 5,
  createdBy: 6,
  columnOrders: 7,
  encryption: 8,
} as const;

export const SchemaElement = {
  type: 1,
  typeLength: 2,
  repetition: 3,
  name: 4,
  numChildren: 5,
  convertedType: 6,
  scale: 7,
  precision: 8,
  logicalType: 10,
} as const;

export const KeyValue = { key: 1, value: 2 } as const;

export const RowGroup = {
  columns: 1,
  totalByteSize: 2,
  numRows: 3,
  fileOffset: 5,
  totalCompressedSize: 6,
  ordinal: 7,
} as const;

/** Highest number of a row group: the format stores it in 16 bits. Later row groups have none. */
export const MAX_ORDINAL = 32_767;

export const ColumnChunk = {
  filePath: 1,
  fileOffset: 2,
  metadata: 3,
  offsetIndexOffset: 4,
  columnIndexOffset: 6,
  crypto: 8,
} as const;

export const ColumnMetaData = {
  type: 1,
  encodings: 2,
  path: 3,
  codec: 4,
  numValues: 5,
  uncompressedSize: 6,
  compressedSize: 7,
  dataPageOffset: 9,
  indexPageOffset: 10,
  dictionaryPageOffset: 11,
  statistics: 12,
} as const;

export const Statistics = {
  nullCount: 3,
  max: 5,
  min: 6,
  isMaxExact: 7,
  isMinExact: 8,
} as const;

export const PageHeader = {
  type: 1,
  uncompressedSize: 2,
  compressedSize: 3,
  crc: 4,
  data: 5,
  dictionary: 7,
  dataV2: 8,
} as const;

export const DataPageHeader = {
  numValues: 1,
  encoding: 2,
  definitionEncoding: 3,
} as const;

export const DictionaryPageHeader = { numValues: 1, encoding: 2 } as const;

export const DataPageHeaderV2 = {
  numValues: 1,
  numNulls: 2,
  numRows: 3,
  encoding: 4,
  definitionSize: 5,
  repetitionSize: 6,
  isCompressed: 7,
} as const;

export const DATA_PAGE = 0;
export const INDEX_PAGE = 1;
export const DICTIONARY_PAGE = 2;
export const DATA_PAGE_V2 = 3;

export const Encoding = {
  PLAIN: 0,
  PLAIN_DICTIONARY: 2,
  RLE: 3,
  BIT_PACKED: 4,
  DELTA_BINARY_PACKED: 5,
  DELTA_LENGTH_BYTE_ARRAY: 6,
  DELTA_BYTE_ARRAY: 7,
  RLE_DICTIONARY: 8,
  BYTE_STREAM_SPLIT: 9,
} as const;

export const Repetition = { REQUIRED: 0, OPTIONAL: 1, REPEATED: 2 } as const;

export const PhysicalType = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  INT96: 3,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
  FIXED: 7,
} as const;

export const ConvertedType = {
  UTF8: 0,
  LIST: 3,
  ENUM: 4,
  DECIMAL: 5,
  DATE: 6,
  TIMESTAMP_MICROS: 10,
  UINT_8: 11,
  INT_8: 15,
  JSON: 19,
  INTERVAL: 21,
} as const;

/** Fields of the union LogicalType. */
export const LogicalType = {
  STRING: 1,
  LIST: 3,
  ENUM: 4,
  DECIMAL: 5,
  DATE: 6,
  TIME: 7,
  TIMESTAMP: 8,
  INTEGER: 10,
  JSON: 12,
  UUID: 14,
  FLOAT16: 15,
} as const;
