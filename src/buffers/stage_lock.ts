/** The lock of a stage, and the record of a load whose outcome is unknown. */
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import type { PendingLoad, StageLock } from "../core/contracts/buffer.ts";
import type { Claim } from "../core/files/run_lock.ts";
import { BufferError } from "../core/errors.ts";
import { lockFile } from "../core/files/file_lock.ts";
import { formatJSONFile, readJSONFile } from "../core/files/json_file.ts";
import {
  explainDiskErrors,
  makeFolder,
  removePath,
  syncFolder,
  writeBytes,
} from "./durable_file.ts";

const VERSION = 1;

const Pending = z.strictObject({
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
export const siblingPath = (directory: string, ending: string) =>
  join(dirname(directory), `.${basename(directory)}.${ending}`);

/** @throws {ConcurrentRunError} when another run holds the lock for longer than the claim waits */
export async function lockStage(
  directory: string,
  claim: Claim,
  signal: AbortSignal,
): Promise<StageLock> {
  const lock = await explainDiskErrors(directory, () =>
    lockFile(
      siblingPath(directory, "lock"),
      `stage "${directory}"`,
      claim,
      signal,
      () => makeFolder(dirname(directory)),
    ));
  const path = pendingPath(directory);
  return {
    record: path,
    pending: () => readPending(directory),
    remember: (load) => writePending(directory, load),
    forget: () => removePending(directory),
    [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
  };
}

/** Reads the record of a load whose outcome is unknown. */
export function readPending(directory: string): Promise<PendingLoad | undefined> {
  const path = pendingPath(directory);
  const refuse = (detail: string) =>
    new BufferError(`Cannot read "${path}", the record of an interrupted load: ${detail}`);
  return readJSONFile(path, VERSION, Pending, refuse);
}

const pendingPath = (directory: string) => siblingPath(directory, "pending.json");

/** Writes the record completely before the caller sends the commit of the load. */
async function writePending(directory: string, load: PendingLoad): Promise<void> {
  const [path, partial] = [pendingPath(directory), siblingPath(directory, "pending.new")];
  await removePath(partial);
  await writeBytes(partial, new TextEncoder().encode(formatJSONFile(VERSION, load)));
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
