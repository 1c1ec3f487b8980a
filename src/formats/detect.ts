/** Detects the format and compression of a file from its name. */
import { ConfigurationError, quoteValue } from "../core/errors.ts";
import type { Compression, Format } from "../models/format.ts";

const FORMAT_BY_EXTENSION: Readonly<Record<string, Format>> = {
  parquet: "parquet",
  pq: "parquet",
  csv: "csv",
  tsv: "tsv",
  tab: "tsv",
  json: "json",
  jsonl: "jsonl",
  ndjson: "jsonl",
  arrow: "arrow",
  arrows: "arrow",
  feather: "arrow",
  ipc: "arrow",
};

const COMPRESSION_BY_EXTENSION: Readonly<Record<string, Compression>> = {
  gz: "gzip",
  gzip: "gzip",
  zst: "zstd",
  zstd: "zstd",
  bz2: "bz2",
  xz: "xz",
};

export interface NamedFormat {
  /** Undefined when the extension is unknown. */
  readonly format: Format | undefined;
  /** Compression of the file as a whole. */
  readonly compression: Compression;
}

/** Detects format and compression: `orders.csv.gz` is CSV in gzip. */
export function detectFormat(path: string): NamedFormat {
  const parts = path.slice(path.lastIndexOf("/") + 1).toLowerCase().split(".").slice(1);
  const compression = lookUp(COMPRESSION_BY_EXTENSION, parts.at(-1));
  const format = lookUp(FORMAT_BY_EXTENSION, parts.at(compression === undefined ? -1 : -2));
  return { format, compression: compression ?? "none" };
}

function lookUp<T>(table: Readonly<Record<string, T>>, key: string | undefined): T | undefined {
  return key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Formats that compress inside the file, not as a whole. */
const COMPRESSED_INSIDE: ReadonlySet<Format> = new Set<Format>(["parquet", "arrow"]);

/** Returns the declared format and compression, or else those that the name implies. */
export function resolveFormat(
  path: string,
  declared: {
    readonly format?: Format | undefined;
    readonly compression?: Compression | undefined;
  },
): { format: Format; compression: Compression } {
  const named = detectFormat(path);
  const format = declared.format ?? named.format;
  if (format === undefined) {
    throw new ConfigurationError(
      `Cannot tell the format of file ${quoteValue(path)}: its name has none of ${
        Object.keys(FORMAT_BY_EXTENSION).map((e) => `.${e}`).join(" ")
      }, set format`,
    );
  }
  if (
    declared.compression === undefined && named.compression !== "none" &&
    COMPRESSED_INSIDE.has(format)
  ) {
    throw new ConfigurationError(
      `Cannot use file ${
        quoteValue(path)
      } as ${format}: ${format} is compressed inside, expected a name without ${
        path.slice(path.lastIndexOf("."))
      }`,
    );
  }
  return { format, compression: declared.compression ?? named.compression };
}
