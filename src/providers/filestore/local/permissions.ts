/** What a connection to files of this machine needs of the runtime. */
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

/** The paths of the streams, not the connection's folder, unless it is explored. */
export function permissions(
  base: BaseDirectory,
  { reads, writes, explores = false }: Usage,
): Permissions {
  const all = [
    ...(explores ? [{ read: [base.folder], write: [] }] : []),
    ...reads.map((source) => ofSource(base, source)),
    ...writes.map((target) => ofTarget(base, target)),
  ];
  const of = (kind: keyof Paths) => [...new Set(all.flatMap((paths) => paths[kind]))];
  return { net: [], read: of("read"), write: of("write"), env: [] };
}

function ofSource(base: BaseDirectory, source: StreamSource): Paths {
  switch (source.type) {
    case "file":
      return resolved(base, source.path, (full) => ({ read: [full], write: [] }));
    case "glob":
      return ofFolder(base, () => parseGlob(source.pattern).folder);
    case "directory":
      return ofFolder(base, () => folderGlob(source.path, false).folder);
    default:
      return NONE;
  }
}

/** A folder, and the name that it has while a new one takes its place. */
function ofFolder(base: BaseDirectory, folder: () => string): Paths {
  return resolved(base, folder, (full) => ({
    read: full === base.folder ? [full] : [full, oldFolder(full)],
    write: [],
  }));
}

/** The folder of a target is read because a rename lasts only when its folder is flushed. */
function ofTarget(base: BaseDirectory, target: StreamTarget): Paths {
  switch (target.type) {
    case "file":
      return resolved(
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
      return resolved(
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

/** Names in a folder that are written; all of it where it has to be made. */
function inFolder(base: BaseDirectory, folder: string, written: readonly string[]): Paths {
  const missing = missingFolder(folder, base.holds(folder) ? base.folder : undefined);
  return missing === undefined
    ? { read: [folder], write: written }
    : { read: [missing], write: [missing] };
}

/**
 * A path that the connection refuses needs nothing, its stream fails with the reason. A link that
 * it refuses is looked at to say so.
 */
function resolved(
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
