/** Paths without symbolic links, for comparing permissions. */
import { ConfigurationError } from "../errors.ts";
import { mayRead } from "../permission_errors.ts";
import { dirname, join, parse, resolve, sep } from "node:path";

/** The limit of Linux. */
const MAX_LINKS = 40;

/**
 * Resolves symbolic links in a path whose last parts need not exist, nor the target of a link. A
 * path that the process may not read is treated as no link: the process could not follow it either.
 *
 * @throws {ConfigurationError} for circular links
 */
export function realPath(path: string): string {
  let links = 0;
  const { root } = parse(resolve(path));
  let real = root;
  const left = splitPath(resolve(path));
  while (left.length > 0) {
    const next = join(real, left.shift()!);
    const link = readLink(next);
    if (link === undefined) {
      real = next;
      continue;
    }
    if (++links > MAX_LINKS) {
      throw new ConfigurationError(`Cannot follow the links of "${path}": too many`);
    }
    const linked = resolve(dirname(next), link);
    real = parse(linked).root;
    left.unshift(...splitPath(linked));
  }
  return real;
}

function splitPath(path: string): string[] {
  return path.slice(parse(path).root.length).split(sep).filter((part) => part !== "");
}

function readLink(path: string): string | undefined {
  if (!mayRead(path)) return undefined;
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a path equals a folder or is below it. Both are absolute; Windows ignores case. */
export function isWithin(path: string, folder: string): boolean {
  const [inner, outer] = Deno.build.os === "windows"
    ? [path.toLowerCase(), folder.toLowerCase()]
    : [path, folder];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : `${outer}${sep}`);
}
