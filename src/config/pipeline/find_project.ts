/** Where the project of a folder is. */
import { dirname, resolve } from "../../core/files/paths.ts";
import { ConfigurationError } from "../../core/errors.ts";
import { describeFlags, flagOf, mayRead } from "../../core/permission_errors.ts";

export const PROJECT_FILES = ["dxt_project.yaml", "dxt_project.yml"] as const;

export interface ProjectSearch {
  /** The file, where there is one. */
  readonly path?: string;
  /** Paths that have to be looked at for the same answer. */
  readonly looked: readonly string[];
  /** Paths that may not be looked at: there may be a project. */
  readonly unseen: readonly string[];
}

/**
 * The project file of a folder or of the nearest folder above that has one. The search ends below
 * the first folder that the process may not look into; what it may half look into is an error,
 * since a project would be left out without a word.
 *
 * @throws {ConfigurationError} that names the missing permission
 */
export async function searchProject(directory: string): Promise<ProjectSearch> {
  const own = resolve(directory);
  const looked: string[] = [];
  for (let folder = own;; folder = dirname(folder)) {
    const paths = PROJECT_FILES.map((name) => resolve(folder, name));
    const found = await Promise.all(paths.map(isFile));
    const hidden = paths.filter((_, i) => found[i] === undefined);
    if (hidden.length === paths.length && folder !== own) {
      return { looked: looked.slice(0, paths.length), unseen: allAbove(folder) };
    }
    if (hidden.length > 0) throw cannotLook(hidden);
    looked.push(...paths);
    const at = found.indexOf(true);
    if (at >= 0) return { path: paths[at]!, looked, unseen: [] };
    if (dirname(folder) === folder) return { looked: looked.slice(0, paths.length), unseen: [] };
  }
}

/** As {@linkcode searchProject}, the path alone. */
export async function findProject(directory: string): Promise<string | undefined> {
  return (await searchProject(directory)).path;
}

/** Undefined where the process may not look. */
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
  return new ConfigurationError(`Cannot look for a project: ${mayNotLook(paths)}`);
}

/** That a file may be there. */
export function mayNotLook(paths: readonly string[]): string {
  const flag = flagOf({ kind: "read", value: paths.join(",") });
  return `dxt may not look at "${paths[0]}": ${describeFlags([flag])}`;
}
