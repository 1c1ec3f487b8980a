/** Whether the file system takes writes, and which folders a write has to make. */
import { dirname, join } from "node:path";
import { messageOf } from "./errors.ts";

/**
 * The outermost folder that has to be made so that `folder` is there; undefined when it is. What
 * may not be looked at is taken to be there. `bound` is the outermost that may be made.
 */
export function missingFolder(folder: string, bound?: string): string | undefined {
  let missing: string | undefined;
  for (let path = folder;; path = dirname(path)) {
    if (!isMissing(path)) return missing;
    missing = path;
    if (path === bound || dirname(path) === path) return missing;
  }
}

function isMissing(path: string): boolean {
  try {
    Deno.statSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/**
 * Why an existing file cannot be written; undefined when it can. Tried, since modes do not tell
 * all. Its bytes and time stay.
 */
export async function fileProblem(path: string): Promise<string | undefined> {
  try {
    (await Deno.open(path, { write: true })).close();
    return undefined;
  } catch (error) {
    return `file "${path}" cannot be written: ${reason(error)}`;
  }
}

/**
 * Why no file can be made beside `path`, in the nearest folder above it that is there; undefined
 * also where dxt was not granted to find out.
 */
export async function folderProblem(path: string): Promise<string | undefined> {
  let folder = dirname(path);
  try {
    for (;;) {
      if (!mayTry(folder)) return undefined;
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

/** Who was granted files and not their folder can find out no more. */
function mayTry(path: string): boolean {
  return (["read", "write"] as const)
    .every((name) => Deno.permissions.querySync({ name, path }).state === "granted");
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
