/**
 * Entry modules of workers, relative to the project's root. They are not imported, so the build must
 * name them to embed them: each `new URL("./….ts", import.meta.url)` is one.
 */
import { dirname, join } from "node:path";

export async function listThreads(root: string, folder = "src"): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await listThreads(root, path));
    else if (name.endsWith(".ts")) {
      const text = await Deno.readTextFile(join(root, path));
      for (const [, module] of text.matchAll(/new URL\("([^"]+\.ts)", import\.meta\.url\)/g)) {
        found.push(join(dirname(path), module!));
      }
    }
  }
  return [...new Set(found)].sort();
}
