/** Whether the file system takes writes: tried, since modes of files do not tell all. */
import { dirname, join } from "node:path";
import { messageOf } from "./errors.ts";

/** Why an existing file cannot be written; undefined when it can. Its bytes and time stay. */
export async function fileProblem(path: string): Promise<string | undefined> {
  try {
    (await Deno.open(path, { write: true })).close();
    return undefined;
  } catch (error) {
    return `file "${path}" cannot be written: ${reason(error)}`;
  }
}

/** Why no file can be made beside `path`, in the nearest folder above it that is there. */
export async function folderProblem(path: string): Promise<string | undefined> {
  let folder = dirname(path);
  try {
    for (;;) {
      const stat = await statOf(folder);
      if (stat !== undefined && !stat.isDirectory) {
        return `"${folder}" is a file, expected a folder`;
      }
      if (stat !== undefined || dirname(folder) === folder) break;
      folder = dirname(folder);
    }
    const probe = join(folder, `.dxt-probe-${crypto.randomUUID()}`);
    (await Deno.open(probe, { write: true, createNew: true })).close();
    await Deno.remove(probe);
    return undefined;
  } catch (error) {
    return `no file can be made in folder "${folder}": ${reason(error)}`;
  }
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) return "the system denies permission";
  return messageOf(error).replace(/: \w+ '.*$/s, "");
}
