/** A stage's folder: what was committed, and what is being written beside it. */
import { join } from "node:path";
import type { StagedFile } from "../core/contracts/buffer.ts";
import { makeFolder, remove, syncFolder } from "./durable_file.ts";
import { MANIFEST, type Manifest, PARTIAL_MANIFEST, writeManifest } from "./manifest.ts";

const PREFIX = "files-";

/**
 * Writes files into a new folder and commits them: the manifest is renamed into place last, and
 * only then the files that were committed before are deleted. When `write` throws, what it wrote
 * is deleted and the stage is as it was.
 *
 * @throws {BufferError} when the disk is full
 */
export async function commit(
  directory: string,
  write: (path: string, folder: string) => Promise<Omit<Manifest, "version" | "folder">>,
): Promise<Manifest> {
  const folder = `${PREFIX}${crypto.randomUUID()}`;
  const path = join(directory, folder);
  const manifest = await orNothing(path, async (): Promise<Manifest> => {
    await makeFolder(directory);
    await makeFolder(path);
    const manifest: Manifest = { version: 1, folder, ...await write(path, folder) };
    await syncFolder(path);
    await writeManifest(directory, manifest);
    return manifest;
  });
  // The manifest may be on the disk or not when this fails: either one must find its files.
  await syncFolder(directory);
  await removeOthers(directory, folder);
  return manifest;
}

async function orNothing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await remove(path).catch(() => {});
    throw error;
  }
}

/**
 * Older files, and those of writers that were killed. What cannot be deleted does no harm to what
 * was committed, and the next commit tries again.
 */
async function removeOthers(directory: string, folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    const isOld = name.startsWith(PREFIX) || name.startsWith(PARTIAL_MANIFEST);
    if (isOld && name !== folder) await remove(join(directory, name)).catch(() => {});
  }
}

/** Removes the stage. The manifest goes first, so that no half of a stage looks committed. */
export async function clear(directory: string): Promise<void> {
  await remove(join(directory, MANIFEST));
  await remove(directory);
}

/** Path of a staged file. */
export function stagedFilePath(directory: string, manifest: Manifest, file: StagedFile): string {
  return join(directory, manifest.folder, file.name);
}
