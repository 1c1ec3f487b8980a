/**
 * Paths as this system writes them. To load `node:path` costs a third of `dxt list`, for all that it
 * brings with it; what POSIX needs is below.
 */
const native = Deno.build.os === "windows" ? await import("node:path") : undefined;

/** The folder of a path: of `a/b` it is `a`, of `a` it is `.`. */
export const dirname: (path: string) => string = native?.dirname ?? posixDirname;

/** An absolute path: what the parts say one after the other, from the working directory. */
export const resolve: (...parts: string[]) => string = native?.resolve ?? posixResolve;

/** As `dirname` of `node:path`. */
export function posixDirname(path: string): string {
  const rest = path.replace(/(?!^)\/+$/, "");
  const end = rest.lastIndexOf("/");
  if (end < 0) return ".";
  return rest.slice(0, end) || "/";
}

/** As `resolve` of `node:path`. */
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
