/** A stage's folder: what was committed, and what is being written beside it. */
import { join } from "node:path";
import type { StagedFile } from "../core/buffer.ts";
import { FOLDER_MODE, remove, syncFolder } from "./disk.ts";
import {
  MANIFEST,
  type Manifest,
  PARTIAL_MANIFEST,
  readManifest,
  writeManifest,
} from "./manifest.ts";

const PREFIX = "files-";

/**
 * Writes files into a new folder and commits them: the manifest is renamed into place last, and
 * only then the files that were committed before are deleted. When `write` throws, what it wrote
 * is deleted and the stage is as it was.
 */
export async function commit(
  directory: string,
  write: (folder: string) => Promise<Omit<Manifest, "version" | "folder">>,
): Promise<Manifest> {
  await Deno.mkdir(directory, { recursive: true, mode: FOLDER_MODE });
  const folder = `${PREFIX}${crypto.randomUUID()}`;
  const path = join(directory, folder);
  await Deno.mkdir(path, { mode: FOLDER_MODE });
  try {
    const manifest: Manifest = { version: 1, folder, ...await write(path) };
    await syncFolder(path);
    await writeManifest(directory, manifest);
    await removeOthers(directory, folder);
    return manifest;
  } catch (error) {
    await remove(path);
    throw error;
  }
}

/** Older files, and those of writers that were killed. */
async function removeOthers(directory: string, folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    const isOld = name.startsWith(PREFIX) || name.startsWith(PARTIAL_MANIFEST);
    if (isOld && name !== folder) await remove(join(directory, name));
  }
}

/** The committed manifest, its files checked; undefined when there is none. */
export function committed(directory: string): Promise<Manifest | undefined> {
  return readManifest(directory);
}

/** Removes the stage. The manifest goes first, so that no half of a stage looks committed. */
export async function clear(directory: string): Promise<void> {
  await remove(join(directory, MANIFEST));
  await remove(directory);
}

/** Name of the nth file of a stage. */
export function partName(n: number, extension: string): string {
  return `part-${String(n).padStart(5, "0")}${extension}`;
}

/** Path of a staged file. */
export function pathOf(directory: string, manifest: Manifest, file: StagedFile): string {
  return join(directory, manifest.folder, file.name);
}
