/** The library's encoder, a row group at a time. */
import {
  Compression as Codec,
  Table,
  writeParquet,
  type WriterProperties,
  WriterPropertiesBuilder,
} from "parquet-wasm";
import { batchesToIPC, byteLength, fieldsOf, type Schema } from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Compression, FormatOptions } from "../../models/format.ts";
import { Assembly } from "./assembly.ts";
import { FIELDS_KEY, MAGIC } from "./metadata.ts";

const ROW_GROUP_ROWS = 65_536;
/** A row group is closed at this size, however few rows it has. */
const ROW_GROUP_BYTES = 64 * 1024 * 1024;

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

/**
 * The bytes of a file that holds the batches. Each row group is encoded as a file of its own, whose
 * bytes follow the others' and whose footer becomes part of the one at the end: the library's own
 * stream hides the errors of its encoder, and with them rows.
 */
export async function* parquetBytes(
  schema: Schema,
  batches: AsyncIterable<Batch>,
  settings: Settings,
): AsyncGenerator<Uint8Array, void, void> {
  const file = new Assembly();
  for await (const group of rowGroups(batches, settings.options.row_group_rows ?? ROW_GROUP_ROWS)) {
    if (file.isEmpty) yield MAGIC;
    yield file.add(encode(schema, group, settings), group.reduce((sum, b) => sum + b.numRows, 0));
  }
  // A file without rows has a schema too.
  if (file.isEmpty) {
    yield MAGIC;
    file.add(encode(schema, [], settings), 0);
  }
  yield* file.end(FIELDS_KEY, JSON.stringify(fieldsOf(schema)));
}

function encode(schema: Schema, batches: readonly Batch[], settings: Settings): Uint8Array {
  return writeParquet(Table.fromIPCStream(batchesToIPC(schema, batches)), properties(settings));
}

/** The batches of each row group: as many rows as asked for, fewer where those are too large. */
async function* rowGroups(
  batches: AsyncIterable<Batch>,
  most: number,
): AsyncGenerator<Batch[], void, void> {
  let group: Batch[] = [];
  let [rows, bytes] = [0, 0];
  for await (const batch of batches) {
    for (let from = 0; from < batch.numRows;) {
      const to = Math.min(batch.numRows, from + most - rows);
      const part = from === 0 && to === batch.numRows ? batch : batch.slice(from, to);
      group.push(part);
      rows += part.numRows;
      bytes += byteLength(part);
      from = to;
      if (rows < most && bytes < ROW_GROUP_BYTES) continue;
      yield group;
      group = [];
      rows = bytes = 0;
    }
  }
  if (rows > 0) yield group;
}
