/** Several of dxt's files as one, where nothing needs to be decoded for it. */
import { isDeepStrictEqual } from "node:util";
import {
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
} from "../../arrow/mod.ts";
import { SchemaError, ValidationError } from "../../core/errors.ts";
import type { FileInput, WriteRequest } from "../format.ts";
import { codecFor } from "./codec.ts";
import { type Merged, mergeParquet } from "./concat.ts";
import type { Footer } from "./footer.ts";
import { ColumnChunk, ColumnMetaData, Statistics } from "./metadata.ts";

/** As the format's `join`. */
export async function joinParquet(
  parts: readonly FileInput[],
  { fields, compression, options, recycle }: WriteRequest,
): Promise<AsyncGenerator<Uint8Array, void, void> | undefined> {
  if (options.row_group_rows !== undefined) return undefined;
  const merged = await merge(parts);
  if (merged === undefined) return undefined;
  const codec = codecFor(compression).id;
  // As they are kept: without keys that are undefined.
  const wanted = JSON.parse(JSON.stringify(fields));
  for (const footer of merged.footers) {
    if (
      !isDeepStrictEqual(footer.kept, wanted) ||
      !footer.rowGroups.every(({ chunks }) => chunks.every(hasCodec))
    ) return undefined;
    if (holdsInfinity(footer)) return undefined;
  }
  return merged.bytes(recycle);

  function hasCodec(chunk: Footer["rowGroups"][number]["chunks"][number]): boolean {
    return chunk.struct(ColumnChunk.metadata)?.number(ColumnMetaData.codec) === codec;
  }
}

/** Undefined for parts that cannot be one file; what reading them throws comes through. */
async function merge(parts: readonly FileInput[]): Promise<Merged | undefined> {
  try {
    return await mergeParquet(parts);
  } catch (error) {
    if (error instanceof ValidationError || error instanceof SchemaError) return undefined;
    throw error;
  }
}

/** Whether a bound of a column of dates or timestamps is the number that stands for infinity. */
function holdsInfinity({ kept, rowGroups }: Footer): boolean {
  return kept.some(({ dtype }, i) => {
    const isInfinite = INFINITE[dtype];
    return isInfinite !== undefined && rowGroups.some(({ chunks }) => {
      const statistics = chunks[i]!.struct(ColumnChunk.metadata)?.struct(ColumnMetaData.statistics);
      return [Statistics.min, Statistics.max].some((bound) => {
        const bytes = statistics?.get(bound);
        return bytes instanceof Uint8Array &&
          isInfinite(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      });
    });
  });
}

const micros = (view: DataView) => {
  const value = view.getBigInt64(0, true);
  return value === INFINITE_MICROS || value === NEGATIVE_INFINITE_MICROS;
};
const INFINITE: Readonly<Record<string, (view: DataView) => boolean>> = {
  date: (view) => {
    const value = view.getInt32(0, true);
    return value === INFINITE_DAY || value === NEGATIVE_INFINITE_DAY;
  },
  timestamp: micros,
  timestamp_tz: micros,
};
