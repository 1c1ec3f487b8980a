/** Finds the files of a folder that match a pattern. */
import { join } from "node:path";
import type { FileEntry } from "../../../core/contracts/connector.ts";
import { ConnectorError } from "../../../core/errors.ts";
import type { Glob } from "../source/glob.ts";
import type { BaseDirectory } from "./paths.ts";

/**
 * Matching files below `folder`, sorted by name; none when the folder is missing. Follows links to
 * files, but not to folders, which could be circular.
 */
export async function walk(folder: string, glob: Glob, base: BaseDirectory): Promise<FileEntry[]> {
  const found: FileEntry[] = [];
  await visit("", 0);
  return found.sort((a, b) => a.name < b.name ? -1 : 1);

  async function visit(prefix: string, depth: number): Promise<void> {
    for (const child of await children(join(folder, prefix))) {
      const name = `${prefix}${child.name}`;
      if (child.isDirectory) {
        const wanted = glob.hidden || !child.name.startsWith(".");
        if (wanted && depth < glob.depth) await visit(`${name}/`, depth + 1);
      } else if (glob.matches(name)) {
        const entry = await fileEntry(join(folder, name), name, base);
        if (entry !== undefined) found.push(entry);
        else if (child.isSymlink && await isDangling(join(folder, name))) {
          throw new ConnectorError(
            `Cannot read "${
              base.show(join(folder, name))
            }": it links to a file that does not exist`,
          );
        }
      }
    }
  }
}

/** The entries of a folder; none when it is missing or was removed meanwhile. */
async function children(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The entry of a file; undefined when it does not exist or is not a regular file. */
export async function fileEntry(
  full: string,
  name: string,
  base: BaseDirectory,
): Promise<FileEntry | undefined> {
  const stat = await statIfPresent(full);
  if (stat?.isFile !== true) return undefined;
  const { size, mtime } = stat;
  return {
    path: base.show(full),
    name,
    size,
    ...(mtime === null ? {} : { modified: mtime.getTime() }),
  };
}

/** Like `Deno.stat`, but returns undefined when the path does not exist. */
export async function statIfPresent(full: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(full);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function isDangling(full: string): Promise<boolean> {
  return await statIfPresent(full) === undefined;
}
