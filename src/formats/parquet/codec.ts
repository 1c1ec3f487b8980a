/** Compressions of pages. https://github.com/apache/parquet-format/blob/master/Compression.md */
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

/** Gives the `size` bytes that were compressed; fewer or an error when they are malformed. */
export type Decompress = (bytes: Uint8Array, size: number) => Uint8Array;

/** Those that only other writers use, by their numbers. */
const READ_ONLY: Readonly<Record<number, Decompress>> = {
  4: (bytes, size) => brotliDecompressSync(bytes, exactly(size)),
  5: oldLZ4,
  7: lz4DecompressBlock,
};

/** What a number in a footer means; undefined for LZO, which nobody writes, and unknown ones. */
export function decompressorOf(id: number | undefined): Decompress | undefined {
  return codecOf(id)?.decompress ?? (id === undefined ? undefined : READ_ONLY[id]);
}

/** The first LZ4 of Parquet was written in three ways, of which a page does not tell which one. */
function oldLZ4(bytes: Uint8Array, size: number): Uint8Array {
  for (const decompress of [hadoopBlocks, lz4DecompressFrames]) {
    try {
      return decompress(bytes, size);
    } catch {
      // It is one of the others.
    }
  }
  return lz4DecompressBlock(bytes, size);
}

/** Blocks behind their sizes before and after compression, as Hadoop has them. */
function hadoopBlocks(bytes: Uint8Array, size: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Uint8Array(size);
  let to = 0;
  for (let at = 0; at < bytes.length;) {
    const [plain, packed] = [view.getUint32(at), view.getUint32(at + 4)];
    if (plain > size - to || packed > bytes.length - at - 8) throw new RangeError("another LZ4");
    out.set(lz4DecompressBlock(bytes.subarray(at + 8, at + 8 + packed), plain), to);
    to += plain;
    at += 8 + packed;
  }
  if (to !== size) throw new RangeError("another LZ4");
  return out;
}

/** The codec of a number in a footer. */
export function codecOf(id: number | undefined): Codec | undefined {
  return Object.values(CODECS).find((codec) => codec.id === id);
}
