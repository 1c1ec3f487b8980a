/** Dead letters among what runs keep. */
import { join } from "node:path";
import { ifPresent } from "../../core/files/if_present.ts";
import { type FoundLetters, listLetters } from "../../integrity/dead_letters.ts";
import type { StoredItem } from "./survey.ts";

/** The dead letters in the folder for those of all pipelines. */
export async function findOwnLetters(root: string): Promise<StoredItem[]> {
  const items: StoredItem[] = [];
  const listFolders = async (folder: string) =>
    (await ifPresent(() => Array.fromAsync(Deno.readDir(folder))) ?? [])
      .filter(({ isDirectory }) => isDirectory).map(({ name }) => join(folder, name)).sort();
  for (const pipeline of await listFolders(root)) {
    for (const folder of await listFolders(pipeline)) {
      items.push(...(await listLetters(folder)).map(describeLetters));
    }
  }
  return items;
}

/** Dead letters, which only `dxt dlq` removes. */
export function describeLetters(
  { path, header, rows, bytes, isInDoubt }: FoundLetters,
): StoredItem {
  const { pipeline, stream, at } = header;
  return {
    entry: {
      kind: "letters",
      state: isInDoubt ? "in doubt" : "rejected",
      ...{ place: path, pipeline, stream, rows, bytes, changed: at },
    },
    remove: () => Promise.resolve(false),
  };
}
