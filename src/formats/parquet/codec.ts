/**
 * Compression codecs of pages. Format:
 * https://github.com/apache/parquet-format/blob/master/Compression.md
 */
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { lz4DecompressBlock, lz4DecompressFrames } from "../../arrow/mod.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Compression } from "../../models/format.ts";
import { snappyCompress, snappyDecompress } from "./snappy.ts";

/** A codec that dxt reads and writes. */
export interface Codec {
  readonly id: number;
  compress(bytes: Uint8Array): Uint8Array;
  /** Decompresses to `size` bytes; malformed input may give fewer bytes or throw. */
  decompress(bytes: Uint8Array, size: number): Uint8Array;
}

/** The fastest level: for tables it compresses about as well as the default one. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Makes zlib use one output buffer of the right size, but at least its minimum of 64 bytes. */
const exactSize = (size: number) => ({ chunkSize: Math.max(64, size), maxOutputLength: size });

const CODECS: Readonly<Partial<Record<Compression, Codec>>> = {
  none: { id: 0, compress: (bytes) => bytes, decompress: (bytes) => bytes },
  snappy: { id: 1, compress: snappyCompress, decompress: snappyDecompress },
  gzip: {
    id: 2,
    compress: (bytes) => gzipSync(bytes),
    decompress: (bytes, size) => gunzipSync(bytes, exactSize(size)),
  },
  zstd: {
    id: 6,
    compress: (bytes) => zstdCompressSync(bytes, { ...ZSTD, pledgedSrcSize: bytes.length }),
    decompress: (bytes, size) => zstdDecompressSync(bytes, exactSize(size)),
  },
};

/** @throws {ConfigurationError} for a compression that Parquet does not support */
export function selectCodec(compression: Compression): Codec {
  const codec = CODECS[compression];
  if (codec !== undefined) return codec;
  throw new ConfigurationError(
    `Cannot write Parquet compressed with "${compression}": expected ${
      Object.keys(CODECS).join(", ")
    }`,
  );
}

/** Decompresses to `size` bytes; malformed input may give fewer bytes or throw. */
export type Decompress = (bytes: Uint8Array, size: number) => Uint8Array;

/** Codecs that only other writers use, by their number in the footer. */
const READ_ONLY: Readonly<Record<number, Decompress>> = {
  4: (bytes, size) => brotliDecompressSync(bytes, exactSize(size)),
  5: decompressOldLZ4,
  7: lz4DecompressBlock,
};

/** Returns the decompressor of a codec; undefined for unknown ones and for LZO, which is unused. */
export function findDecompressor(id: number | undefined): Decompress | undefined {
  return findCodec(id)?.decompress ?? (id === undefined ? undefined : READ_ONLY[id]);
}

/** Parquet's first LZ4 codec was written in three ways, and pages do not say which one. */
function decompressOldLZ4(bytes: Uint8Array, size: number): Uint8Array {
  for (const decompress of [decompressHadoopBlocks, lz4DecompressFrames]) {
    try {
      return decompress(bytes, size);
    } catch {
      // Try the next way.
    }
  }
  return lz4DecompressBlock(bytes, size);
}

/** Decompresses Hadoop's blocks, each behind its sizes before and after compression. */
function decompressHadoopBlocks(bytes: Uint8Array, size: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Uint8Array(size);
  let to = 0;
  for (let at = 0; at < bytes.length;) {
    const [plainSize, packedSize] = [view.getUint32(at), view.getUint32(at + 4)];
    if (plainSize > size - to || packedSize > bytes.length - at - 8) {
      throw new RangeError("another LZ4");
    }
    out.set(lz4DecompressBlock(bytes.subarray(at + 8, at + 8 + packedSize), plainSize), to);
    to += plainSize;
    at += 8 + packedSize;
  }
  if (to !== size) throw new RangeError("another LZ4");
  return out;
}

/** Returns the codec of a number in a footer; undefined for one that dxt cannot write. */
export function findCodec(id: number | undefined): Codec | undefined {
  return Object.values(CODECS).find((codec) => codec.id === id);
}
