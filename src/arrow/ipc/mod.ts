/** Batches ↔ Arrow's messages. https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc */
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
import { batchOfData } from "../builder.ts";
import { lz4DecompressFrames } from "./lz4.ts";
import { withNames } from "../restore_schema.ts";
import { decompressedSize, type ReadableFile, readFooter, readMessage } from "./message.ts";
import type { Field } from "../../models/field.ts";
import { arrowSchema, sameLayout } from "../schema.ts";
import { validateColumn } from "../validate_column.ts";
import { refuseBeyond } from "../value_bounds.ts";

export interface IPCReader {
  /** Its columns have names, each another one. */
  readonly schema: Schema;
  /** Those of the names that are not what the file has. */
  readonly made: readonly MadeName[];
  /** Its batches; only the named columns of each are checked. */
  batches(names: ReadonlySet<string>): AsyncGenerator<Batch, void, void>;
}

/** A stream that holds a schema and no batch. */
export function schemaToIPC(schema: Schema): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  return writer.finish().toUint8Array(true);
}

/** A stream that holds batches; their columns are those of the schema. */
export function batchesToIPC(schema: Schema, batches: readonly Batch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  // A batch with another schema object would make the writer begin anew.
  for (const { data, numRows } of batches) {
    writer.write(batchOfData(schema, data.children, numRows));
  }
  return writer.finish().toUint8Array(true);
}

/** The schema of a stream in memory. */
export function schemaFromIPC(bytes: Uint8Array): Schema {
  return RecordBatchReader.from(bytes).open().schema;
}

/** The batches of a stream in memory, which share its bytes. */
export function batchesFromIPC(bytes: Uint8Array): Iterable<Batch> {
  return RecordBatchReader.from(bytes).open();
}

/**
 * The one batch of a stream in memory, which shares its bytes.
 *
 * @throws {ValidationError} when it has not these fields' columns, is not sound, or has a value beyond
 * its type
 */
export function batchFromIPC(bytes: Uint8Array, fields: readonly Field[]): Batch {
  const [batch, second] = batchesFromIPC(bytes);
  const schema = arrowSchema(fields);
  if (batch === undefined || second !== undefined) throw new ValidationError("expected one batch");
  if (batch.schema.fields.length !== fields.length) {
    throw new ValidationError(
      `a batch has ${batch.schema.fields.length} columns, expected ${fields.length}`,
    );
  }
  fields.forEach(({ name }, i) => {
    const column = batch.data.children[i]!;
    const { type } = schema.fields[i]!;
    if (!sameLayout(column.type, type)) {
      throw new ValidationError(`column "${name}" is ${column.type}, expected ${type}`);
    }
    validateColumn(column);
    refuseBeyond(column, name, true);
  });
  return batchOfData(schema, batch.data.children, batch.numRows);
}

const MAGIC = "ARROW1";

/**
 * Opens a file or stream of messages, a batch in memory at a time.
 *
 * @throws {ValidationError} when it is malformed or cut; so do its batches
 */
export async function openIPC(file: ReadableFile): Promise<IPCReader> {
  const reader = await (await RecordBatchReader.from(chunks(file))).open();
  if (reader.schema === undefined) throw new ValidationError("it has no schema");
  // The library gives null where a file has no name at all.
  const found = reader.schema.fields.map(({ name }) => (name as string | null) ?? "");
  const named = nameColumns(found);
  return {
    schema: withNames(reader.schema, named.names),
    made: named.made,
    async *batches(names) {
      const columns = named.names.flatMap((name, i) => names.has(name) ? [i] : []);
      for await (const batch of reader) {
        for (const i of columns) {
          const column = batch.data.children[i];
          if (column?.length !== batch.numRows) {
            throw new ValidationError("a column has other rows");
          }
          validateColumn(column);
        }
        yield batch;
      }
    },
  };
}

/** The bytes of the messages in the order of a stream: a file may have its dictionaries later. */
async function* chunks(file: ReadableFile): AsyncGenerator<Uint8Array, void, void> {
  const magic = await text(file, 0, MAGIC.length);
  if (magic === MAGIC) {
    const { schema, starts } = readFooter(await footerBytes(file));
    yield* schema;
    for (const start of starts) yield* await following(file, start);
  } else {
    refuseOther(file, magic);
    const schema = await readMessage(file, 0);
    if (schema?.kind !== "schema") throw new ValidationError("it has no schema");
    yield* schema.parts;
    yield* messagesAfter(file, schema.end);
  }
}

/** Files that are easily taken for a stream, which has no mark of its own. */
function refuseOther(file: ReadableFile, magic: string): void {
  if (file.size === 0) throw new ValidationError("it has 0 bytes, expected a file or stream");
  if (magic.startsWith("FEA1")) {
    throw new ValidationError("it is Feather version 1, expected version 2: write it again");
  }
  if (magic.startsWith("PAR1")) throw new ValidationError("it is Parquet, expected format parquet");
}

async function* messagesAfter(file: ReadableFile, start: number): AsyncGenerator<Uint8Array> {
  for (let at = start;;) {
    if (at === file.size) throw new ValidationError("its end is missing");
    const message = await readMessage(file, at);
    if (message === undefined) return;
    if (message.kind === "schema") throw new ValidationError("it has two schemas");
    yield* message.parts;
    at = message.end;
  }
}

async function following(file: ReadableFile, start: number): Promise<readonly Uint8Array[]> {
  const message = await readMessage(file, start);
  if (message === undefined || message.kind === "schema") {
    throw new ValidationError("its footer leads to no batch");
  }
  return message.parts;
}

async function footerBytes(file: ReadableFile): Promise<Uint8Array> {
  const end = file.size - MAGIC.length - 4;
  if (end < 12 || await text(file, end + 4, file.size) !== MAGIC) {
    throw new ValidationError("its end is missing");
  }
  const bytes = await file.read(end, end + 4);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  if (length <= 0 || length > end) throw new ValidationError("its footer is malformed");
  return await file.read(end - length, end);
}

async function text(file: ReadableFile, start: number, end: number): Promise<string> {
  return new TextDecoder().decode(await file.read(start, Math.min(end, file.size)));
}

// The library has no codecs of its own.
compressionRegistry.set(CompressionType.ZSTD, {
  decode: (bytes) => {
    const size = sizeBefore(bytes);
    const decoded = zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, size) });
    if (decoded.length !== size) throw new ValidationError("a compressed column is malformed");
    // Node's buffers come from a pool, at any place in it.
    return decoded.byteOffset % 8 === 0 ? decoded : new Uint8Array(decoded);
  },
});
compressionRegistry.set(CompressionType.LZ4_FRAME, {
  decode: (bytes) => lz4DecompressFrames(bytes, sizeBefore(bytes)),
});

/** The size of a buffer, which stands before its compressed bytes. */
function sizeBefore(bytes: Uint8Array): number {
  return decompressedSize(new Uint8Array(bytes.buffer, bytes.byteOffset - 8, bytes.length + 8));
}

/** The bytes of a file that holds the batches, message by message. */
export async function* ipcFile(
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

/** What a writer gave and nobody took yet; the library's own queue knows no back-pressure. */
class Sink extends AsyncByteQueue {
  #chunks: Uint8Array[] = [];

  override write(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  take(): Uint8Array[] {
    return this.#chunks.splice(0);
  }
}
