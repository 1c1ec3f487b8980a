/** The folders that dxt creates for stages, and the `.gitignore` that keeps them out of a repository. */
import { join } from "node:path";

const IGNORE_ALL = "*\n";

/** Writes a `.gitignore` into dxt's own folder, so that no staged data is committed. */
export function ignoreFolder(folder: string): void {
  try {
    Deno.writeTextFileSync(join(folder, ".gitignore"), IGNORE_ALL, { createNew: true });
  } catch (error) {
    // It exists, or another run has just removed the folder and creates it again.
    if (error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotFound) return;
    throw error;
  }
}

/** Removes folders from the inside out, up to the first that holds more than dxt's `.gitignore`. */
export function removeEmptyFolders(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      removeIgnoreFile(folder);
      Deno.removeSync(folder);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      // It holds another stage, or the run may not remove it.
      return;
    }
  }
}

function removeIgnoreFile(folder: string): void {
  const [only, ...others] = [...Deno.readDirSync(folder)].map(({ name }) => name);
  if (only !== ".gitignore" || others.length > 0) return;
  const path = join(folder, only);
  if (Deno.readTextFileSync(path) === IGNORE_ALL) Deno.removeSync(path);
}
