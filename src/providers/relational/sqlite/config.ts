/** What a connection to a SQLite database is made from. */
import { dirname, isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { ConfigurationError } from "../../../core/errors.ts";
import { withDefault } from "../../../models/describe.ts";
import { mayRead } from "../../../core/permission_errors.ts";
import { decode, readOptions } from "../../transport/connection_url.ts";

export const SqliteConfig = z.strictObject({
  path: z.string().min(1)
    .refine((path) => path !== ":memory:", {
      error: "a database in memory would be gone after the run, expected a file's path",
    })
    .refine((path) => !/^file:/i.test(path), { error: "expected a plain path, not a file: URI" })
    .refine((path) => !path.includes("\0"), { error: "expected a path without U+0000" })
    .describe("The database file; relative to the pipeline's folder"),
  readonly: z.boolean().optional().meta(
    withDefault("Never write to it, also not as a target", false),
  ),
  busy_timeout_ms: z.int().min(0).optional()
    .meta(
      withDefault("Milliseconds to wait for a database that another process has locked", 10_000),
    ),
});
export type SqliteConfig = z.infer<typeof SqliteConfig>;

export function databasePath(config: SqliteConfig, baseDirectory: string): string {
  return isAbsolute(config.path) ? config.path : resolve(baseDirectory, config.path);
}

/**
 * Reads a URL as SQLAlchemy does: after `sqlite:///` the path is relative, after a fourth slash absolute.
 * In `sqlite:PATH` and `sqlite://FILE` the path stands as it is.
 *
 * @throws {ConfigurationError} for a host or a fragment, and for a relative path of which only the absolute
 * one exists
 */
export function fromURL(url: string, baseDirectory: string): Record<string, unknown> {
  const [, slashes = "", place, query = ""] = /^[a-z][\w+.-]*:(\/{2,3})?([^?]*)(?:\?(.*))?$/is.exec(
    url,
  )!;
  if (url.includes("#")) {
    throw new ConfigurationError(
      `Cannot use a sqlite URL with a fragment: a database has no parts, expected %23 for "#" in a path`,
    );
  }
  const path = decode(place!);
  const host = slashes === "//" ? /^(?!\.{1,2}\/)[^/]*(?=\/)/.exec(path)?.[0] : undefined;
  if (host !== undefined) {
    throw new ConfigurationError(
      `Cannot use a sqlite URL with two slashes and a folder: it would name a host, expected sqlite:folder/file.db (relative) or sqlite:////folder/file.db (absolute)`,
    );
  }
  if (slashes === "///") refuseMeantAbsolute(path, baseDirectory);
  const options = readOptions(query).flatMap(([name, value]) =>
    Object.entries(readOption(name, value))
  );
  // As SQLAlchemy: a URL without a path is a database in memory.
  return { path: path === "" ? ":memory:" : path, ...Object.fromEntries(options) };
}

/** Reads an option of a URL: SQLite's own `mode`, Python's `timeout` in seconds, or a key of dxt. */
function readOption(name: string, value: string): Record<string, unknown> {
  if (name === "mode" && /^(ro|rwc?)$/.test(value)) return { readonly: value === "ro" };
  if (name === "timeout") return { busy_timeout_ms: Math.round(Number(value) * 1000) };
  if (name === "busy_timeout_ms") return { [name]: Number(value) };
  return { [name]: { true: true, false: false }[value] ?? value };
}

/** Refuses a relative path of which only the absolute one exists: other programs read three slashes so. */
function refuseMeantAbsolute(path: string, baseDirectory: string): void {
  if (isAbsolute(path) || path === "") return;
  const [relative, absolute] = [resolve(baseDirectory, path), resolve("/", path)];
  const folders = [dirname(relative), dirname(absolute)] as const;
  const pair = !pathExists(relative) && pathExists(absolute)
    ? [relative, absolute]
    : !pathExists(folders[0]) && pathExists(folders[1])
    ? folders
    : undefined;
  if (pair === undefined) return;
  throw new ConfigurationError(
    `Cannot use "sqlite:///${path}": three slashes begin a relative path, "${
      pair[0]
    }" does not exist, "${
      pair[1]
    }" does; write "sqlite:///${absolute}" for the absolute path, or "sqlite:${path}" for the relative one`,
  );
}

/** Whether a path is known to exist. */
function pathExists(path: string): boolean {
  try {
    return mayRead(path) && Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}
