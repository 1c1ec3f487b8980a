import { z } from "zod";
import { isCharacter } from "./rules.ts";

export const FORMATS = ["parquet", "csv", "tsv", "json", "jsonl", "arrow"] as const;
export const Format = z.enum(FORMATS).meta({ id: "Format", description: "File format" });
export type Format = z.infer<typeof Format>;

export const COMPRESSIONS = ["none", "snappy", "gzip", "zstd", "bz2", "xz"] as const;
export const Compression = z.enum(COMPRESSIONS).meta({
  id: "Compression",
  description: "Compression of a file; snappy inside Parquet only, bz2 and xz for reading only",
});
export type Compression = z.infer<typeof Compression>;

export const ENCODINGS = ["utf-8", "latin-1", "utf-16", "utf-16le", "utf-16be"] as const;

const char = z.string().refine(isCharacter, {
  error: "expected one character",
});

/** How a file is written down. Keys that a format has no use for are refused by that format. */
export const FormatOptions = z.strictObject({
  delimiter: char.optional().describe("csv: between fields; a comma (csv) or tab (tsv)"),
  quote: char.optional().describe('csv: around fields; "'),
  escape: char.optional().describe("csv: before a quote inside quotes (default: the quote itself)"),
  header: z.boolean().optional().describe("csv: the first line names the fields (default: true)"),
  encoding: z.enum(ENCODINGS).optional().describe("csv, json, jsonl: of the text; utf-8"),
  null_value: z.string().optional()
    .describe("csv: unquoted text that means NULL (default: the empty field)"),
  line_end: z.enum(["\n", "\r\n"]).optional().describe(
    "csv, jsonl: written after each record; \\n",
  ),
  infer_rows: z.int().min(1).optional()
    .describe("csv, json, jsonl: records read to infer the types (default: 20480)"),
  max_record_bytes: z.int().min(1).optional().describe(
    "csv, json, jsonl: maximum size of one record, in bytes of text (default: 67108864)",
  ),
  row_group_rows: z.int().min(1).optional().describe(
    "parquet: rows in a row group (default: 65536)",
  ),
}).meta({ id: "FormatOptions", description: "How a file is written down" });
export type FormatOptions = z.infer<typeof FormatOptions>;
