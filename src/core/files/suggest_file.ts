/** Suggestions for mistyped names of files. */
import { basename, dirname, extname, join, resolve } from "node:path";
import { findSimilar, suggest, suggestWord } from "../did_you_mean.ts";
import { mayRead } from "../permission_errors.ts";

/** Entries of a folder, and folders, that are looked at. */
const MOST = 1000;

/** `, did you mean "…"` with the most similar name in the same folder; empty if it cannot be listed. */
export async function suggestName(full: string): Promise<string> {
  return suggestWord(basename(full), (await list(dirname(full)) ?? []).map(({ name }) => name));
}

/**
 * `, did you mean "…"` with the path of a file near by, relative as the given one: with a similar name or another
 * ending in the same folder, else with the same name in a folder above or below. Where the folder is missing, also
 * in another one beside it.
 *
 * @param isWanted whether a file of this name may be meant
 * @param directory what a relative path begins at
 */
export async function suggestFile(
  path: string,
  isWanted: (name: string) => boolean,
  directory = ".",
): Promise<string> {
  const [folder, name] = [dirname(path), basename(path)];
  const listed = (place: string) => list(resolve(directory, place));
  const files = async (place: string) =>
    (await listed(place) ?? []).filter((entry) => entry.isFile && isWanted(entry.name))
      .map((entry) => entry.name);
  const here = await files(folder);
  const near = findSimilar(stem(name), here.map(stem));
  const meant = here.filter((other) => stem(other) === near);
  const [first] = [...meant.filter((other) => extname(other) === extname(name)), ...meant];
  if (first !== undefined) return suggest(join(folder, first));
  const outer = join(folder, "..");
  const around = await listed(folder) === undefined ? outer : folder;
  const folders = (await listed(around) ?? [])
    .filter((entry) => entry.isDirectory && !/^(\.|node_modules$)/.test(entry.name))
    .map((entry) => join(around, entry.name));
  for (const place of [outer, ...folders]) {
    if ((await files(place)).includes(name)) return suggest(join(place, name));
  }
  return "";
}

const stem = (name: string) => basename(name, extname(name));

/** Undefined for a folder that does not exist, or cannot be listed. */
async function list(folder: string): Promise<Deno.DirEntry[] | undefined> {
  if (!mayRead(folder)) return undefined;
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entries.push(entry) === MOST) break;
    }
  } catch {
    return undefined;
  }
  return entries;
}
