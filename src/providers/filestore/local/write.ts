/** Files and folders that readers see as they were, or complete. */
import { basename, dirname, join } from "node:path";
import { ConcurrentRunError, LoaderError } from "../../../core/errors.ts";
import { mayRead } from "../../../core/permission_errors.ts";
import { type LockRequest, lockTarget, removeIfPresent } from "./lock.ts";
import { makeFile, makeFolderLike } from "./ownership.ts";
import type { BaseDirectory } from "./paths.ts";
import { statIfPresent } from "./walk.ts";

/** Looks at a written file; throws to stop it from appearing. */
export type CheckFile = (full: string) => Promise<void>;

/** A file to write into a folder, its name with `/` between its parts. */
export interface FileToWrite {
  readonly name: string;
  readonly bytes: () => AsyncIterable<Uint8Array>;
  readonly check: CheckFile;
}

/** Hidden names beside a target: its lock, what is being written, what it was. */
export const siblingPath = (full: string, ending: "lock" | "new" | "old") =>
  join(dirname(full), `.${basename(full)}.dxt-${ending}`);

/** What a folder is called while a new one takes its place. */
export const oldFolder = (full: string) => siblingPath(full, "old");

/**
 * Writes a file beside its target, flushes it to the disk, and renames it; returns its size. The
 * file has the mode and owner of the one that it replaces before a byte is in it.
 */
export async function writeFile(
  base: BaseDirectory,
  full: string,
  bytes: AsyncIterable<Uint8Array>,
  check: CheckFile,
  lock: LockRequest,
): Promise<number> {
  await using made = await makeFolder(dirname(full), base);
  await using _lock = await lockTarget(siblingPath(full, "lock"), base.show(full), lock);
  const fresh = siblingPath(full, "new");
  try {
    await removeIfPresent(fresh);
    const size = await writeWhole(fresh, bytes, await statIfPresent(full));
    await check(fresh);
    await Deno.rename(fresh, full);
    made.keep();
    await syncFolder(dirname(full));
    return size;
  } finally {
    await removeIfPresent(fresh);
  }
}

/** Adds files to a folder: all are written inside it under hidden names, then renamed. */
export async function addToFolder(
  base: BaseDirectory,
  full: string,
  files: readonly FileToWrite[],
  lock: LockRequest,
): Promise<void> {
  await using above = await makeFolder(full === base.folder ? full : dirname(full), base);
  await using _lock = await lockFolder(base, full, lock);
  await recoverFolder(base, full);
  await using made = await makeFolder(full, base);
  const fresh = join(full, ".dxt-new");
  try {
    await writeAll(fresh, files, full);
    await moveAll(fresh, full, files, base);
    made.keep();
    above.keep();
    for (const folder of foldersOf(full, files)) await syncFolder(folder);
  } finally {
    await removeIfPresent(fresh);
  }
}

/**
 * Begins to write a file, or into a folder, and takes it back: so it is known that it could.
 *
 * @throws what a write would
 */
export async function tryWriting(
  base: BaseDirectory,
  full: string,
  isFolder: boolean,
  signal: AbortSignal,
): Promise<void> {
  const request = { claim: undefined, signal };
  const inside = isFolder && full === base.folder;
  await using _made = await makeFolder(inside ? full : dirname(full), base);
  try {
    await using _lock = isFolder
      ? await lockFolder(base, full, request)
      : await lockTarget(siblingPath(full, "lock"), base.show(full), request);
    if (isFolder) await recoverFolder(base, full);
    if (isFolder && await statIfPresent(full) !== undefined) {
      await tryMaking(join(full, ".dxt-new"));
    }
  } catch (error) {
    // Who holds the lock can write.
    if (!(error instanceof ConcurrentRunError)) throw error;
  }
}

/** Makes a folder; one that a killed run left stays as it is. */
async function tryMaking(folder: string): Promise<void> {
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
  const made: MadeFolders[] = [];
  try {
    for (const { name } of files) {
      const path = join(to, name);
      made.push(await makeFolder(dirname(path), base));
      const known = await statIfPresent(path) !== undefined;
      await Deno.rename(join(from, name), path);
      if (!known) moved.push(path);
    }
  } catch (error) {
    for (const path of moved) await removeIfPresent(path);
    for (const folders of made.reverse()) await folders[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Writes files into a folder beside the target, and swaps the two by two renames: the runtime has no
 * call that exchanges them. Between the renames no folder has that name. A process that dies there
 * leaves the old folder whole under its hidden name, where `readableFolder` finds it, and the next
 * writer or `dxt test` brings it back.
 */
export async function replaceFolder(
  base: BaseDirectory,
  full: string,
  files: readonly FileToWrite[],
  lock: LockRequest,
): Promise<void> {
  await using made = await makeFolder(dirname(full), base);
  await using _lock = await lockFolder(base, full, lock);
  await recoverFolder(base, full);
  const [fresh, old] = [siblingPath(full, "new"), oldFolder(full)];
  try {
    await writeAll(fresh, files, full);
    await swap(full, fresh, old);
    made.keep();
    await syncFolder(dirname(full));
  } finally {
    await removeIfPresent(fresh);
  }
}

/** Puts the fresh folder in place of the old one, which has the fresh one's name afterwards. */
async function swap(full: string, fresh: string, old: string): Promise<void> {
  const known = await statIfPresent(full) !== undefined;
  if (known) await Deno.rename(full, old);
  try {
    await Deno.rename(fresh, full);
  } catch (error) {
    if (known) await Deno.rename(old, full);
    throw error;
  }
  // Removing its files takes a while: its name must not last so long, or it might be read again.
  if (known) await Deno.rename(old, fresh);
}

/** The connection's own folder is locked from inside: what is beside it may be out of bounds. */
function lockFolder(
  base: BaseDirectory,
  full: string,
  lock: LockRequest,
): Promise<AsyncDisposable> {
  const path = full === base.folder ? join(full, ".dxt-lock") : siblingPath(full, "lock");
  return lockTarget(path, base.show(full), lock);
}

/**
 * A folder that a killed run left under its hidden name gets its own back; the caller holds the
 * lock. Where the folder has its name, a hidden one is what was left of a swap that was done.
 */
async function recoverFolder(base: BaseDirectory, full: string): Promise<void> {
  // The connection's own is replaced by nobody, and what is beside it may be out of bounds.
  if (full === base.folder) return;
  const old = oldFolder(full);
  if (await statIfPresent(old) === undefined) return;
  if (await statIfPresent(full) === undefined) await Deno.rename(old, full);
  else await removeIfPresent(old);
}

/** Where the files of a folder are: under its hidden name while, or since, a swap was cut off. */
export async function readableFolder(base: BaseDirectory, full: string): Promise<string> {
  if (full === base.folder || await statIfPresent(full) !== undefined) return full;
  // Without a hidden one the folder is missing, or its swap has just ended.
  return await statIfPresent(oldFolder(full)) === undefined ? full : oldFolder(full);
}

/** Writes files into a new folder, each with the mode and owner of the one that it will replace. */
async function writeAll(
  folder: string,
  files: readonly FileToWrite[],
  replaced: string,
): Promise<void> {
  await removeIfPresent(folder);
  const old = await statIfPresent(replaced);
  await makeFolderLike(folder, old);
  const any = old && await anyFile(replaced);
  for (const { name, bytes, check } of files) {
    const path = join(folder, name);
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeWhole(path, bytes(), await statIfPresent(join(replaced, name)) ?? any);
    await check(path);
  }
  for (const inside of foldersOf(folder, files)) await syncFolder(inside);
}

/** The folder and those inside it that the files need. */
function foldersOf(folder: string, files: readonly FileToWrite[]): Set<string> {
  const folders = new Set([folder]);
  for (const { name } of files) {
    for (let path = dirname(name); path !== "."; path = dirname(path)) {
      folders.add(join(folder, path));
    }
  }
  return folders;
}

/** A file of a folder: those that are added to it are as private as it is. */
async function anyFile(folder: string): Promise<Deno.FileInfo | undefined> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && !name.startsWith(".")) return await statIfPresent(join(folder, name));
  }
  return undefined;
}

/** @param old the file whose mode and owner it takes */
async function writeWhole(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  old: Deno.FileInfo | undefined,
): Promise<number> {
  using file = await makeFile(path, old);
  let size = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
    size += chunk.length;
  }
  await file.sync();
  return size;
}

/** A rename lasts when its folder is flushed; Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using file = await Deno.open(folder);
  await file.sync();
}

interface MadeFolders extends AsyncDisposable {
  /** The folders stay when the object is disposed. */
  keep(): void;
}

/** Makes a folder and those above it; the made ones are removed again unless they are kept. */
async function makeFolder(folder: string, base: BaseDirectory): Promise<MadeFolders> {
  const missing: string[] = [];
  for (let path = folder; await isMissing(path, base); path = dirname(path)) {
    missing.push(path);
    // Above its own folder a connection may not even look.
    if (path === base.folder) break;
  }
  // To make what is there takes the permission to write all of it.
  if (missing.length > 0) await Deno.mkdir(folder, { recursive: true });
  return {
    keep() {
      missing.length = 0;
    },
    async [Symbol.asyncDispose]() {
      for (const path of missing) {
        // Another run may have put something into it.
        await Deno.remove(path).catch(() => {});
      }
    },
  };
}

/** A folder that may not be looked at is taken to be there. */
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
