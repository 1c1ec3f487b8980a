/**
 * Locks of files. The system holds the lock (`flock`, on NFS a lock of its server) and lets go of it
 * when the process ends, however it ends: so a file that a killed run left locks nobody out, whatever
 * process has its number now, and containers that share a kernel see each other. What is in the file
 * only says who holds it.
 */
import { type Attempt, type Claim, describeOwner, type RunOwner, waitForLock } from "./run_lock.ts";
import { ConnectorError, messageOf } from "../errors.ts";

/** Text for a holder that wrote no readable record. */
const UNKNOWN = "its process is unknown";

/**
 * Locks a file, which is made for it and gone afterwards. Its folder exists, or is made by
 * `makeFolder`, again where another run that ended has removed it meanwhile.
 *
 * @param what the locked thing in a message, for example `stage "…"`
 * @throws {ConcurrentRunError} when another run holds it for longer than the claim waits
 * @throws {ConnectorError} on a file system without locks
 */
export async function lockFile(
  path: string,
  what: string,
  { owner, waitMs }: Claim,
  signal: AbortSignal,
  makeFolder: () => Promise<void> = () => Promise.resolve(),
): Promise<AsyncDisposable> {
  return await waitForLock(what, waitMs, signal, () => tryLock(path, what, owner, makeFolder));
}

async function tryLock(
  path: string,
  what: string,
  owner: RunOwner,
  makeFolder: () => Promise<void>,
): Promise<Attempt<AsyncDisposable>> {
  while (true) {
    const file = await openLock(path, makeFolder);
    try {
      if (!await locked(file, what)) {
        file.close();
        return { holder: await holderOf(path) };
      }
      // The run that held it before may have removed the file.
      if (await isAt(path, file)) {
        await describe(file, owner);
        return { held: release(path, file) };
      }
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  }
}

/** Folders that other runs remove at their end are made again so often. */
const ATTEMPTS = 20;

async function openLock(path: string, makeFolder: () => Promise<void>): Promise<Deno.FsFile> {
  for (let attempt = 1;; attempt++) {
    try {
      await makeFolder();
      return await Deno.open(path, { read: true, write: true, create: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function locked(file: Deno.FsFile, what: string): Promise<boolean> {
  try {
    return await file.tryLock(true);
  } catch (error) {
    throw new ConnectorError(
      `Cannot lock ${what}: ${messageOf(error)}; expected a file system with locks`,
      { cause: error },
    );
  }
}

async function isAt(path: string, file: Deno.FsFile): Promise<boolean> {
  const own = await file.stat();
  try {
    const now = await Deno.stat(path);
    return now.ino === own.ino && now.dev === own.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function describe(file: Deno.FsFile, owner: RunOwner): Promise<void> {
  await file.truncate(0);
  const text = new TextEncoder().encode(`${JSON.stringify(owner)}\n`);
  for (let at = 0; at < text.length;) at += await file.write(text.subarray(at));
}

/** Windows lets nobody read a locked file, and a holder that has just begun has written nothing. */
async function holderOf(path: string): Promise<string> {
  try {
    const owner: unknown = JSON.parse(await Deno.readTextFile(path));
    return isOwner(owner) ? describeOwner(owner) : UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}

function isOwner(value: unknown): value is RunOwner {
  if (typeof value !== "object" || value === null) return false;
  const { host, pid, run_id, since } = value as Record<string, unknown>;
  return (host === undefined || typeof host === "string") && Number.isInteger(pid) &&
    typeof run_id === "string" && typeof since === "string";
}

function release(path: string, file: Deno.FsFile): AsyncDisposable {
  let held = true;
  return {
    // At once: until it is gone a run that has ended is taken for one that goes on.
    [Symbol.asyncDispose]() {
      if (!held) return Promise.resolve();
      held = false;
      try {
        Deno.removeSync(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      } finally {
        file.close();
      }
      return Promise.resolve();
    },
  };
}
