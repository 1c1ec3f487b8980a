/** One writer at a time for a target. */
import { LoaderError } from "../../../core/errors.ts";
import { statOf } from "./walk.ts";

/** Another run holds the lock. */
export class InUse extends LoaderError {}

/**
 * Locks a target by a file beside it, which is gone afterwards. The system lets go of the lock
 * when the process dies, so a file that was left behind locks nobody out.
 *
 * @throws {InUse} when another run writes to the target
 */
export async function lockTarget(path: string, shown: string): Promise<AsyncDisposable> {
  while (true) {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    const held = await file.tryLock(true);
    if (!held) {
      file.close();
      throw new InUse(`Cannot write "${shown}": another run is writing it`);
    }
    // The file may have been removed by the run that held it before.
    const [own, now] = [await file.stat(), await statOf(path)];
    if (now !== undefined && now.ino === own.ino) return release(path, file);
    file.close();
  }
}

function release(path: string, file: Deno.FsFile): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await removeIfThere(path);
      file.close();
    },
  };
}

/** Removes a file or folder with all that is in it, if there is one. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
