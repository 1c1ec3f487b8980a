/** What a connection to a SQLite database needs of the runtime. */
import { dirname } from "node:path";
import type { Permissions, Usage } from "../../../core/contracts/provider.ts";
import { missingFolder } from "../../../core/files/write_access.ts";
import { databasePath, type SqliteConfig } from "./config.ts";

/**
 * SQLite opens its companions (`-wal`, `-shm`) by itself, unseen by the runtime; dxt looks at the
 * journal, and writes it where it makes the file.
 */
export function permissions(
  config: SqliteConfig,
  { baseDirectory, writes }: Usage,
): Partial<Permissions> {
  const path = databasePath(config, baseDirectory);
  const files = [path, `${path}-journal`];
  if (config.readonly === true || writes.length === 0) {
    return { read: files };
  }
  const missing = missingFolder(dirname(path));
  const made = missing === undefined ? [] : [missing];
  return { read: [...files, ...made], write: [...files, ...made] };
}
