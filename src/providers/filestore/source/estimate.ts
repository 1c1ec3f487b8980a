/** How much the files of a stream hold, by their sizes. */
import type { Estimate, FilestoreConnector } from "../../../core/contracts/connector.ts";
import type { StreamSource } from "../../../models/source.ts";
import { fileType, hintsOf } from "./file.ts";

/** Rows are known only after reading. */
export async function estimate(
  connector: FilestoreConnector,
  source: StreamSource,
): Promise<Estimate> {
  const entries = await connector.list(source);
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const [first] = entries;
  const format = first === undefined ? "" : `${await nameOf(first.name, source)} `;
  const kind = entries.length === 1 ? `${format}file` : `${entries.length} ${format}files`;
  return { kind, bytes };
}

async function nameOf(name: string, source: StreamSource): Promise<string> {
  try {
    return (await fileType(name, hintsOf(source))).format.name;
  } catch {
    return "";
  }
}
