/** Writes files and folders atomically: readers see the old content or the complete new one. */
import { basename, dirname, join } from "node:path";
import { ConcurrentRunError, LoaderError } from "../../../core/errors.ts";
import { mayRead } from "../../../core/permission_errors.ts";
import { type LockRequest, lockTarget, removeIfPresent } from "./lock.ts";
import { createFileLike, createFolderLike } from "./ownership.ts";
import type { BaseDirectory } from "./paths.ts";
import { statIfPresent } from "./walk.ts";

/** Checks a written file before it appears under its name; throws to prevent that. */
export type CheckFile = (full: string) => Promise<void>;

/** A file to write into a folder; its name has `/` as separator. */
export interface FileToWrite {
  readonly name: string;
  readonly bytes: () => AsyncIterable<Uint8Array>;
  readonly check: CheckFile;
}

/** Hidden paths next to a target: its lock, the new content, the old content. */
export const siblingPath = (full: string, ending: "lock" | "new" | "old") =>
  join(dirname(full), `.${basename(full)}.dxt-${ending}`);

/** Path of a folder while it is being replaced. */
export const oldFolder = (full: string) => siblingPath(full, "old");

/**
 * Writes a file next to its target, flushes it to disk, and renames it; returns its size. It gets
 * the mode and owner of the replaced file before its first byte.
 */
export async function writeFile(
  base: BaseDirectory,
  full: string,
  bytes: AsyncIterable<Uint8Array>,
  check: CheckFile,
  lock: LockRequest,
): Promise<number> {
  await using created = await createFolder(dirname(full), base);
  await using _lock = await lockTarget(lockPath(base, full, false), base.show(full), lock);
  const fresh = siblingPath(full, "new");
  try {
    await removeIfPresent(fresh);
    const size = await writeWhole(fresh, bytes, await statIfPresent(full));
    await check(fresh);
    await Deno.rename(fresh, full);
    created.keep();
    await syncFolder(dirname(full));
    return size;
  } finally {
    await removeIfPresent(fresh);
  }
}

/** Adds files to a folder: writes all of them in a hidden folder inside it, then renames them. */
export async function addToFolder(
  base: BaseDirectory,
  full: string,
  files: readonly FileToWrite[],
  lock: LockRequest,
): Promise<void> {
  await using above = await createFolder(full === base.folder ? full : dirname(full), base);
  await using _lock = await lockFolder(base, full, lock);
  await recoverFolder(base, full);
  await using created = await createFolder(full, base);
  const fresh = join(full, ".dxt-new");
  try {
    await writeAll(fresh, files, full);
    await moveAll(fresh, full, files, base);
    created.keep();
    above.keep();
    for (const folder of listFolders(full, files)) await syncFolder(folder);
  } finally {
    await removeIfPresent(fresh);
  }
}

/**
 * Checks that a target can be written: creates its folders and its lock, then removes them.
 *
 * @throws the error that a write would throw
 */
export async function tryWriting(
  base: BaseDirectory,
  full: string,
  isFolder: boolean,
  signal: AbortSignal,
): Promise<void> {
  const request = { claim: undefined, signal };
  const inside = isFolder && full === base.folder;
  await using _created = await createFolder(inside ? full : dirname(full), base);
  try {
    await using _lock = isFolder
      ? await lockFolder(base, full, request)
      : await lockTarget(lockPath(base, full, false), base.show(full), request);
    if (isFolder) await recoverFolder(base, full);
    if (isFolder && await statIfPresent(full) !== undefined) {
      await tryFolder(join(full, ".dxt-new"));
    }
  } catch (error) {
    // Another run holds the lock, and so can write.
    if (!(error instanceof ConcurrentRunError)) throw error;
  }
}

/** Creates and removes a folder; leaves one of a killed run unchanged. */
async function tryFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder);
    await Deno.remove(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** Renames files from one folder into another, or none of them. */
async function moveAll(
  from: string,
  to: string,
  files: readonly FileToWrite[],
  base: BaseDirectory,
): Promise<void> {
  const moved: string[] = [];
  const created: CreatedFolders[] = [];
  try {
    for (const { name } of files) {
      const path = join(to, name);
      created.push(await createFolder(dirname(path), base));
      const known = await statIfPresent(path) !== undefined;
      await Deno.rename(join(from, name), path);
      if (!known) moved.push(path);
    }
  } catch (error) {
    for (const path of moved) await removeIfPresent(path);
    for (const folders of created.reverse()) await folders[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Writes files into a folder next to the target, and swaps both with two renames, since the runtime
 * cannot exchange folders in one call. Between the renames the target does not exist. If the process
 * dies there, the old folder remains complete under its hidden name: `readableFolder` finds it, and
 * the next writer or `dxt test` restores it.
 */
export async function replaceFolder(
  base: BaseDirectory,
  full: string,
  files: readonly FileToWrite[],
  lock: LockRequest,
): Promise<void> {
  await using created = await createFolder(dirname(full), base);
  await using _lock = await lockFolder(base, full, lock);
  await recoverFolder(base, full);
  const [fresh, old] = [siblingPath(full, "new"), oldFolder(full)];
  try {
    await writeAll(fresh, files, full);
    await swap(full, fresh, old);
    created.keep();
    await syncFolder(dirname(full));
  } finally {
    await removeIfPresent(fresh);
  }
}

/** Exchanges the new folder and the target: afterwards the path `fresh` has the old folder. */
async function swap(full: string, fresh: string, old: string): Promise<void> {
  const known = await statIfPresent(full) !== undefined;
  if (known) await Deno.rename(full, old);
  try {
    await Deno.rename(fresh, full);
  } catch (error) {
    if (known) await Deno.rename(old, full);
    throw error;
  }
  // Removing its files takes time, during which readers must not find the old folder.
  if (known) await Deno.rename(old, fresh);
}

/** Locks a folder; the connection's own folder from inside, since its parent may be out of bounds. */
function lockFolder(
  base: BaseDirectory,
  full: string,
  lock: LockRequest,
): Promise<AsyncDisposable> {
  return lockTarget(lockPath(base, full, true), base.show(full), lock);
}

/** Path of the lock of a target. */
export function lockPath(base: BaseDirectory, full: string, isFolder: boolean): string {
  return isFolder && full === base.folder ? join(full, ".dxt-lock") : siblingPath(full, "lock");
}

/**
 * Restores a folder that a killed run left under its hidden name; the caller holds the lock. If the
 * folder exists, the hidden one is a remainder of a completed swap and is removed.
 */
async function recoverFolder(base: BaseDirectory, full: string): Promise<void> {
  // The connection's own folder is never replaced, and its parent may be out of bounds.
  if (full === base.folder) return;
  const old = oldFolder(full);
  if (await statIfPresent(old) === undefined) return;
  if (await statIfPresent(full) === undefined) await Deno.rename(old, full);
  else await removeIfPresent(old);
}

/** The path at which a folder can be read: its hidden name during and after an interrupted swap. */
export async function readableFolder(base: BaseDirectory, full: string): Promise<string> {
  if (full === base.folder || await statIfPresent(full) !== undefined) return full;
  // Without a hidden folder, the folder is missing or its swap has just completed.
  return await statIfPresent(oldFolder(full)) === undefined ? full : oldFolder(full);
}

/** Writes files into a new folder, each with mode and owner of the file that it will replace. */
async function writeAll(
  folder: string,
  files: readonly FileToWrite[],
  replaced: string,
): Promise<void> {
  await removeIfPresent(folder);
  const old = await statIfPresent(replaced);
  await createFolderLike(folder, old);
  const any = old && await anyFile(replaced);
  for (const { name, bytes, check } of files) {
    const path = join(folder, name);
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeWhole(path, bytes(), await statIfPresent(join(replaced, name)) ?? any);
    await check(path);
  }
  for (const inside of listFolders(folder, files)) await syncFolder(inside);
}

/** The folder and the subfolders of the files. */
function listFolders(folder: string, files: readonly FileToWrite[]): Set<string> {
  const folders = new Set([folder]);
  for (const { name } of files) {
    for (let path = dirname(name); path !== "."; path = dirname(path)) {
      folders.add(join(folder, path));
    }
  }
  return folders;
}

/** Any file of the folder; added files get its mode and owner, so that they are as private. */
async function anyFile(folder: string): Promise<Deno.FileInfo | undefined> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && !name.startsWith(".")) return await statIfPresent(join(folder, name));
  }
  return undefined;
}

/** @param old the file whose mode and owner are copied */
async function writeWhole(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  old: Deno.FileInfo | undefined,
): Promise<number> {
  using file = await createFileLike(path, old);
  let size = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
    size += chunk.length;
  }
  await file.sync();
  return size;
}

/** Flushes a folder, which makes renames in it durable. Not possible on Windows. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using file = await Deno.open(folder);
  await file.sync();
}

interface CreatedFolders extends AsyncDisposable {
  /** Disposing no longer removes the folders. */
  keep(): void;
}

/** Creates a folder and its parents; disposing the result removes those that were created. */
async function createFolder(folder: string, base: BaseDirectory): Promise<CreatedFolders> {
  const missing: string[] = [];
  for (let path = folder; await isMissing(path, base); path = dirname(path)) {
    missing.push(path);
    // The connection may not even read above its own folder.
    if (path === base.folder) break;
  }
  // mkdir needs write permission for the whole folder even when it exists.
  if (missing.length > 0) await Deno.mkdir(folder, { recursive: true });
  return {
    keep() {
      missing.length = 0;
    },
    async [Symbol.asyncDispose]() {
      for (const path of missing) {
        // Fails when another run has created something in it.
        await Deno.remove(path).catch(() => {});
      }
    },
  };
}

/** Whether a folder is missing. One that may not be read counts as existing. */
async function isMissing(path: string, base: BaseDirectory): Promise<boolean> {
  if (!mayRead(path)) return false;
  const stat = await statIfPresent(path);
  if (stat !== undefined && !stat.isDirectory) {
    throw new LoaderError(
      `Cannot write into "${base.show(path)}": it is a file, expected a folder`,
    );
  }
  return stat === undefined;
}
