/** The folder of a stage: commits its files, and removes them. */
import { basename, join } from "node:path";
import type { OpenStage, SealedPart, StagedFile, StageOrigin } from "../core/contracts/buffer.ts";
import { ifPresent } from "../core/files/if_present.ts";
import { explainDiskErrors, makeFolder, removePath, syncFolder } from "./durable_file.ts";
import { MANIFEST, type Manifest, peekManifest, writeManifest } from "./manifest.ts";
import { beginLog, removeSealed, sealPart, takeUpSealed } from "./sealed_parts.ts";

const PREFIX = "files-";
/** Names of folders of staged files, and of manifests that are not complete. */
const OWN = /^(?:\.manifest\.json\.)?files-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The folder of files that are not committed yet, with what a killed run has completed in it. */
export interface NewFiles extends Pick<OpenStage, "folder" | "sealed" | "restart" | "seal"> {
  /** Its name within the stage. */
  readonly name: string;
}

/**
 * Writes files into a new folder, or goes on in that of a killed run, and commits them: renames the manifest into
 * place last, and only then deletes the files of the previous commit. When `write` throws, its files are deleted
 * and the stage is unchanged.
 *
 * @throws {BufferError} when the disk is full
 */
export async function commitStage(
  directory: string,
  origin: StageOrigin,
  write: (files: NewFiles) => Promise<Omit<Manifest, "folder">>,
): Promise<Manifest> {
  const { path: left, sealed, restart } = await takeUpSealed(await listKilled(directory), origin);
  const path = left ?? join(directory, `${PREFIX}${crypto.randomUUID()}`);
  const folder = basename(path);
  const seal = (part: SealedPart) => sealPart(path, part);
  const manifest = await removeOnError(path, async (): Promise<Manifest> => {
    await explainDiskErrors(directory, () => makeFolder(directory));
    await explainDiskErrors(path, () => makeFolder(path));
    if (left === undefined) await beginLog(path, origin);
    const written = await write({ folder: path, name: folder, sealed, restart, seal });
    const manifest: Manifest = { folder, ...written };
    await removeSealed(path);
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
  for (const path of await listLeftFiles(directory, { folder })) {
    await removePath(path).catch(() => {});
  }
}

/** Folders of files that killed runs left. */
async function listKilled(directory: string): Promise<string[]> {
  const left = await listLeftFiles(directory);
  if (left.length === 0) return left;
  // The next run reads a manifest that is unusable now, and says so.
  const committed = await peekManifest(directory).catch(() => undefined);
  return left.filter((path) => {
    const name = basename(path);
    return name.startsWith(PREFIX) && name !== committed?.folder;
  });
}

/** Paths in a stage that do not belong to its commit; all that dxt wrote there when it has none. */
export async function listLeftFiles(
  directory: string,
  committed?: Pick<Manifest, "folder">,
): Promise<string[]> {
  const entries = await ifPresent(() => Array.fromAsync(Deno.readDir(directory))) ?? [];
  return entries.flatMap(({ name }) => {
    return OWN.test(name) && name !== committed?.folder ? [join(directory, name)] : [];
  });
}

/** Folder in that of a stage with the stage of the source's keys, which is written after it. */
export const KEYS = "keys";

/**
 * Removes the stage, the manifest first, so that a partly removed stage never looks committed. Files that dxt
 * did not write remain, and so does the folder that holds them.
 */
export async function clearStage(directory: string): Promise<void> {
  await removePath(join(directory, MANIFEST));
  for (const path of await listLeftFiles(directory)) await removePath(path);
  const keys = join(directory, KEYS);
  if (await ifPresent(() => Deno.stat(keys)) !== undefined) await clearStage(keys);
  await Deno.remove(directory).catch(() => {});
}

/** Returns the path of a staged file. */
export function stagedFilePath(
  directory: string,
  { folder }: Pick<Manifest, "folder">,
  { name }: Pick<StagedFile, "name">,
): string {
  return join(directory, folder, name);
}
