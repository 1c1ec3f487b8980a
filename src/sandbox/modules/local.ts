/** Reads external modules from local files. */
import { dirname, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigurationError } from "../../core/errors.ts";
import { missingPermission } from "../../core/permission_errors.ts";
import { MODULE_BYTES } from "./bounds.ts";

/** A local module. */
export interface LocalFile {
  /** URL of the file itself, with all links resolved. */
  readonly url: string;
  readonly bytes: Uint8Array;
}

/**
 * Returns the folder that must contain a local module and its imports: the project's, or the
 * module's own folder if it lies outside the project.
 */
export async function findRoot(entry: string, project: string | undefined): Promise<string> {
  const path = await realPath(entry);
  const folder = project === undefined ? undefined : await Deno.realPath(project);
  return folder !== undefined && isBelow(path, folder) ? folder : dirname(path);
}

/**
 * Reads a file below a folder, with links resolved.
 *
 * @throws {ConfigurationError} when it is missing, outside the folder or not a file
 */
export async function readLocal(url: string, root: string): Promise<LocalFile> {
  const path = await realPath(url);
  const refuse = (detail: string) =>
    new ConfigurationError(`Cannot read module "${fileURLToPath(url)}": ${detail}`);
  if (!isBelow(path, root)) {
    throw refuse(`it leads to "${path}", expected a file below "${root}"`);
  }
  const { isFile, size } = await Deno.stat(path);
  if (!isFile) throw refuse("it is not a file");
  if (size > MODULE_BYTES) throw refuse(`it is larger than ${MODULE_BYTES} bytes`);
  return { url: pathToFileURL(path).href, bytes: await Deno.readFile(path) };
}

async function realPath(url: string): Promise<string> {
  const path = fileURLToPath(url);
  try {
    return await Deno.realPath(path);
  } catch (error) {
    const detail = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : missingPermission(error);
    if (detail === undefined) throw error;
    throw new ConfigurationError(`Cannot read module "${path}": ${detail}`, { cause: error });
  }
}

function isBelow(path: string, folder: string): boolean {
  const fromFolder = relative(folder, path);
  return fromFolder !== "" && fromFolder !== ".." && !fromFolder.startsWith(`..${sep}`) &&
    !/^([a-z]:|[\\/])/i.test(fromFolder);
}
