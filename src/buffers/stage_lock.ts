/** The lock of a stage, and the record of a load whose outcome is unknown. */
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import type { PendingLoad, StageLock } from "../core/contracts/buffer.ts";
import type { Claim } from "../core/files/run_lock.ts";
import { BufferError, messageOf } from "../core/errors.ts";
import { lockFile } from "../core/files/file_lock.ts";
import { makeFolder, removePath, syncFolder, writeBytes } from "./durable_file.ts";

const Pending = z.strictObject({
  version: z.literal(1),
  run_id: z.string(),
  at: z.string(),
  source: z.unknown(),
  target: z.unknown(),
  rows: z.int().min(0),
  record: z.record(z.string(), z.unknown()),
});

/**
 * Lock and record lie beside the stage's folder, since `clearStage` removes that. Names of stages
 * never begin with a dot, so these names cannot collide.
 */
const siblingPath = (directory: string, ending: string) =>
  join(dirname(directory), `.${basename(directory)}.${ending}`);

/** @throws {ConcurrentRunError} when another run holds the lock for longer than the claim waits */
export async function lockStage(
  directory: string,
  claim: Claim,
  signal: AbortSignal,
): Promise<StageLock> {
  const lock = await lockFile(
    siblingPath(directory, "lock"),
    `stage "${directory}"`,
    claim,
    signal,
    () => makeFolder(dirname(directory)),
  );
  return {
    record: pendingPath(directory),
    pending: () => readPending(directory),
    remember: (load) => writePending(directory, load),
    forget: () => removePending(directory),
    [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
  };
}

const pendingPath = (directory: string) => siblingPath(directory, "pending.json");

/** Writes the record completely before the caller sends the commit of the load. */
async function writePending(directory: string, load: PendingLoad): Promise<void> {
  const [path, partial] = [pendingPath(directory), siblingPath(directory, "pending.new")];
  await removePath(partial);
  const text = `${JSON.stringify({ version: 1, ...load }, null, 2)}\n`;
  await writeBytes(partial, new TextEncoder().encode(text));
  await Deno.rename(partial, path);
  await syncFolder(dirname(directory));
}

/** Last step of a run; synchronous, so that a kill leaves the record for the next run to settle. */
function removePending(directory: string): void {
  try {
    Deno.removeSync(pendingPath(directory));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function readPending(directory: string): Promise<PendingLoad | undefined> {
  const path = pendingPath(directory);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    const { version: _, ...load } = Pending.parse(JSON.parse(text));
    return load;
  } catch (cause) {
    throw new BufferError(
      `Cannot read "${path}", the record of an interrupted load: ${messageOf(cause)}`,
      { cause },
    );
  }
}
