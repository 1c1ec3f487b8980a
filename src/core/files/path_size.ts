/** Measures what lies at a path, also while another run writes or removes it. */
import { join } from "node:path";
import { ifPresent } from "./if_present.ts";

export interface PathSize {
  readonly bytes: number;
  /** When something in it was last written, in milliseconds since the epoch; undefined if nothing is there. */
  readonly changed: number | undefined;
}

const NOTHING: PathSize = { bytes: 0, changed: undefined };

/** Sums up the files at and below a path. Links count as themselves. */
export async function measurePath(path: string): Promise<PathSize> {
  const found = await ifPresent(() => Deno.lstat(path));
  if (found === undefined) return NOTHING;
  const own = { bytes: found.isFile ? found.size : 0, changed: found.mtime?.getTime() };
  if (!found.isDirectory) return own;
  const entries = await ifPresent(() => Array.fromAsync(Deno.readDir(path))) ?? [];
  return addSizes([
    own,
    ...await Promise.all(entries.map(({ name }) => measurePath(join(path, name)))),
  ]);
}

export function addSizes(sizes: readonly PathSize[]): PathSize {
  return {
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    changed: sizes.reduce(
      (latest: number | undefined, { changed = -Infinity }) =>
        changed > (latest ?? -Infinity) ? changed : latest,
      undefined,
    ),
  };
}
