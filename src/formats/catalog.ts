/** Facts about each format, known without loading its code. */
import type { Format, FormatOptions } from "../models/format.ts";
import type { FormatInfo } from "./format.ts";

const FILE_COMPRESSIONS = ["none", "gzip", "zstd"] as const;
const DELIMITED: readonly (keyof FormatOptions)[] = [
  "delimiter",
  "quote",
  "escape",
  "header",
  "encoding",
  "null_value",
  "line_end",
  "infer_rows",
  "max_record_bytes",
];

export const FORMATS: Readonly<Record<Format, FormatInfo>> = {
  parquet: {
    name: "parquet",
    extension: "parquet",
    compressions: ["zstd", "snappy", "gzip", "none"],
    optionKeys: ["row_group_rows"],
  },
  csv: { name: "csv", extension: "csv", compressions: FILE_COMPRESSIONS, optionKeys: DELIMITED },
  tsv: { name: "tsv", extension: "tsv", compressions: FILE_COMPRESSIONS, optionKeys: DELIMITED },
  json: {
    name: "json",
    extension: "json",
    compressions: FILE_COMPRESSIONS,
    optionKeys: ["encoding", "infer_rows", "max_record_bytes"],
  },
  jsonl: {
    name: "jsonl",
    extension: "jsonl",
    compressions: FILE_COMPRESSIONS,
    optionKeys: ["encoding", "infer_rows", "max_record_bytes", "line_end"],
  },
  arrow: { name: "arrow", extension: "arrow", compressions: ["none"], optionKeys: [] },
};
