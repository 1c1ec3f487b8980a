/** Loads a pipeline file with its project and `.env` files; imports zod only if necessary. */
import { ConfigurationError, messageOf } from "../core/errors.ts";
import { mayRead, requirePermission } from "../core/permission_errors.ts";
import { parseFast } from "./pipeline/parse_fast.ts";
import { dirname, resolve } from "../core/files/paths.ts";
import type { EnvFile, LoadedPipeline, ParseOptions } from "./pipeline/assemble.ts";
import { searchProject } from "./pipeline/find_project.ts";
import type { StandIns } from "./pipeline/stand_ins.ts";
import { MAX_BYTES } from "./text/yaml.ts";

export { findSecretValues } from "./pipeline/assemble.ts";

export interface LoadOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Replaces the `.env` files next to the pipeline and next to the project. */
  readonly envFile?: string;
  /** Take precedence over the environment. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Replace the connections of the pipeline; `.env` files are not read then. */
  readonly standIns?: StandIns | undefined;
}

/**
 * Reads a pipeline file with its project and `.env` files.
 *
 * @throws {ConfigurationError} when a file cannot be read
 * @throws {LocatedError} that lists all errors in them
 */
export async function loadPipeline(path: string, options: LoadOptions): Promise<LoadedPipeline> {
  const { env, envFile, vars = {}, standIns } = options;
  const text = await readText("pipeline", path);
  const directory = dirname(resolve(path));
  const surroundings = await readSurroundings(directory, envFile, standIns === undefined);
  const parseOptions = { env, vars, path, directory, standIns, ...surroundings };
  return parseFast(text, parseOptions) ??
    (await import("./pipeline/parse_strict.ts")).parsePipeline(text, parseOptions);
}

/** Reads the project and the `.env` files that apply to a folder. */
export async function readSurroundings(
  directory: string,
  envFile: string | undefined,
  readsEnvFiles = true,
): Promise<Pick<ParseOptions, "project" | "envFiles" | "consulted" | "unreadable">> {
  const { path, consulted, unreadable } = await searchProject(directory);
  const project = path === undefined ? undefined : { path, text: await readText("project", path) };
  const folders = [...new Set([directory, ...(path === undefined ? [] : [dirname(path)])])];
  const envFiles = !readsEnvFiles
    ? []
    : envFile === undefined
    ? await Promise.all(folders.map((folder) => readEnvFile(resolve(folder, ".env"))))
    : [{ path: envFile, text: await readText("variables file", envFile) }];
  return {
    envFiles,
    ...(project === undefined ? {} : { project }),
    consulted: [...consulted, ...(envFile === undefined ? [] : [resolve(envFile)])],
    unreadable,
  };
}

/** @throws {ConfigurationError} when a file cannot be read, is too large or no UTF-8 */
export async function readText(what: string, path: string): Promise<string> {
  const fail = (detail: string, cause?: unknown) =>
    new ConfigurationError(`Cannot read ${what} "${path}": ${detail}`, { cause });
  let bytes: Uint8Array;
  try {
    requirePermission("read", path);
    const { size, isDirectory } = await Deno.stat(path);
    if (isDirectory) throw fail("it is a folder");
    if (size > MAX_BYTES) throw fail(`it has ${size} bytes, expected at most ${MAX_BYTES}`);
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    if (error instanceof Deno.errors.NotFound) {
      const { suggestFile } = await import("../core/files/suggest_file.ts");
      const wanted = what === "pipeline" ? /\.(ya?ml|json)$/i : /env/;
      throw fail(`no such file${await suggestFile(path, (name) => wanted.test(name))}`, error);
    }
    if (error instanceof Deno.errors.PermissionDenied) throw fail("permission denied", error);
    if (error instanceof Deno.errors.NotCapable) throw fail(messageOf(error), error);
    throw error;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw fail("it is not UTF-8", error);
  }
}

async function readEnvFile(path: string): Promise<EnvFile> {
  if (!mayRead(path)) return { path, text: undefined };
  try {
    if (!(await Deno.stat(path)).isFile) return { path, text: "" };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { path, text: "" };
    throw error;
  }
  return { path, text: await readText("variables file", path) };
}
