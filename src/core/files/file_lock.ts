/**
 * Lock files. The operating system holds the lock (`flock`; on NFS the server does) and releases it
 * when the process ends, however it ends. A lock file left by a killed run therefore blocks nobody,
 * and containers that share a kernel see each other's locks. Its content only identifies the holder.
 */
import { ifPresent } from "./if_present.ts";
import { type Attempt, type Claim, describeOwner, type RunOwner, waitForLock } from "./run_lock.ts";
import { ConnectorError, messageOf } from "../errors.ts";

/** Holder in messages when the content of the file is unreadable. */
const UNKNOWN = "its process is unknown";

/**
 * Creates and locks a file; disposing the result removes it. Its folder exists or is created by
 * `makeFolder`, which is called again if another run has removed the folder meanwhile.
 *
 * @param what the locked thing in messages, for example `stage "…"`
 * @throws {ConcurrentRunError} when another run holds the lock for longer than the claim waits
 * @throws {ConnectorError} on a file system without locks
 */
export async function lockFile(
  path: string,
  what: string,
  claim: Claim,
  signal: AbortSignal,
  makeFolder: () => Promise<void> = () => Promise.resolve(),
): Promise<AsyncDisposable> {
  const attempt = () => tryLock(path, what, claim.owner, makeFolder);
  return await waitForLock(what, claim, signal, attempt, GRACE_MS);
}

/** Milliseconds for which {@linkcode isLocked} of another process may disturb an attempt. */
const GRACE_MS = 200;

/** Whether a process holds a lock file; false if the file does not exist. */
export async function isLocked(path: string): Promise<boolean> {
  const file = await ifPresent(() => Deno.open(path));
  if (file === undefined) return false;
  using _file = file;
  // A shared lock, which closing the file frees: processes that only look do not disturb each other.
  return !await file.tryLock(false);
}

/**
 * Reads the run that created a lock file, whether or not it still holds it; undefined if no run did. Unreadable
 * on Windows, where a locked file is, and before the owner is written.
 */
export async function readOwner(path: string): Promise<RunOwner | undefined> {
  try {
    const owner: unknown = JSON.parse(await Deno.readTextFile(path));
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
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
      if (!await lock(file, what)) {
        file.close();
        return { holder: await readHolder(path) };
      }
      // The previous holder may have removed the file that was opened here.
      if (await isAt(path, file)) {
        await writeOwner(file, owner);
        return { held: heldLock(path, file) };
      }
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  }
}

/** How often the folder is created again when other runs remove it at their end. */
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

async function lock(file: Deno.FsFile, what: string): Promise<boolean> {
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
  const now = await ifPresent(() => Deno.stat(path));
  return now?.ino === own.ino && now.dev === own.dev;
}

async function writeOwner(file: Deno.FsFile, owner: RunOwner): Promise<void> {
  await file.truncate(0);
  const text = new TextEncoder().encode(`${JSON.stringify(owner)}\n`);
  for (let at = 0; at < text.length;) at += await file.write(text.subarray(at));
}

async function readHolder(path: string): Promise<string> {
  const owner = await readOwner(path);
  return owner === undefined ? UNKNOWN : describeOwner(owner);
}

function isOwner(value: unknown): value is RunOwner {
  if (typeof value !== "object" || value === null) return false;
  const { host, pid, run_id, since } = value as Record<string, unknown>;
  return (host === undefined || typeof host === "string") && Number.isInteger(pid) &&
    typeof run_id === "string" && typeof since === "string";
}

function heldLock(path: string, file: Deno.FsFile): AsyncDisposable {
  let isHeld = true;
  return {
    // Synchronous: until the file is gone, other runs take this one for still running.
    [Symbol.asyncDispose]() {
      if (!isHeld) return Promise.resolve();
      isHeld = false;
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
