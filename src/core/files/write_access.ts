/** Folders that a write has to make, and whether it could. */
import { dirname } from "node:path";
import { messageOf } from "../errors.ts";
import { mayRead } from "../permission_errors.ts";

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
  if (!mayRead(path)) return false;
  try {
    Deno.statSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/**
 * Why a file cannot be made at `path`; undefined when it can, or is there. Tried, since modes do
 * not tell all; nothing of it is left.
 */
export async function writeProblem(path: string): Promise<string | undefined> {
  const folder = dirname(path);
  const missing = missingFolder(folder);
  try {
    if (missing !== undefined) await Deno.mkdir(folder, { recursive: true });
    (await Deno.open(path, { write: true, createNew: true })).close();
    await Deno.remove(path);
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    if (error instanceof Deno.errors.NotADirectory) {
      return `"${folder}" is a file, expected a folder`;
    }
    return `no file can be made in folder "${folder}": ${reason(error)}`;
  } finally {
    if (missing !== undefined) await removeEmpty(folder, missing);
  }
}

/** Removes the folders from one up to another, unless somebody has put something into them. */
async function removeEmpty(from: string, to: string): Promise<void> {
  for (let path = from;; path = dirname(path)) {
    await Deno.remove(path).catch(() => {});
    if (path === to) return;
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) return "the system denies permission";
  return messageOf(error).replace(/: \w+ '.*$/s, "");
}
