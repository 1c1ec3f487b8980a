/** File formats, compressions, and the options of a format. */
import { z } from "zod";
import { isCharacter } from "./rules.ts";

export const FORMATS = ["parquet", "csv", "tsv", "json", "jsonl", "arrow"] as const;
export const Format = z.enum(FORMATS).meta({ id: "Format", description: "File format" });
export type Format = z.infer<typeof Format>;

export const COMPRESSIONS = ["none", "snappy", "gzip", "zstd", "bz2", "xz"] as const;
export const Compression = z.enum(COMPRESSIONS).meta({
  id: "Compression",
  description: "Compression of a file; snappy only inside Parquet, bz2 and xz only for reading",
});
export type Compression = z.infer<typeof Compression>;

export const ENCODINGS = ["utf-8", "latin-1", "utf-16", "utf-16le", "utf-16be"] as const;

const char = z.string().refine(isCharacter, {
  error: "expected one character",
});

/** Options of file formats. A format refuses the keys that it does not use. */
export const FormatOptions = z.strictObject({
  delimiter: char.optional().describe(
    "csv: character between fields (default: a comma; tsv: a tab)",
  ),
  quote: char.optional().describe('csv: character around fields (default: ")'),
  escape: char.optional().describe(
    "csv: character before a quote within quotes (default: the quote)",
  ),
  header: z.boolean().optional().describe("csv: the first line names the fields (default: true)"),
  encoding: z.enum(ENCODINGS).optional().describe(
    "csv, json, jsonl: encoding of the text (default: utf-8)",
  ),
  null_value: z.string().optional()
    .describe("csv: unquoted text that stands for NULL (default: an empty field)"),
  line_end: z.enum(["\n", "\r\n"]).optional().describe(
    "csv, jsonl: line end that dxt writes (default: \\n)",
  ),
  infer_rows: z.int().min(1).optional()
    .describe("csv, json, jsonl: records read to infer the types (default: 20480)"),
  max_record_bytes: z.int().min(1).optional().describe(
    "csv, json, jsonl: maximum size of one record, in bytes of text (default: 67108864)",
  ),
  row_group_rows: z.int().min(1).optional().describe(
    "parquet: rows in a row group (default: 65536)",
  ),
}).meta({ id: "FormatOptions", description: "Options of a file format" });
export type FormatOptions = z.infer<typeof FormatOptions>;
