/** Compressions of pages. https://github.com/apache/parquet-format/blob/master/Compression.md */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ConfigurationError } from "../../core/errors.ts";
import type { Compression } from "../../models/format.ts";
import { snappyCompress, snappyDecompress } from "./snappy.ts";

export interface Codec {
  readonly id: number;
  compress(bytes: Uint8Array): Uint8Array;
  /** The `size` bytes that were compressed; fewer or an error when they are malformed. */
  decompress(bytes: Uint8Array, size: number): Uint8Array;
}

/** The fastest level that is about as small as the default one for tables. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** One output buffer of the right size instead of many parts of it; the least that zlib takes. */
const exactly = (size: number) => ({ chunkSize: Math.max(64, size), maxOutputLength: size });

const CODECS: Readonly<Partial<Record<Compression, Codec>>> = {
  none: { id: 0, compress: (bytes) => bytes, decompress: (bytes) => bytes },
  snappy: { id: 1, compress: snappyCompress, decompress: snappyDecompress },
  gzip: {
    id: 2,
    compress: (bytes) => gzipSync(bytes),
    decompress: (bytes, size) => gunzipSync(bytes, exactly(size)),
  },
  zstd: {
    id: 6,
    compress: (bytes) => zstdCompressSync(bytes, { ...ZSTD, pledgedSrcSize: bytes.length }),
    decompress: (bytes, size) => zstdDecompressSync(bytes, exactly(size)),
  },
};

/** @throws {ConfigurationError} for a compression that Parquet does not have */
export function codecFor(compression: Compression): Codec {
  const codec = CODECS[compression];
  if (codec !== undefined) return codec;
  throw new ConfigurationError(
    `Cannot write Parquet compressed with "${compression}": expected ${
      Object.keys(CODECS).join(", ")
    }`,
  );
}

/** The codec of a number in a footer. */
export function codecOf(id: number | undefined): Codec | undefined {
  return Object.values(CODECS).find((codec) => codec.id === id);
}
