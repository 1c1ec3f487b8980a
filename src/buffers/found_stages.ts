/** Lists the stages on disk, also those of runs that were killed, and removes them. */
import { join } from "node:path";
import type { PendingLoad, StageDetails } from "../core/contracts/buffer.ts";
import { BufferError, messageOf } from "../core/errors.ts";
import { isLocked, readOwner } from "../core/files/file_lock.ts";
import { ifPresent } from "../core/files/if_present.ts";
import { addSizes, measurePath, type PathSize } from "../core/files/path_size.ts";
import type { Claim, RunOwner } from "../core/files/run_lock.ts";
import type { StageState } from "../models/stored.ts";
import { removePath } from "./durable_file.ts";
import { MANIFEST, peekManifest } from "./manifest.ts";
import { readSealed } from "./sealed_parts.ts";
import { clearStage, listLeftFiles } from "./stage.ts";
import { lockStage, readPending, siblingPath } from "./stage_lock.ts";

/** A stage, or what a killed extraction left beside the files of one. */
export interface FoundStage extends PathSize {
  readonly state: StageState;
  /** Folder of the stage. */
  readonly directory: string;
  /** Records, or files where bytes were kept; of an incomplete stage those of its complete parts. */
  readonly count?: number | undefined;
  /** The run that has the stage. */
  readonly holder?: RunOwner | undefined;
  readonly pending?: PendingLoad | undefined;
  /** Why the stage cannot be loaded. */
  readonly problem?: string | undefined;
}

/** Names of stages begin with no dot; those of their locks and records do. */
const PENDING = ["pending.json", "pending.new"];
const SIBLING = /^\.(.+)\.(?:lock|pending\.json|pending\.new)$/;

/**
 * Lists the stages in the folder of a pipeline, by name. Reads manifests, but no staged files. Ignores what dxt
 * did not write: `buffer.location` may be any folder.
 */
export async function listStages(folder: string): Promise<FoundStage[]> {
  const names = (await listFolder(folder)).flatMap((entry) => {
    const [, stage] = SIBLING.exec(entry.name) ?? [];
    return stage ?? (isStageFolder(entry) ? entry.name : []);
  });
  const found: FoundStage[] = [];
  for (const name of [...new Set(names)].sort()) {
    const directory = join(folder, name);
    const lock = siblingPath(directory, "lock");
    const holder = await readOwner(lock);
    if (await isLocked(lock)) {
      found.push({ state: "in use", directory, holder, ...await measurePath(directory) });
    } else found.push(...await inspectStage(directory, holder !== undefined));
  }
  return found;
}

/** Lists the committed stages in the folder of a pipeline, by name. Reads manifests, but no staged files. */
export async function listCommitted(
  folder: string,
): Promise<{ readonly directory: string; readonly details: StageDetails }[]> {
  const committed = [];
  const names = (await listFolder(folder)).filter(isStageFolder).map(({ name }) => name);
  for (const name of names.sort()) {
    const directory = join(folder, name);
    const manifest = await peekManifest(directory);
    if (manifest !== undefined) committed.push({ directory, details: manifest.details });
  }
  return committed;
}

async function listFolder(folder: string): Promise<Deno.DirEntry[]> {
  return await ifPresent(() => Array.fromAsync(Deno.readDir(folder))) ?? [];
}

function isStageFolder({ name, isDirectory }: Deno.DirEntry): boolean {
  return isDirectory && !name.startsWith(".");
}

/**
 * What a killed run left in the folder of a stage that no run uses, then the stage.
 *
 * @param isLeft whether a killed run left the lock of the stage
 */
async function inspectStage(directory: string, isLeft: boolean): Promise<FoundStage[]> {
  const pending = await attempt(() => readPending(directory));
  // A folder of another program may hold a file with the name of a manifest.
  const own = await listLeftFiles(directory);
  const manifest = own.length === 0 ? {} : await attempt(() => peekManifest(directory));
  const problem = pending.problem ?? manifest.problem;
  const isInDoubt = pending.problem !== undefined || pending.value !== undefined;
  const isStage = isInDoubt || problem !== undefined || manifest.value !== undefined;
  const left = manifest.problem === undefined ? await listLeftFiles(directory, manifest.value) : [];
  const found: FoundStage[] = [];
  if (left.length > 0 || (isLeft && !isStage)) {
    const size = await measureAll(left.length > 0 ? left : [siblingPath(directory, "lock")]);
    found.push({ state: "incomplete", directory, count: await countSealed(left), ...size });
  }
  if (isStage) {
    const paths = [
      join(directory, MANIFEST),
      ...own.filter((path) => !left.includes(path)),
      ...PENDING.map((ending) => siblingPath(directory, ending)),
    ];
    found.push({
      state: isInDoubt ? "in doubt" : manifest.isUnusable === true ? "unusable" : "staged",
      directory,
      pending: pending.value,
      count: manifest.value?.count,
      problem,
      ...await measureAll(paths),
    });
  }
  return found;
}

/** The records of complete parts, which the next extraction may take up; undefined if there are none. */
async function countSealed(folders: readonly string[]): Promise<number | undefined> {
  const logs = await Promise.all(folders.map(readSealed));
  const parts = logs.flatMap((log) => log?.parts ?? []);
  return parts.length === 0 ? undefined : parts.reduce((sum, { count }) => sum + count, 0);
}

interface Attempt<T> {
  readonly value?: T | undefined;
  readonly problem?: string;
  readonly isUnusable?: boolean;
}

async function attempt<T>(
  read: () => Promise<T | undefined>,
): Promise<Attempt<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    // A file that cannot be read now may be read later.
    return { problem: messageOf(error), isUnusable: error instanceof BufferError };
  }
}

async function measureAll(paths: readonly string[]): Promise<PathSize> {
  return addSizes(await Promise.all(paths.map(measurePath)));
}

/**
 * Removes a stage while it holds its lock, if it is still as it was found.
 *
 * @returns whether it was removed
 * @throws {ConcurrentRunError} when another run has the stage
 */
export async function removeFound(
  { directory, state, changed }: FoundStage,
  claim: Claim,
  signal: AbortSignal,
): Promise<boolean> {
  await using lock = await lockStage(directory, claim, signal);
  const now = await inspectStage(directory, true);
  const isThere = now.some((stage) =>
    // What is not committed now was left by a killed run, since this process has the lock.
    stage.state === state && (state === "incomplete" || stage.changed === changed)
  );
  if (!isThere) return false;
  await removePath(siblingPath(directory, "pending.new"));
  if (state === "incomplete") {
    const manifest = await peekManifest(directory);
    for (const path of await listLeftFiles(directory, manifest)) await removePath(path);
    if (manifest === undefined) await Deno.remove(directory).catch(() => {});
    return true;
  }
  await clearStage(directory);
  // Last, so that a kill before leaves a load in doubt, not one that is forgotten.
  lock.forget();
  return true;
}
