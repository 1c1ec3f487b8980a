/** The folder of a stage: commits its files, and removes them. */
import { join } from "node:path";
import type { StagedFile } from "../core/contracts/buffer.ts";
import { explainDiskErrors, makeFolder, removePath, syncFolder } from "./durable_file.ts";
import { MANIFEST, type Manifest, PARTIAL_MANIFEST, writeManifest } from "./manifest.ts";

const PREFIX = "files-";

/**
 * Writes files into a new folder and commits them: renames the manifest into place last, and only
 * then deletes the files of the previous commit. When `write` throws, its files are deleted and the
 * stage is unchanged.
 *
 * @throws {BufferError} when the disk is full
 */
export async function commitStage(
  directory: string,
  write: (path: string, folder: string) => Promise<Omit<Manifest, "folder">>,
): Promise<Manifest> {
  const folder = `${PREFIX}${crypto.randomUUID()}`;
  const path = join(directory, folder);
  const manifest = await removeOnError(path, async (): Promise<Manifest> => {
    await explainDiskErrors(directory, () => makeFolder(directory));
    await explainDiskErrors(path, () => makeFolder(path));
    const manifest: Manifest = { folder, ...await write(path, folder) };
    await syncFolder(path);
    await writeManifest(directory, manifest);
    return manifest;
  });
  // If this fails, the manifest on disk may be the old or the new one: keep the files of both.
  await syncFolder(directory);
  await removeOthers(directory, folder);
  return manifest;
}

async function removeOnError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await removePath(path).catch(() => {});
    throw error;
  }
}

/**
 * Removes the files of earlier commits and of killed runs. A failure does not harm the committed
 * files, and the next commit tries again.
 */
async function removeOthers(directory: string, folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    const isOld = name.startsWith(PREFIX) || name.startsWith(PARTIAL_MANIFEST);
    if (isOld && name !== folder) await removePath(join(directory, name)).catch(() => {});
  }
}

/** Removes the stage, the manifest first, so that a partly removed stage never looks committed. */
export async function clearStage(directory: string): Promise<void> {
  await removePath(join(directory, MANIFEST));
  await removePath(directory);
}

/** Returns the path of a staged file. */
export function stagedFilePath(
  directory: string,
  { folder }: Pick<Manifest, "folder">,
  { name }: Pick<StagedFile, "name">,
): string {
  return join(directory, folder, name);
}
