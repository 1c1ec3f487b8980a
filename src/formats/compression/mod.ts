/** Compresses and decompresses whole files, chunk by chunk. */
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
import { Bzip2Error, decompressBzip2 } from "./bzip2.ts";
import { FrameError, splitZstdFrames } from "./zstd_frames.ts";

type Bytes = AsyncIterable<Uint8Array>;

/** Output chunk size: each chunk costs a step, and the library's default of 16 KiB takes many. */
const CHUNK = { chunkSize: 262_144 };

/** The fastest level: for tables it compresses about as well as the command-line tool's default. */
const ZSTD_LEVEL = 1;

/**
 * Decompresses a file; concatenated members or frames are read as one file.
 *
 * @throws {ValidationError} when it is malformed or truncated
 */
export function decompress(bytes: Bytes, compression: Compression): Bytes {
  switch (compression) {
    case "none":
      return bytes;
    case "gzip":
      return withTypedErrors(compression, pipeThrough(bytes, createGunzip(CHUNK)));
    case "zstd":
      return withTypedErrors(compression, decompressZstd(bytes));
    case "bz2":
      return withTypedErrors(compression, decompressBzip2(bytes));
    case "xz":
      return withTypedErrors(compression, decompressXz(bytes));
    case "snappy":
      throw new ConfigurationError('Cannot read a file compressed with "snappy": expected Parquet');
  }
}

/** @throws {ConfigurationError} for a compression that dxt can only read */
export function compress(bytes: Bytes, compression: Compression): Bytes {
  switch (compression) {
    case "none":
      return bytes;
    case "gzip":
      return pipeThrough(bytes, createGzip(CHUNK));
    case "zstd": {
      const params = {
        [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
        [constants.ZSTD_c_checksumFlag]: 1,
      };
      return pipeThrough(bytes, createZstdCompress({ ...CHUNK, params }));
    }
    default:
      throw new ConfigurationError(
        `Cannot write a file compressed with "${compression}": expected none, gzip or zstd`,
      );
  }
}

async function* pipeThrough(bytes: Bytes, transform: Transform): AsyncGenerator<Uint8Array> {
  const source = Readable.from(bytes, { objectMode: false, highWaterMark: 1 << 16 });
  // A pipe does not forward errors; an error of the source takes precedence.
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
    // Wait until the source is closed: its file is then no longer in use.
    if (!source.closed) await once(source, "close");
  }
}

/** Turns errors of the decompressor into typed ones; errors of the source pass unchanged. */
async function* withTypedErrors(
  compression: Compression,
  bytes: Bytes,
): AsyncGenerator<Uint8Array> {
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

async function* decompressZstd(bytes: Bytes): AsyncGenerator<Uint8Array> {
  for await (const frame of splitZstdFrames(bytes)) {
    yield* pipeThrough(frame, createZstdDecompress(CHUNK));
  }
}

async function* decompressXz(bytes: Bytes): AsyncGenerator<Uint8Array> {
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
