/** Classifies a connection argument that is not a connection name: a URL, or some kind of path. */
import { basename, dirname, extname, join, resolve } from "node:path";
import { ConfigurationError, messageOf } from "../../core/errors.ts";
import { readFileURL } from "../../core/files/file_url.ts";
import { suggestFile } from "../../core/files/suggest_file.ts";
import { requirePermission } from "../../core/permission_errors.ts";
import { issueAt, LocatedError } from "../text/issues.ts";
import { makeMap, scalar, type ScalarTree, type Tree } from "../text/tree.ts";

export interface ArgumentKind {
  /** The value of the pipeline's `source` or `target`. */
  readonly tree: Tree;
  readonly kind: "name" | "url" | "database" | "files" | "pattern";
  /** The one file or the pattern, relative to the folder in the tree. */
  readonly dataset?: string;
}

/** File extensions of files with records, compressed or not. */
export const DATASET =
  /\.(parquet|pq|csv|tsv|tab|json|jsonl|ndjson|arrow|arrows|feather|ipc)(\.(gz|gzip|zst|zstd|bz2|xz))?$/i;

/** Tells an SQL query from a table name by its first word. */
export const QUERY = /^\s*(select|with|values)\s/i;

const URL_SCHEME = /^[a-z][a-z0-9+.-]+:/i;
const DATABASE = /^\.(db|db3|sqlite|sqlite3)$/i;
const isData = (name: string) => DATASET.test(name) || DATABASE.test(extname(name));
const HEADER = "SQLite format 3\0";

/**
 * Classifies an argument.
 *
 * @param makes the argument is a target, which need not exist yet
 * @throws {LocatedError} when it is neither a URL nor a usable path
 */
export async function classifyArgument(
  word: ScalarTree,
  directory: string,
  makes: boolean,
): Promise<ArgumentKind> {
  const written = String(word.value);
  const end = (provider: string, path: string) =>
    makeMap(word.place, { provider: scalar(provider, word.place), path: scalar(path, word.place) });
  const inFolder = (kind: "files" | "pattern", folder: string, dataset: string): ArgumentKind => ({
    tree: end("local", folder),
    kind,
    dataset,
  });
  const refuse = (message: string): never => {
    throw new LocatedError([issueAt(word.place, message)]);
  };
  if (written === "") return refuse("it is empty, expected a connection's name, a URL or a path");
  const isFileURL = /^file:/i.test(written);
  if (/^https?:/i.test(written)) {
    return makes
      ? refuse("files are not written over http(s), expected a path or the URL of a database")
      : splitURL(word, written);
  }
  if (!isFileURL && URL_SCHEME.test(written)) return { tree: word, kind: "url" };
  const text = isFileURL ? pathInURL(written, refuse) : written;
  const full = resolve(directory, text);
  const stat = await statIfPresent(full, refuse);
  if (stat?.isDirectory === true) return { tree: end("local", text), kind: "files" };
  if (stat !== undefined) {
    const database = DATABASE.test(extname(text)) || await isDatabase(full);
    if (database && !DATASET.test(text)) return { tree: end("sqlite", text), kind: "database" };
    return inFolder("files", dirname(text), basename(text));
  }
  if (/[*?[{]/.test(text) && !makes) return splitPattern(text, inFolder);
  if (makes && DATABASE.test(extname(text))) return { tree: end("sqlite", text), kind: "database" };
  if (makes && DATASET.test(text)) return inFolder("files", dirname(text), basename(text));
  if (makes && /[^/\\.]\.[a-z]\w*$/i.test(text)) {
    return refuse(
      `unknown ending "${
        extname(text)
      }", expected .parquet, .csv, .tsv, .json, .jsonl, .arrow or .db; a folder of this name ends with a slash`,
    );
  }
  if (makes && /[/\\]/.test(text)) return { tree: end("local", text), kind: "files" };
  if (/[/\\]/.test(text) || extname(text) !== "") {
    const near = await suggestFile(text, isData, directory);
    return refuse(`there is no "${hideLogin(text)}"${near}`);
  }
  // A bare word must be a connection name; the caller reports the known names.
  return { tree: word, kind: "name" };
}

/** The folder of a URL with its login and query, and the file in it. */
function splitURL(word: ScalarTree, written: string): ArgumentKind {
  const [, folder = written, file = "", query = ""] =
    /^(\w+:\/\/[^?#]*\/)([^/?#]*)(\?[^#]*)?/s.exec(written) ?? [];
  const tree: ScalarTree = { ...word, value: folder + query };
  return file === "" ? { tree: word, kind: "url" } : { tree, kind: "url", dataset: file };
}

function pathInURL(url: string, refuse: (message: string) => never): string {
  try {
    return readFileURL(url);
  } catch (error) {
    return refuse(messageOf(error));
  }
}

/** A mistyped URL may hold a password all the same. */
function hideLogin(text: string): string {
  return text.replace(/[^/]*@/g, "***@");
}

function splitPattern(
  text: string,
  inFolder: (kind: "pattern", folder: string, dataset: string) => ArgumentKind,
): ArgumentKind {
  const parts = text.split("/");
  const wild = parts.findIndex((part) => /[*?[{]/.test(part));
  const folder = parts.slice(0, wild).join("/");
  const root = text.startsWith("/") ? "/" : ".";
  return inFolder("pattern", folder === "" ? root : folder, parts.slice(wild).join("/"));
}

async function statIfPresent(
  path: string,
  refuse: (message: string) => never,
): Promise<Deno.FileInfo | undefined> {
  try {
    requirePermission("read", path);
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return refuse(`"${path}" cannot be looked up: permission denied`);
    }
    if (error instanceof Deno.errors.NotCapable) return refuse(messageOf(error));
    return undefined;
  }
}

async function isDatabase(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(HEADER.length);
    const read = await file.read(bytes);
    return read === HEADER.length && new TextDecoder().decode(bytes) === HEADER;
  } catch (error) {
    throw new ConfigurationError(`Cannot read "${join(path)}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
