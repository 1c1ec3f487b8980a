/**
 * Path functions for the start-up path. Importing `node:path` takes a third of the time of
 * `dxt list`, so the two functions needed on POSIX are below.
 */
const native = Deno.build.os === "windows" ? await import("node:path") : undefined;

/** The folder of a path: `a` for `a/b`, `.` for `a`. */
export const dirname: (path: string) => string = native?.dirname ?? posixDirname;

/** Joins paths from left to right into an absolute path, starting at the working directory. */
export const resolve: (...parts: string[]) => string = native?.resolve ?? posixResolve;

/** Same as `dirname` of `node:path`. */
export function posixDirname(path: string): string {
  const rest = path.replace(/(?!^)\/+$/, "");
  const end = rest.lastIndexOf("/");
  if (end < 0) return ".";
  return rest.slice(0, end) || "/";
}

/** Same as `resolve` of `node:path`. */
export function posixResolve(...parts: string[]): string {
  const start = parts.findLastIndex((part) => part.startsWith("/"));
  const from = start < 0 ? [Deno.cwd(), ...parts] : parts.slice(start);
  const names: string[] = [];
  for (const name of from.join("/").split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
