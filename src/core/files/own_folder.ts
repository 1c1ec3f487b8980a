/**
 * Folders of temporary files that one process uses. A lock file beside each tells other processes that its own
 * one runs: the operating system frees the lock when the process ends, however it ends.
 */
import { basename, dirname, join } from "node:path";
import { isLocked } from "./file_lock.ts";
import { ifPresent } from "./if_present.ts";
import { createWithin } from "./shared_folder.ts";

const OWN = /^\.(.+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22})\.lock$/;

const getLockPath = (path: string) => join(dirname(path), `.${basename(path)}.lock`);

/** A folder that no other process removes. Disposing it removes it with all that it holds. */
export interface OwnFolder extends AsyncDisposable {
  readonly path: string;
}

/** Creates a folder in another one, and removes those of the same prefix whose processes have ended. */
export async function createOwnFolder(around: string, prefix: string): Promise<OwnFolder> {
  await removeAbandoned(around, prefix).catch(() => {});
  const name = `${prefix}${crypto.randomUUID()}`;
  const path = join(around, name);
  const lockPath = getLockPath(path);
  const lock = await createWithin(
    around,
    () => Deno.open(lockPath, { write: true, createNew: true }),
  );
  // On a file system without locks the folder has none. Waits for a process that looks at the lock.
  await lock.lock(true).catch(() => {});
  await Deno.mkdir(path, { mode: 0o700 });
  return {
    path,
    async [Symbol.asyncDispose]() {
      try {
        await Deno.remove(path, { recursive: true });
        // Another process may have removed the lock right before this one took it.
        await ifPresent(() => Deno.remove(lockPath));
      } finally {
        lock.close();
      }
    },
  };
}

/** Removes folders of this prefix; throws when another process removes the same ones. */
async function removeAbandoned(around: string, prefix: string): Promise<void> {
  for (const path of await listOwnFolders(around)) {
    if (basename(path).startsWith(prefix)) await removeIfAbandoned(path);
  }
}

/** Lists the folders of all processes, also of those that ended before they created theirs. */
export async function listOwnFolders(around: string): Promise<string[]> {
  const entries = await ifPresent(() => Array.fromAsync(Deno.readDir(around))) ?? [];
  return entries.flatMap(({ name }) => {
    const [, own] = OWN.exec(name) ?? [];
    return own === undefined ? [] : [join(around, own)];
  });
}

/** Whether the process that created a folder still runs. */
export function isOwned(path: string): Promise<boolean> {
  return isLocked(getLockPath(path));
}

/** Removes a folder whose process has ended; returns whether it did. */
export async function removeIfAbandoned(path: string): Promise<boolean> {
  const lockPath = getLockPath(path);
  const lock = await ifPresent(() => Deno.open(lockPath, { write: true }));
  if (lock === undefined) return false;
  using _lock = lock;
  if (!await lock.tryLock(true)) return false;
  // Of a process that was killed before it created the folder, only the lock exists.
  await ifPresent(() => Deno.remove(path, { recursive: true }));
  await Deno.remove(lockPath);
  return true;
}
