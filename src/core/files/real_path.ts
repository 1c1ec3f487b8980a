import { ConfigurationError } from "../errors.ts";
import { mayRead } from "../permission_errors.ts";
import { dirname, join, parse, resolve, sep } from "node:path";

/** As many as Linux follows. */
const MOST_LINKS = 40;

/**
 * An absolute path without symbolic links, also where its last parts do not exist yet, or are a
 * link to what does not. What the process may not look at is taken for no link: it may not follow
 * it either.
 *
 * @throws {ConfigurationError} for links that lead in a circle
 */
export function realPath(path: string): string {
  let links = 0;
  const { root } = parse(resolve(path));
  let real = root;
  const left = partsOf(resolve(path));
  while (left.length > 0) {
    const next = join(real, left.shift()!);
    const link = linkOf(next);
    if (link === undefined) {
      real = next;
      continue;
    }
    if (++links > MOST_LINKS) {
      throw new ConfigurationError(`Cannot follow the links of "${path}": too many`);
    }
    const aim = resolve(dirname(next), link);
    real = parse(aim).root;
    left.unshift(...partsOf(aim));
  }
  return real;
}

function partsOf(path: string): string[] {
  return path.slice(parse(path).root.length).split(sep).filter((part) => part !== "");
}

function linkOf(path: string): string | undefined {
  if (!mayRead(path)) return undefined;
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a path is the other or below it. Both are absolute; Windows tells no cases apart. */
export function isWithin(path: string, folder: string): boolean {
  const [inner, outer] = Deno.build.os === "windows"
    ? [path.toLowerCase(), folder.toLowerCase()]
    : [path, folder];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : `${outer}${sep}`);
}
