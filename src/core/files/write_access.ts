/** Checks whether a file can be created, and which folders that would create. */
import { dirname } from "node:path";
import { messageOf } from "../errors.ts";
import { mayRead } from "../permission_errors.ts";

/**
 * The outermost missing folder on the way to `folder`; undefined when it exists. Paths that may not
 * be read count as existing. Does not look above `bound`.
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
 * Why a file cannot be created at `path`; undefined when it can, or exists. Creates and removes the
 * file and its folders, since file modes alone do not decide.
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
    return `cannot create a file in folder "${folder}": ${describeReason(error)}`;
  } finally {
    if (missing !== undefined) await removeEmpty(folder, missing);
  }
}

/** Removes empty folders from one up to another. */
async function removeEmpty(from: string, to: string): Promise<void> {
  for (let path = from;; path = dirname(path)) {
    await Deno.remove(path).catch(() => {});
    if (path === to) return;
  }
}

function describeReason(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return messageOf(error).replace(/: \w+ '.*$/s, "");
}
