/** Finds the project file of a folder. */
import { dirname, resolve } from "../../core/files/paths.ts";
import { ConfigurationError } from "../../core/errors.ts";
import { describeFlags, formatFlag, mayRead } from "../../core/permission_errors.ts";

export const PROJECT_FILES = ["dxt_project.yaml", "dxt_project.yml"] as const;

export interface ProjectSearch {
  /** The project file, if any. */
  readonly path?: string;
  /** Paths that must be readable for the same result. */
  readonly consulted: readonly string[];
  /** Paths that may not be read, so that a project there goes unnoticed. */
  readonly unreadable: readonly string[];
}

/**
 * Finds the project file in a folder or in the nearest folder above that has one. The search ends at
 * the first folder above of which the process may read neither name. A folder of which it may read
 * only one is an error, since a project would be ignored silently.
 *
 * @throws {ConfigurationError} that names the missing permission
 */
export async function searchProject(directory: string): Promise<ProjectSearch> {
  const own = resolve(directory);
  const consulted: string[] = [];
  for (let folder = own;; folder = dirname(folder)) {
    const paths = PROJECT_FILES.map((name) => resolve(folder, name));
    const found = await Promise.all(paths.map(isFile));
    const hidden = paths.filter((_, i) => found[i] === undefined);
    if (hidden.length === paths.length && folder !== own) {
      return { consulted: consulted.slice(0, paths.length), unreadable: allAbove(folder) };
    }
    if (hidden.length > 0) throw cannotLook(hidden);
    consulted.push(...paths);
    const at = found.indexOf(true);
    if (at >= 0) return { path: paths[at]!, consulted, unreadable: [] };
    if (dirname(folder) === folder) {
      return { consulted: consulted.slice(0, paths.length), unreadable: [] };
    }
  }
}

/** Like {@linkcode searchProject}, but returns only the path. */
export async function findProject(directory: string): Promise<string | undefined> {
  return (await searchProject(directory)).path;
}

/** Whether the path is a file; undefined when the process may not read it. */
async function isFile(path: string): Promise<boolean | undefined> {
  if (!mayRead(path)) return undefined;
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function allAbove(folder: string): string[] {
  const paths = PROJECT_FILES.map((name) => resolve(folder, name));
  return dirname(folder) === folder ? paths : [...paths, ...allAbove(dirname(folder))];
}

function cannotLook(paths: readonly string[]): ConfigurationError {
  return new ConfigurationError(`Cannot look for a project: ${describeMissingRead(paths)}`);
}

/** The message for project files that may exist but may not be read. */
export function describeMissingRead(paths: readonly string[]): string {
  const flag = formatFlag({ kind: "read", value: paths.join(",") });
  return `dxt may not read "${paths[0]}": ${describeFlags([flag])}`;
}
