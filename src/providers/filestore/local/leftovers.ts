/** Hidden files and folders that killed loads leave beside a target, and their locks. */
import { dirname, join } from "node:path";
import type { Leftover, LeftoverRequest } from "../../../core/contracts/loader.ts";
import { isLocked, readOwner } from "../../../core/files/file_lock.ts";
import { measurePath } from "../../../core/files/path_size.ts";
import { describeOwner } from "../../../core/files/run_lock.ts";
import { lockTarget, removeIfPresent } from "./lock.ts";
import type { BaseDirectory } from "./paths.ts";
import { statIfPresent } from "./walk.ts";
import { lockPath, oldFolder, siblingPath } from "./write.ts";

/** A target by its absolute path. */
export interface WrittenPath {
  readonly full: string;
  readonly isFolder: boolean;
}

export async function listLeftovers(base: BaseDirectory, target: WrittenPath): Promise<Leftover[]> {
  const lock = lockPath(base, target.full, target.isFolder);
  if (await isLocked(lock)) {
    const owner = await readOwner(lock);
    const holder = owner === undefined ? "another process" : describeOwner(owner);
    return [{ kind: "lock", name: base.show(target.full), holder }];
  }
  const found: Leftover[] = [];
  for (const path of [...await listHidden(base, target), lock]) {
    const stat = await statIfPresent(path);
    const { bytes, changed } = await measurePath(path);
    if (stat === undefined || changed === undefined) continue;
    found.push({
      kind: stat.isDirectory ? "folder" : "file",
      name: base.show(path),
      bytes,
      changed: new Date(changed).toISOString(),
    });
  }
  return found;
}

/**
 * Removes one of them by its name, and in any case a lock that a killed run left.
 *
 * @throws {ConcurrentRunError} when another run writes the target
 */
export async function removeLeftover(
  base: BaseDirectory,
  target: WrittenPath,
  { name, claim, signal }: LeftoverRequest,
): Promise<boolean> {
  const { full, isFolder } = target;
  const lock = lockPath(base, full, isFolder);
  if (await statIfPresent(dirname(lock)) === undefined) return false;
  await using _lock = await lockTarget(lock, base.show(full), { claim, signal });
  if (name === base.show(lock)) return true;
  const path = (await listHidden(base, target)).find((hidden) => base.show(hidden) === name);
  if (path === undefined || await statIfPresent(path) === undefined) return false;
  await removeIfPresent(path);
  return true;
}

/** Paths of what no load has any use for; they need not exist. */
async function listHidden(
  base: BaseDirectory,
  { full, isFolder }: WrittenPath,
): Promise<string[]> {
  if (!isFolder) return [siblingPath(full, "new")];
  const added = join(full, ".dxt-new");
  if (full === base.folder) return [added];
  // Without a new folder in its place, the old one is the target, which the next load restores.
  const old = await statIfPresent(full) === undefined ? [] : [oldFolder(full)];
  return [added, siblingPath(full, "new"), ...old];
}
