/** The library's reader over a file that can be read anywhere. */
import { ParquetFile, type RecordBatch } from "parquet-wasm";
import type { FileInput } from "../format.ts";

/** A part of a file as the library reads it: it calls no more of a Blob than this. */
class Range {
  constructor(
    private readonly input: FileInput,
    private readonly start: number,
    private readonly end: number,
  ) {}

  get size(): number {
    return this.end - this.start;
  }

  slice(from = 0, to = this.size): Range {
    const clamp = (at: number) => Math.min(this.size, Math.max(0, at < 0 ? this.size + at : at));
    const start = clamp(from);
    return new Range(this.input, this.start + start, this.start + Math.max(start, clamp(to)));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.input.read(this.start, this.end);
    return new Uint8Array(bytes).buffer;
  }
}

export interface OpenParquet extends AsyncDisposable {
  /** Rows that the footer tells. */
  readonly rows: number;
  schemaIPC(): Uint8Array;
  /** Each batch as a stream of Arrow; one row group is in memory at a time. */
  batches(
    options: { batchRows: number; columns?: string[] },
  ): AsyncGenerator<Uint8Array, void, void>;
}

export async function openParquet(input: FileInput): Promise<OpenParquet> {
  const file = await ParquetFile.fromFile(new Range(input, 0, input.size) as unknown as Blob);
  return {
    rows: file.metadata().fileMetadata().numRows(),
    schemaIPC: () => file.schema().intoIPCStream(),
    async *batches({ batchRows, columns }) {
      const stream: ReadableStream<RecordBatch> = await file.stream({
        batchSize: batchRows,
        concurrency: 1,
        ...(columns === undefined ? {} : { columns }),
      });
      for await (const batch of stream) yield batch.intoIPCStream();
    },
    [Symbol.asyncDispose]() {
      file.free();
      return Promise.resolve();
    },
  };
}
