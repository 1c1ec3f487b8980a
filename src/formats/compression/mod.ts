/** Whole files, compressed and back, chunk by chunk. */
import { once } from "node:events";
import { Readable, type Transform } from "node:stream";
import {
  constants,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
} from "node:zlib";
import { ConfigurationError, messageOf, ValidationError } from "../../core/errors.ts";
import type { Compression } from "../../models/format.ts";
import { bunzip2, Bzip2Error } from "./bzip2.ts";
import { FrameError, zstdFrames } from "./zstd_frames.ts";

type Bytes = AsyncIterable<Uint8Array>;

/** Bytes that come out at once: each step costs, and the library's own 16 KiB are many steps. */
const CHUNK = { chunkSize: 262_144 };

/** The command-line tools' fastest level: about the same size as their default for tables. */
const ZSTD_LEVEL = 1;

/**
 * The bytes of a compressed file; several members or frames one after the other are one file.
 *
 * @throws {ValidationError} when they are malformed or cut
 */
export function decompress(bytes: Bytes, compression: Compression): Bytes {
  switch (compression) {
    case "none":
      return bytes;
    case "gzip":
      return checked(compression, through(bytes, createGunzip(CHUNK)));
    case "zstd":
      return checked(compression, unzstd(bytes));
    case "bz2":
      return checked(compression, bunzip2(bytes));
    case "xz":
      return checked(compression, unxz(bytes));
    case "snappy":
      throw new ConfigurationError('Cannot read a file compressed with "snappy": expected Parquet');
  }
}

/** @throws {ConfigurationError} for a compression that is for reading only */
export function compress(bytes: Bytes, compression: Compression): Bytes {
  switch (compression) {
    case "none":
      return bytes;
    case "gzip":
      return through(bytes, createGzip(CHUNK));
    case "zstd": {
      const params = {
        [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
        [constants.ZSTD_c_checksumFlag]: 1,
      };
      return through(bytes, createZstdCompress({ ...CHUNK, params }));
    }
    default:
      throw new ConfigurationError(
        `Cannot write a file compressed with "${compression}": expected none, gzip or zstd`,
      );
  }
}

async function* through(bytes: Bytes, transform: Transform): AsyncGenerator<Uint8Array> {
  const source = Readable.from(bytes, { objectMode: false, highWaterMark: 1 << 16 });
  // A pipe forwards no errors; the source's own is the one to tell.
  let failure: unknown;
  source.once("error", (error) => {
    failure = error;
    transform.destroy(error);
  });
  try {
    for await (const chunk of source.pipe(transform)) yield chunk;
  } catch (error) {
    throw failure ?? error;
  } finally {
    source.destroy();
    transform.destroy();
    // Whoever made the bytes is done with them when this is.
    if (!source.closed) await once(source, "close");
  }
}

/** Errors of a decompressor become typed; those of the bytes' own source stay. */
async function* checked(compression: Compression, bytes: Bytes): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    if (!isFromDecompressor(error)) throw error;
    throw new ValidationError(`Cannot decompress as ${compression}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

class MalformedError extends Error {}

function isFromDecompressor(error: unknown): boolean {
  if (
    error instanceof MalformedError || error instanceof FrameError || error instanceof Bzip2Error
  ) return true;
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return (typeof code === "string" && code.startsWith("Z_")) || error.message.startsWith("Zstd ");
}

async function* unzstd(bytes: Bytes): AsyncGenerator<Uint8Array> {
  for await (const frame of zstdFrames(bytes)) yield* through(frame, createZstdDecompress(CHUNK));
}

async function* unxz(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const { default: { XzReadableStream } } = await import("xz-decompress");
  let failure: unknown;
  const source = ReadableStream.from((async function* () {
    try {
      yield* bytes;
    } catch (error) {
      failure = error;
      throw error;
    }
  })());
  try {
    yield* new XzReadableStream(source);
  } catch (error) {
    throw failure ?? new MalformedError(messageOf(error));
  }
}
