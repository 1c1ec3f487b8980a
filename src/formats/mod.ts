/** File formats, each loaded on first use. */
import { ConfigurationError } from "../core/errors.ts";
import { suggestWord } from "../core/did_you_mean.ts";
import type { Format, FormatOptions } from "../models/format.ts";
import type { FileFormat, FormatInfo } from "./format.ts";

export { FORMATS } from "./catalog.ts";
export { detectFormat, type NamedFormat, resolveFormat } from "./detect.ts";
export type {
  FileFormat,
  FileInput,
  FileRange,
  FormatInfo,
  ReadRequest,
  Split,
  WriteRequest,
} from "./format.ts";

const LOADERS: Readonly<Record<Format, () => Promise<{ default: FileFormat }>>> = {
  parquet: () => import("./parquet/parquet.ts"),
  csv: () => import("./csv/csv.ts"),
  tsv: () => import("./csv/tsv.ts"),
  json: () => import("./json/json.ts"),
  jsonl: () => import("./json/jsonl.ts"),
  arrow: () => import("./arrow/arrow.ts"),
};

/** Loads the code of a format. */
export async function loadFormat(name: Format): Promise<FileFormat> {
  return (await LOADERS[name]()).default;
}

/** @throws {ConfigurationError} for an option that the format does not have */
export function checkOptions(format: FormatInfo, options: FormatOptions): void {
  const known: readonly string[] = format.optionKeys;
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const wanted = known.length === 0 ? "it has no options" : `known are ${known.join(", ")}`;
    throw new ConfigurationError(
      `Cannot use option "${key}" with format ${format.name}: ${wanted}${suggestWord(key, known)}`,
    );
  }
}
