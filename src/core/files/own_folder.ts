/**
 * Folders of temporary files that one process uses. A lock file beside each tells other processes that its own
 * one runs: the operating system frees the lock when the process ends, however it ends.
 */
import { join } from "node:path";
import { createWithin } from "./shared_folder.ts";

const LOCK = ".lock";

/** A folder that no other process removes. Disposing it removes it with all that it holds. */
export interface OwnFolder extends AsyncDisposable {
  readonly path: string;
}

/** Creates a folder in another one, and removes those of the same prefix whose processes have ended. */
export async function createOwnFolder(around: string, prefix: string): Promise<OwnFolder> {
  await removeAbandoned(around, prefix);
  const name = `${prefix}${crypto.randomUUID()}`;
  const [path, lockPath] = [join(around, name), join(around, `.${name}${LOCK}`)];
  const lock = await createWithin(
    around,
    () => Deno.open(lockPath, { write: true, createNew: true }),
  );
  // Without its lock, on a file system that has none, nobody removes the folder of a killed process.
  await lock.tryLock(true).catch(() => false);
  await Deno.mkdir(path, { mode: 0o700 });
  return {
    path,
    async [Symbol.asyncDispose]() {
      try {
        await Deno.remove(path, { recursive: true });
        await Deno.remove(lockPath);
      } finally {
        lock.close();
      }
    },
  };
}

async function removeAbandoned(around: string, prefix: string): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(around)) {
      if (!name.startsWith(`.${prefix}`) || !name.endsWith(LOCK)) continue;
      await removeIfAbandoned(join(around, name.slice(1, -LOCK.length)), join(around, name));
    }
  } catch {
    // The folder does not exist, or another process removes the same ones.
  }
}

async function removeIfAbandoned(path: string, lockPath: string): Promise<void> {
  using lock = await Deno.open(lockPath, { write: true });
  if (!await lock.tryLock(true)) return;
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    // The process was killed before it created the folder.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.remove(lockPath);
}
