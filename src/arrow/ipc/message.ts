/**
 * Checks Arrow's messages before the library reads them. Format:
 * https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
 */
import { Message, MessageHeader } from "apache-arrow";
import { ValidationError } from "../../core/errors.ts";
import { type FlatTable, openTable, type Shape } from "./flatbuffer.ts";

/** A file with random access. */
export interface ReadableFile {
  readonly size: number;
  /** Reads the bytes from `start` up to `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A message that passed the checks. */
export interface CheckedMessage {
  readonly kind: "schema" | "dictionary" | "batch";
  /** The bytes of the message: prefix, metadata, body. */
  readonly parts: readonly Uint8Array[];
  /** End of the message in the file. */
  readonly end: number;
}

/** Most rows of a batch: https://arrow.apache.org/docs/format/Columnar.html#array-lengths */
const MAX_ROWS = 2 ** 31 - 1;
/** Most values that may take no bytes, such as untyped NULLs. */
export const MAX_EMPTY = 1 << 20;
/** Most bytes of a decompressed body: a batch is in memory as a whole. */
const MAX_BODY = 1 << 28;

const KEY_VALUE: Shape = ["text", "text"];
const METADATA = { tables: () => KEY_VALUE };
const INT: Shape = [4, 1];
const ENCODING: Shape = [8, { table: () => INT }, 1, 2];
/** Shapes by type number. Types that read no slot share the empty shape. */
const TYPES: readonly Shape[] = [
  ...[[], [], INT, [2], [], [], [], [4, 4, 4], [2], [2, 4], [2, "text"], [2], [], []],
  ...[[2, { structs: 4 }], [4], [4], [1], [2], [], [], [], [], [], [], [], []],
] as Shape[];
const FIELD: Shape = [
  "text",
  1,
  1,
  { union: () => TYPES },
  { table: () => ENCODING },
  { tables: () => FIELD },
  METADATA,
];
const SCHEMA: Shape = [2, { tables: () => FIELD }, METADATA, { structs: 8 }];
const RECORD_BATCH: Shape = [
  8,
  { structs: 16 },
  { structs: 16 },
  { table: () => [1, 1] },
  { structs: 8 },
];
const DICTIONARY_BATCH: Shape = [8, { table: () => RECORD_BATCH }, 1];
const HEADERS: readonly Shape[] = [[], SCHEMA, DICTIONARY_BATCH, RECORD_BATCH];
const MESSAGE: Shape = [2, 1, { union: () => HEADERS }, 8, METADATA];
const BLOCKS = { structs: 24 };
const FOOTER: Shape = [2, { table: () => SCHEMA }, BLOCKS, BLOCKS, METADATA];

/** What the footer of a file says. */
export interface FileFooter {
  /** The schema as the first message of a stream; many writers leave it out of files. */
  readonly schema: readonly Uint8Array[];
  /** Positions of the dictionary messages, then of the batch messages. */
  readonly starts: readonly number[];
}

/** @throws {RangeError} when the footer is malformed */
export function readFooter(footer: Uint8Array): FileFooter {
  const table = openTable(footer, FOOTER);
  const schema = table.table(1);
  if (schema === undefined) throw new RangeError("its footer has no schema");
  checkSchema(schema);
  const starts = [2, 3].flatMap((slot) =>
    table.structs(slot, 24).map((block) => Number(block.getBigInt64(0, true)))
  );
  if (new Set(starts).size < starts.length) throw new RangeError("its footer repeats a batch");
  return { schema: schemaMessage(table.int16(0), schema, footer), starts };
}

/** Puts a message table in front of the footer's bytes, which contain the schema. */
function schemaMessage(version: number, schema: FlatTable, footer: Uint8Array): Uint8Array[] {
  const metadata = new Uint8Array(32 + footer.length);
  metadata.set(footer, 32);
  const view = new DataView(metadata.buffer);
  // Position of the table; then its vtable: own size, table size, offsets of three slots.
  view.setUint32(0, 16, true);
  [10, 12, 10, 8, 4].forEach((value, i) => view.setUint16(4 + i * 2, value, true));
  view.setInt32(16, 12, true);
  view.setUint32(20, 32 + schema.at - 20, true);
  view.setUint8(24, MessageHeader.Schema);
  view.setInt16(26, version, true);
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setInt32(0, -1, true);
  new DataView(prefix.buffer).setInt32(4, metadata.length, true);
  return [prefix, metadata];
}

/**
 * Reads the message at a position; returns undefined at the end of a stream.
 *
 * @throws {RangeError} when it is malformed or longer than the file
 * @throws {ValidationError} when its body cannot be read
 */
export async function readMessage(
  file: ReadableFile,
  start: number,
): Promise<CheckedMessage | undefined> {
  const within = (end: number) => {
    if (start < 0 || end > file.size) throw new RangeError("a message is longer than the file");
    return end;
  };
  let prefix = await file.read(start, within(start + 4));
  let length = int32(prefix, 0);
  // Arrow before version 0.15 wrote no continuation marker.
  if (length === -1) {
    prefix = await file.read(start, within(start + 8));
    length = int32(prefix, 4);
  }
  if (length === 0) return undefined;
  if (length < 0) throw new RangeError("a message has a negative length");
  const metadataEnd = within(start + prefix.length + length);
  const metadata = await file.read(start + prefix.length, metadataEnd);
  const header = openTable(metadata, MESSAGE).table(2);
  const message = Message.decode(metadata);
  const { bodyLength } = message;
  if (bodyLength < 0) throw new RangeError("a message's body has a negative length");
  const end = within(metadataEnd + bodyLength);
  if (header === undefined) throw new RangeError("a message has no header");
  const body = bodyLength === 0 ? [] : [await file.read(metadataEnd, end)];
  const parts = [prefix, metadata, ...body];
  if (message.isSchema()) {
    checkSchema(header);
    return { kind: "schema", parts, end };
  }
  if (message.isRecordBatch()) {
    checkBatch(header, body[0]);
    return { kind: "batch", parts, end };
  }
  const data = message.isDictionaryBatch() ? header.table(1) : undefined;
  if (data === undefined) throw new RangeError("a message is neither schema nor batch");
  checkBatch(data, body[0]);
  return { kind: "dictionary", parts, end };
}

function checkSchema(schema: FlatTable): void {
  if (schema.int16(0) === 0) return;
  throw new ValidationError("the file is big-endian, expected little-endian");
}

function checkBatch(batch: FlatTable, body: Uint8Array = new Uint8Array()): void {
  const buffers = batch.structs(2, 16);
  const views = batch.structs(4, 8).map((count) => count.getBigInt64(0, true));
  if (views.some((count) => count < 0n || count > buffers.length)) {
    throw new RangeError("a column has more buffers than its message");
  }
  const compressed = batch.table(3);
  let size = 0;
  for (const buffer of buffers) {
    const [start, length] = [buffer.getBigInt64(0, true), buffer.getBigInt64(8, true)];
    if (start < 0n || length < 0n || start + length > BigInt(body.length)) {
      throw new RangeError("a column is longer than its message");
    }
    if (compressed !== undefined && length > 0n) {
      size += decompressedSize(body.subarray(Number(start), Number(start + length)));
    }
  }
  checkNodes(batch, compressed === undefined ? body.length : size);
  if (compressed === undefined) return;
  if (compressed.byte(0) > LAST_CODEC) {
    throw new ValidationError("the batches have an unknown compression, expected LZ4 or zstd");
  }
  if (size > MAX_BODY) {
    throw new ValidationError(
      `a batch has ${size} bytes uncompressed, expected at most ${MAX_BODY}: write the file again in smaller batches`,
    );
  }
}

/** Checks row counts: a value takes at least one bit, but an untyped NULL none. */
function checkNodes(batch: FlatTable, size: number): void {
  const maxRows = BigInt(Math.min(MAX_ROWS, 8 * size + MAX_EMPTY));
  for (const node of batch.structs(1, 16)) {
    const [length, nulls] = [node.getBigInt64(0, true), node.getBigInt64(8, true)];
    if (length > maxRows) throw new RangeError(`a column has ${length} rows in ${size} bytes`);
    if (nulls < 0n || nulls > length) throw new RangeError("a column is malformed");
  }
}

/** Highest codec number: LZ4 is 0, zstd is 1. */
const LAST_CODEC = 1;

/** Reads the decompressed size in front of a compressed buffer; -1 there means stored. */
export function decompressedSize(buffer: Uint8Array): number {
  if (buffer.length < 8) throw new RangeError("a compressed column is malformed");
  const size = new DataView(buffer.buffer, buffer.byteOffset).getBigInt64(0, true);
  if (size === -1n) return buffer.length - 8;
  if (size < 0n || size > Number.MAX_SAFE_INTEGER) {
    throw new RangeError("a compressed column is malformed");
  }
  return Number(size);
}

function int32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(at, true);
}
