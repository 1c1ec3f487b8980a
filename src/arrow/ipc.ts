/** Batches ↔ Arrow's messages. https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc */
import {
  AsyncByteQueue,
  RecordBatchFileWriter,
  RecordBatchReader,
  RecordBatchStreamWriter,
  type Schema,
  type TypeMap,
} from "apache-arrow";
import type { Batch } from "../core/batch.ts";
import { batchOfData } from "./builder.ts";

export interface IPCReader {
  readonly schema: Schema;
  readonly batches: AsyncIterable<Batch>;
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

/** A stream of messages, a batch in memory at a time. */
export async function openIPCStream(stream: AsyncIterable<Uint8Array>): Promise<IPCReader> {
  const reader = await (await RecordBatchReader.from(stream)).open();
  return { schema: reader.schema, batches: reader };
}

/** A file of messages that is read anywhere, a batch in memory at a time. */
export async function openIPCFile(
  file: { readonly size: number; read(start: number, end: number): Promise<Uint8Array> },
): Promise<IPCReader> {
  const handle = {
    // What the library knows a file by.
    fd: -1,
    stat: () => Promise.resolve({ size: file.size }),
    close: () => Promise.resolve(),
    async read(buffer: Uint8Array, offset: number, length: number, position: number) {
      const bytes = await file.read(position, Math.min(file.size, position + length));
      buffer.set(bytes, offset);
      return { bytesRead: bytes.length, buffer };
    },
  };
  const reader = await RecordBatchReader.from<TypeMap>(
    handle as unknown as Promise<Uint8Array>,
  );
  const { schema } = await reader.open();
  return { schema, batches: reader as unknown as AsyncIterable<Batch> };
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
