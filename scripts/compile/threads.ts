/**
 * Modules that threads begin with, below the project's root. They are no imports, so that they are
 * embedded only when they are named: each `new URL("./….ts", import.meta.url)` is one.
 */
import { dirname, join } from "node:path";

export async function threadsOf(root: string, folder = "src"): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await threadsOf(root, path));
    else if (name.endsWith(".ts")) {
      const text = await Deno.readTextFile(join(root, path));
      for (const [, module] of text.matchAll(/new URL\("([^"]+\.ts)", import\.meta\.url\)/g)) {
        found.push(join(dirname(path), module!));
      }
    }
  }
  return [...new Set(found)].sort();
}
