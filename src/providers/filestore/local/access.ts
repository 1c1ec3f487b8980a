/** What can be done with files, as the file system says it. */
import type { Access, FilestoreConnector } from "../../../core/contracts/connector.ts";
import { DXTError, messageOf } from "../../../core/errors.ts";
import type { StreamSource, StreamTarget } from "../../../models/source.ts";
import type { LoadMode } from "../../../models/stream.ts";
import { requireFiles } from "../source/fields.ts";
import { fileType, hintsOf } from "../source/file.ts";
import { explainError } from "./errors.ts";
import type { BaseDirectory } from "./paths.ts";
import { statIfPresent } from "./walk.ts";
import { tryWriting } from "./write.ts";

/** Each file is opened, and its name or the source tells its format. */
export async function checkRead(
  connector: FilestoreConnector,
  source: StreamSource,
): Promise<Access> {
  const name = "path" in source ? source.path : "pattern" in source ? source.pattern : "";
  const action = `read ${source.type} "${name}"`;
  const problems: string[] = [];
  try {
    const entries = await connector.list(source);
    requireFiles(entries, source);
    for (const entry of entries) {
      try {
        await fileType(entry.name, hintsOf(source));
        await using _file = await connector.openRead(entry.path);
      } catch (error) {
        problems.push(refused(error));
      }
    }
  } catch (error) {
    problems.push(refused(error));
  }
  return { action, problems };
}

/** A file is written beside the old one and renamed: its folder is what must take writes. */
export async function checkWrite(
  connector: FilestoreConnector,
  base: BaseDirectory,
  target: StreamTarget,
  mode: LoadMode,
  signal: AbortSignal,
): Promise<Access> {
  const name = "path" in target ? target.path : "";
  const action = `${mode} ${target.type} "${name}"`;
  let full = base.folder;
  try {
    full = base.resolve(name);
    const there = await statIfPresent(full);
    if (target.type === "file") {
      await fileType(name, hintsOf(target));
      // An append reads what is there; of a folder of that name it says so.
      for (const { path } of await connector.list(target)) {
        if (mode !== "append") continue;
        await using _file = await connector.openRead(path);
      }
    } else if (there?.isDirectory === false) {
      return { action, problems: [`"${name}" is a file, expected a folder`] };
    }
    await tryWriting(base, full, target.type === "directory", signal);
    return { action, problems: [] };
  } catch (error) {
    return { action, problems: [messageOf(explainError(error, "write", full, base))] };
  }
}

function refused(error: unknown): string {
  if (error instanceof DXTError) return error.message;
  throw error;
}
