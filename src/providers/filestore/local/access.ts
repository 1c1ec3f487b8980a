/** Checks whether files can be read and written. */
import type { Access, FilestoreConnector } from "../../../core/contracts/connector.ts";
import { DXTError, messageOf } from "../../../core/errors.ts";
import type { StreamSource, StreamTarget } from "../../../models/source.ts";
import type { LoadMode } from "../../../models/stream.ts";
import { requireFiles } from "../source/fields.ts";
import { fileType, getFormatHints } from "../source/file.ts";
import { explainError } from "./errors.ts";
import type { BaseDirectory } from "./paths.ts";
import { statIfPresent } from "./walk.ts";
import { tryWriting } from "./write.ts";

/** Opens each file and determines its format. */
export async function checkRead(
  connector: FilestoreConnector,
  source: StreamSource,
): Promise<Access> {
  const name = "path" in source ? source.path : "pattern" in source ? source.pattern : "";
  const action = `read ${source.type} "${name}"`;
  const problems: string[] = [];
  try {
    const entries = await connector.list(source);
    if (entries.length === 0 && source.type !== "glob") {
      const why = await connector.describeMissing(source);
      return { action, problems: [`Cannot find ${source.type} "${name}" ${why}`] };
    }
    requireFiles(entries, source);
    for (const entry of entries) {
      try {
        await fileType(entry.name, getFormatHints(source));
        await using _file = await connector.openRead(entry.path);
      } catch (error) {
        problems.push(toProblem(error));
      }
    }
  } catch (error) {
    problems.push(toProblem(error));
  }
  return { action, problems };
}

/** Checks that the folder of the target is writable: files are written next to it and renamed. */
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
    const existing = await statIfPresent(full);
    if (target.type === "file") {
      await fileType(name, getFormatHints(target));
      // An append reads the existing file; listing throws when the name is a folder.
      for (const { path } of await connector.list(target)) {
        if (mode !== "append") continue;
        await using _file = await connector.openRead(path);
      }
    } else if (existing?.isDirectory === false) {
      return { action, problems: [`"${name}" is a file, expected a folder`] };
    }
    await tryWriting(base, full, target.type === "directory", signal);
    return { action, problems: [] };
  } catch (error) {
    return { action, problems: [messageOf(explainError(error, "write", full, base))] };
  }
}

function toProblem(error: unknown): string {
  if (error instanceof DXTError) return error.message;
  throw error;
}
