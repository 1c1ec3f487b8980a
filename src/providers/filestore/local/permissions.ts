/** The permissions that a connection to local files needs. */
import { dirname } from "node:path";
import { DXTError } from "../../../core/errors.ts";
import type { Permissions, Usage } from "../../../core/contracts/provider.ts";
import { missingFolder } from "../../../core/files/write_access.ts";
import type { StreamSource, StreamTarget } from "../../../models/source.ts";
import { folderGlob, parseGlob } from "../source/glob.ts";
import type { BaseDirectory } from "./paths.ts";
import { oldFolder, siblingPath } from "./write.ts";

interface Paths {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

const NONE: Paths = { read: [], write: [] };

/** The paths of the streams; the folder of the connection only when it is explored. */
export function permissions(
  base: BaseDirectory,
  { reads, writes, explores = false }: Usage,
): Partial<Permissions> {
  const all = [
    ...(explores ? [{ read: [base.folder], write: [] }] : []),
    ...reads.map((source) => sourcePaths(base, source)),
    ...writes.map((target) => targetPaths(base, target)),
  ];
  const of = (kind: keyof Paths) => [...new Set(all.flatMap((paths) => paths[kind]))];
  return { read: of("read"), write: of("write") };
}

function sourcePaths(base: BaseDirectory, source: StreamSource): Paths {
  switch (source.type) {
    case "file":
      return resolvePaths(base, source.path, (full) => ({ read: [full], write: [] }));
    case "glob":
      return folderPaths(base, () => parseGlob(source.pattern).folder);
    case "directory":
      return folderPaths(base, () => folderGlob(source.path, false).folder);
    default:
      return NONE;
  }
}

/** A folder, and its temporary name while it is being replaced. */
function folderPaths(base: BaseDirectory, folder: () => string): Paths {
  return resolvePaths(base, folder, (full) => ({
    read: full === base.folder ? [full] : [full, oldFolder(full)],
    write: [],
  }));
}

/** Reads the folder of a target, since flushing a rename to disk opens its folder. */
function targetPaths(base: BaseDirectory, target: StreamTarget): Paths {
  switch (target.type) {
    case "file":
      return resolvePaths(
        base,
        target.path,
        (full) =>
          inFolder(base, dirname(full), [
            full,
            siblingPath(full, "lock"),
            siblingPath(full, "new"),
          ]),
      );
    case "directory":
      return resolvePaths(
        base,
        target.path,
        (full) =>
          full === base.folder ? inFolder(base, full, [full]) : inFolder(base, dirname(full), [
            full,
            ...(["lock", "new", "old"] as const).map((ending) => siblingPath(full, ending)),
          ]),
      );
    default:
      return NONE;
  }
}

/** The written names in a folder; the outermost missing folder as a whole if it must be created. */
function inFolder(base: BaseDirectory, folder: string, written: readonly string[]): Paths {
  const missing = missingFolder(folder, base.holds(folder) ? base.folder : undefined);
  return missing === undefined
    ? { read: [folder], write: written }
    : { read: [missing], write: [missing] };
}

/**
 * A path that the connection refuses needs no permission; its stream fails with the reason. A
 * refused link must be readable for that.
 */
function resolvePaths(
  base: BaseDirectory,
  path: string | (() => string),
  paths: (full: string) => Paths,
): Paths {
  try {
    return paths(base.named(typeof path === "string" ? path : path()));
  } catch (error) {
    if (error instanceof DXTError) return NONE;
    throw error;
  }
}
