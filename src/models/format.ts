/** File formats, compressions, and the options of a format. */
import { z } from "zod";
import { describedEnum, withDefault } from "./describe.ts";
import { isCharacter } from "./rules.ts";

export const Format = describedEnum({
  parquet: "Columns with types and statistics; reads only the columns that it needs",
  csv: "Text with commas; types are inferred when it is read",
  tsv: "Text with tabs; types are inferred when it is read",
  json: "One array of objects",
  jsonl: "One object per line",
  arrow: "Arrow's IPC stream or file",
}, { id: "Format", description: "File format" });
export const FORMATS = Format.options;
export type Format = z.infer<typeof Format>;

export const Compression = describedEnum({
  none: "Not compressed",
  snappy: "Only inside Parquet: fast, files are larger",
  gzip: "Read by everything, slow",
  zstd: "Small and fast",
  bz2: "Only for reading",
  xz: "Only for reading",
}, {
  id: "Compression",
  description: "Compression of a file; snappy only inside Parquet, bz2 and xz only for reading",
});
export const COMPRESSIONS = Compression.options;
export type Compression = z.infer<typeof Compression>;

export const Encoding = describedEnum({
  "utf-8": "Unicode, the usual one",
  "latin-1": "ISO 8859-1: one byte per character",
  "utf-16": "Unicode in two bytes; a byte order mark tells their order, little-endian without one",
  "utf-16le": "Unicode in two bytes, little-endian",
  "utf-16be": "Unicode in two bytes, big-endian",
});
export const ENCODINGS = Encoding.options;

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
  header: z.boolean().optional().meta(withDefault("csv: the first line names the fields", true)),
  encoding: Encoding.optional().meta(
    withDefault("csv, json, jsonl: encoding of the text", "utf-8"),
  ),
  null_value: z.string().optional()
    .describe("csv: unquoted text that stands for NULL (default: an empty field)"),
  line_end: describedEnum({ "\n": "As on Linux and macOS", "\r\n": "As on Windows" }).optional()
    .meta(
      withDefault("csv, jsonl: line end that dxt writes", "\n", "\\n"),
    ),
  infer_rows: z.int().min(1).optional()
    .meta(withDefault("csv, json, jsonl: records read to infer the types", 20480)),
  max_record_bytes: z.int().min(1).optional().meta(
    withDefault("csv, json, jsonl: maximum size of one record, in bytes of text", 67108864),
  ),
  row_group_rows: z.int().min(1).optional().meta(
    withDefault("parquet: rows in a row group", 65536),
  ),
}).meta({ id: "FormatOptions", description: "Options of a file format" });
export type FormatOptions = z.infer<typeof FormatOptions>;
