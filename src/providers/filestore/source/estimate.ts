/** Estimates the files of a stream by their sizes. */
import type { Estimate, FilestoreConnector } from "../../../core/contracts/connector.ts";
import type { StreamSource } from "../../../models/source.ts";
import { fileType, getFormatHints } from "./file.ts";

/** Kind and bytes. The number of rows is unknown before the files are read. */
export async function estimate(
  connector: FilestoreConnector,
  source: StreamSource,
): Promise<Estimate> {
  const entries = await connector.list(source);
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const [first] = entries;
  const format = first === undefined ? "" : `${await formatName(first.name, source)} `;
  const kind = entries.length === 1 ? `${format}file` : `${entries.length} ${format}files`;
  return { kind, bytes };
}

async function formatName(name: string, source: StreamSource): Promise<string> {
  try {
    return (await fileType(name, getFormatHints(source))).format.name;
  } catch {
    return "";
  }
}
