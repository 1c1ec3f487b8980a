/** The dialect of a CSV file: its delimiter, quote, escape and other syntax. */
import { ConfigurationError } from "../../core/errors.ts";
import type { FormatOptions } from "../../models/format.ts";
import type { Encoding } from "../text/encoding.ts";
import { MAX_RECORD_BYTES } from "../text/record_size.ts";

/** Delimiter, quote and escape are byte values, since only ASCII characters are allowed. */
export interface Dialect {
  readonly delimiter: number;
  readonly quote: number;
  readonly escape: number;
  readonly header: boolean;
  readonly encoding: Encoding;
  /** Unquoted text that stands for NULL, in UTF-8. */
  readonly nullValue: Uint8Array;
  readonly lineEnd: string;
  /** Most bytes of one record. */
  readonly maxRecordBytes: number;
}

/** @throws {ConfigurationError} for characters that conflict with each other */
export function resolveDialect(options: FormatOptions, delimiter: string): Dialect {
  const quote = options.quote ?? '"';
  const chosen = {
    delimiter: options.delimiter ?? delimiter,
    quote,
    escape: options.escape ?? quote,
  };
  for (const [key, character] of Object.entries(chosen)) {
    if (/^[\t\x20-\x7e]$/.test(character)) continue;
    throw new ConfigurationError(
      `Cannot use ${
        JSON.stringify(character)
      } as ${key}: expected a tab or a printable ASCII character`,
    );
  }
  if (chosen.delimiter === chosen.quote || chosen.delimiter === chosen.escape) {
    throw new ConfigurationError(
      `Cannot use ${JSON.stringify(chosen.delimiter)} as delimiter: it is also the quote or escape`,
    );
  }
  const nullValue = options.null_value ?? "";
  if (
    /[\r\n]/.test(nullValue) || nullValue.includes(chosen.delimiter) || nullValue.includes(quote)
  ) {
    throw new ConfigurationError(
      `Cannot use ${
        JSON.stringify(nullValue)
      } as null_value: it would need quotes, and quoted text is never NULL`,
    );
  }
  return {
    delimiter: chosen.delimiter.charCodeAt(0),
    quote: chosen.quote.charCodeAt(0),
    escape: chosen.escape.charCodeAt(0),
    header: options.header ?? true,
    encoding: options.encoding ?? "utf-8",
    nullValue: new TextEncoder().encode(nullValue),
    lineEnd: options.line_end ?? "\n",
    maxRecordBytes: options.max_record_bytes ?? MAX_RECORD_BYTES,
  };
}
