/**
 * Converts batches to and from Arrow's messages. Format:
 * https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */
import {
  AsyncByteQueue,
  compressionRegistry,
  CompressionType,
  RecordBatchFileWriter,
  RecordBatchReader,
  RecordBatchStreamWriter,
  type Schema,
} from "apache-arrow";
import type { Batch } from "../../core/contracts/batch.ts";
import { type MadeName, nameColumns } from "../../core/column_names.ts";
import { zstdDecompressSync } from "node:zlib";
import { ValidationError } from "../../core/errors.ts";
import { wrapBatch } from "../builder.ts";
import { lz4DecompressFrames } from "./lz4.ts";
import { withNames } from "../restore_schema.ts";
import { decompressedSize, type ReadableFile, readFooter, readMessage } from "./message.ts";
import type { Field } from "../../models/field.ts";
import { arrowSchema, hasSameLayout } from "../schema.ts";
import { validateColumn } from "../validate_column.ts";
import { checkBounds } from "../value_bounds.ts";

/** An open Arrow file or stream. */
export interface IPCReader {
  /** The schema; its column names are complete and unique. */
  readonly schema: Schema;
  /** The names that dxt made up, because the file lacks or repeats them. */
  readonly made: readonly MadeName[];
  /** Reads the batches; only the named columns of each are validated. */
  batches(names: ReadonlySet<string>): AsyncGenerator<Batch, void, void>;
}

/** Returns a stream of a schema without batches. */
export function schemaToIPC(schema: Schema): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  return writer.finish().toUint8Array(true);
}

/** Returns a stream of batches, which must have the schema's columns. */
export function batchesToIPC(schema: Schema, batches: readonly Batch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  // The writer would start a new stream for a batch with another schema object.
  for (const { data, numRows } of batches) {
    writer.write(wrapBatch(schema, data.children, numRows));
  }
  return writer.finish().toUint8Array(true);
}

/** Returns the schema of a stream in memory. */
export function schemaFromIPC(bytes: Uint8Array): Schema {
  return RecordBatchReader.from(bytes).open().schema;
}

/** Returns the batches of a stream in memory; they share its bytes. */
export function batchesFromIPC(bytes: Uint8Array): Iterable<Batch> {
  return RecordBatchReader.from(bytes).open();
}

/**
 * Returns the only batch of a stream in memory; it shares the stream's bytes.
 *
 * @throws {ValidationError} when its columns are not those of the fields, a column is invalid, or a
 * value is out of its type's bounds
 */
export function batchFromIPC(bytes: Uint8Array, fields: readonly Field[]): Batch {
  const [batch, extra] = batchesFromIPC(bytes);
  const schema = arrowSchema(fields);
  if (batch === undefined || extra !== undefined) throw new ValidationError("expected one batch");
  if (batch.schema.fields.length !== fields.length) {
    throw new ValidationError(
      `a batch has ${batch.schema.fields.length} columns, expected ${fields.length}`,
    );
  }
  fields.forEach(({ name }, i) => {
    const column = batch.data.children[i]!;
    const { type } = schema.fields[i]!;
    if (!hasSameLayout(column.type, type)) {
      throw new ValidationError(`column "${name}" is ${column.type}, expected ${type}`);
    }
    validateColumn(column);
    checkBounds(column, name, true);
  });
  return wrapBatch(schema, batch.data.children, batch.numRows);
}

const MAGIC = "ARROW1";

/**
 * Opens a file or stream of messages; one batch at a time is in memory.
 *
 * @throws {ValidationError} when it is malformed or truncated, while opening or while reading
 * batches
 */
export async function openIPC(file: ReadableFile): Promise<IPCReader> {
  const reader = await (await RecordBatchReader.from(readMessages(file))).open();
  if (reader.schema === undefined) throw new ValidationError("it has no schema");
  // The library returns null for a column without a name.
  const foundNames = reader.schema.fields.map(({ name }) => (name as string | null) ?? "");
  const named = nameColumns(foundNames);
  return {
    schema: withNames(reader.schema, named.names),
    made: named.made,
    async *batches(names) {
      const columns = named.names.flatMap((name, i) => names.has(name) ? [i] : []);
      for await (const batch of reader) {
        for (const i of columns) {
          const column = batch.data.children[i];
          if (column?.length !== batch.numRows) {
            throw new ValidationError("a column has another number of rows than its batch");
          }
          validateColumn(column);
        }
        yield batch;
      }
    },
  };
}

/** Yields the messages in stream order: in a file, dictionaries may follow the batches. */
async function* readMessages(file: ReadableFile): AsyncGenerator<Uint8Array, void, void> {
  const magic = await readText(file, 0, MAGIC.length);
  if (magic === MAGIC) {
    const { schema, starts } = readFooter(await readFooterBytes(file));
    yield* schema;
    for (const start of starts) yield* await readReferredMessage(file, start);
  } else {
    refuseOtherFormats(file, magic);
    const schema = await readMessage(file, 0);
    if (schema?.kind !== "schema") throw new ValidationError("it has no schema");
    yield* schema.parts;
    yield* readMessagesAfter(file, schema.end);
  }
}

/** Refuses other formats that users mistake for a stream, which has no magic number. */
function refuseOtherFormats(file: ReadableFile, magic: string): void {
  if (file.size === 0) throw new ValidationError("it has 0 bytes, expected a file or stream");
  if (magic.startsWith("FEA1")) {
    throw new ValidationError("it is Feather version 1, expected version 2: write it again");
  }
  if (magic.startsWith("PAR1")) throw new ValidationError("it is Parquet, expected format parquet");
}

async function* readMessagesAfter(file: ReadableFile, start: number): AsyncGenerator<Uint8Array> {
  for (let at = start;;) {
    if (at === file.size) throw new ValidationError("its end is missing");
    const message = await readMessage(file, at);
    if (message === undefined) return;
    if (message.kind === "schema") throw new ValidationError("it has a second schema");
    yield* message.parts;
    at = message.end;
  }
}

async function readReferredMessage(
  file: ReadableFile,
  start: number,
): Promise<readonly Uint8Array[]> {
  const message = await readMessage(file, start);
  if (message === undefined || message.kind === "schema") {
    throw new ValidationError("its footer leads to no batch");
  }
  return message.parts;
}

async function readFooterBytes(file: ReadableFile): Promise<Uint8Array> {
  const end = file.size - MAGIC.length - 4;
  if (end < 12 || await readText(file, end + 4, file.size) !== MAGIC) {
    throw new ValidationError("its end is missing");
  }
  const bytes = await file.read(end, end + 4);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  if (length <= 0 || length > end) throw new ValidationError("its footer is malformed");
  return await file.read(end - length, end);
}

async function readText(file: ReadableFile, start: number, end: number): Promise<string> {
  return new TextDecoder().decode(await file.read(start, Math.min(end, file.size)));
}

// The library brings no codecs.
compressionRegistry.set(CompressionType.ZSTD, {
  decode: (bytes) => {
    const size = readSizePrefix(bytes);
    const decoded = zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, size) });
    if (decoded.length !== size) throw new ValidationError("a compressed column is malformed");
    // The view must be 8-byte aligned, and Node's pooled buffers start anywhere.
    return decoded.byteOffset % 8 === 0 ? decoded : new Uint8Array(decoded);
  },
});
compressionRegistry.set(CompressionType.LZ4_FRAME, {
  decode: (bytes) => lz4DecompressFrames(bytes, readSizePrefix(bytes)),
});

/** Reads the decompressed size, which is stored before the compressed bytes. */
function readSizePrefix(bytes: Uint8Array): number {
  return decompressedSize(new Uint8Array(bytes.buffer, bytes.byteOffset - 8, bytes.length + 8));
}

/** Yields the bytes of an Arrow file of the batches, message by message. */
export async function* writeIPCFile(
  schema: Schema,
  batches: AsyncIterable<Batch>,
): AsyncGenerator<Uint8Array, void, void> {
  const sink = new Sink();
  const writer = new RecordBatchFileWriter();
  writer.reset(sink, schema);
  for await (const batch of batches) {
    writer.write(batch);
    yield* sink.take();
  }
  writer.finish();
  yield* sink.take();
}

/** Collects the writer's output until it is taken; the library's own queue has no back-pressure. */
class Sink extends AsyncByteQueue {
  #chunks: Uint8Array[] = [];

  override write(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  take(): Uint8Array[] {
    return this.#chunks.splice(0);
  }
}
