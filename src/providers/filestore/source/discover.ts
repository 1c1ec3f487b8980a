/** Discovers the files of a filestore as streams. */
import type {
  DiscoveredStream,
  FileEntry,
  FilestoreConnector,
} from "../../../core/contracts/connector.ts";
import { DXTError } from "../../../core/errors.ts";
import { detectFormat } from "../../../formats/mod.ts";
import type { Field } from "../../../models/field.ts";
import { fieldsOfFile, stripMark } from "./fields.ts";
import { literalGlob } from "./glob.ts";

/** One stream per file with a known extension; a malformed file has no fields. */
export async function discoverFiles(
  connector: FilestoreConnector,
  signal: AbortSignal,
): Promise<DiscoveredStream[]> {
  const found: DiscoveredStream[] = [];
  for (const entry of await connector.list({ type: "glob", pattern: "**/*" })) {
    signal.throwIfAborted();
    if (detectFormat(entry.path).format === undefined) continue;
    found.push({
      name: literalGlob(entry.path),
      source: { type: "file", path: entry.path },
      fields: await knownFields(connector, entry),
    });
  }
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

async function knownFields(
  connector: FilestoreConnector,
  entry: FileEntry,
): Promise<readonly Field[]> {
  try {
    return (await fieldsOfFile(connector, entry, {})).fields.map(stripMark);
  } catch (error) {
    if (error instanceof DXTError) return [];
    throw error;
  }
}
