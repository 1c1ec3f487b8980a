/** The library's writer, fed batch by batch. */
import {
  Compression as Codec,
  type RecordBatch,
  Table,
  transformParquetStream,
  writeParquet,
  type WriterProperties,
  WriterPropertiesBuilder,
} from "parquet-wasm";
import { batchToIPC, type Schema, schemaToIPC } from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Compression, FormatOptions } from "../../models/format.ts";

const ROW_GROUP_ROWS = 65_536;

const CODECS: Readonly<Partial<Record<Compression, Codec>>> = {
  none: Codec.UNCOMPRESSED,
  snappy: Codec.SNAPPY,
  gzip: Codec.GZIP,
  zstd: Codec.ZSTD,
};

interface Settings {
  readonly compression: Compression;
  readonly options: FormatOptions;
}

/** @throws {ConfigurationError} for a codec that Parquet does not have */
function properties({ compression, options }: Settings): WriterProperties {
  const codec = CODECS[compression];
  if (codec === undefined) {
    throw new ConfigurationError(
      `Cannot write Parquet compressed with "${compression}": expected ${
        Object.keys(CODECS).join(", ")
      }`,
    );
  }
  return new WriterPropertiesBuilder()
    .setCompression(codec)
    // Measured three to four times slower with dictionaries, which zstd makes up for.
    .setDictionaryEnabled(false)
    .setMaxRowGroupSize(options.row_group_rows ?? ROW_GROUP_ROWS)
    .setCreatedBy("dxt")
    .build();
}

/** The bytes of a file that holds the batches, row group by row group. */
export async function* parquetBytes(
  schema: Schema,
  batches: AsyncIterable<Batch>,
  settings: Settings,
): AsyncGenerator<Uint8Array, void, void> {
  const iterator = batches[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    if (first.done === true) {
      yield writeParquet(Table.fromIPCStream(schemaToIPC(schema)), properties(settings));
      return;
    }
    const feed = new Feed(first.value, iterator);
    // Resolves only after its first pull of the feed, which therefore must be ready.
    const bytes: ReadableStream<Uint8Array> = await transformParquetStream(
      new ReadableStream(feed, { highWaterMark: 0 }),
      properties(settings),
    );
    try {
      yield* bytes;
    } catch (error) {
      throw feed.failure ?? error;
    }
    if (feed.failure !== undefined) throw feed.failure;
  } finally {
    await iterator.return?.();
  }
}

/** Batches as the library takes them, one for each pull. */
class Feed implements UnderlyingDefaultSource<RecordBatch> {
  /** What the batches' own source threw, which the library would tell in its own words. */
  failure: unknown;
  #next: Batch | undefined;

  constructor(first: Batch, private readonly batches: AsyncIterator<Batch>) {
    this.#next = first;
  }

  async pull(controller: ReadableStreamDefaultController<RecordBatch>): Promise<void> {
    try {
      const batch = this.#next ?? await this.#following();
      this.#next = undefined;
      if (batch === undefined) return controller.close();
      const table = Table.fromIPCStream(batchToIPC(batch));
      controller.enqueue(table.recordBatch(0));
      // Or the library's memory grows with every batch.
      table.free();
    } catch (error) {
      this.failure = error;
      controller.error(error);
    }
  }

  async #following(): Promise<Batch | undefined> {
    const next = await this.batches.next();
    return next.done === true ? undefined : next.value;
  }
}
