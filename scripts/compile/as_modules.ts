/**
 * Packages that ship modules beside CommonJS. The runtime takes their CommonJS, and for that Node's
 * whole loader, which is slower than all the rest of `dxt list`; a binary gets the modules.
 */
import { basename, dirname, join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { graphOf } from "./graph.ts";

/** The part of a package.json that is looked at. */
interface Manifest {
  readonly exports: { readonly ".": { readonly default: string } };
}

/**
 * Copies the modules of packages into a folder, and returns the path of an import map that leads to
 * them; all other names are those of deno.json.
 */
export async function asModules(
  names: readonly (keyof typeof config.imports)[],
  folder: string,
): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const imports: Record<string, string> = { ...config.imports };
  for (const name of names) {
    const { imported, packages } = await graphOf(config.imports[name], folder);
    const { localPath: source } = packages[imported[0]!]!;
    const manifest: Manifest = JSON.parse(await Deno.readTextFile(join(source, "package.json")));
    const entry = manifest.exports["."].default;
    await copy(join(source, dirname(entry)), join(folder, name));
    // An absolute path would lead out of the binary.
    imports[name] = `./${name}/${basename(entry)}`;
  }
  const map = join(folder, "import_map.json");
  await Deno.writeTextFile(map, JSON.stringify({ imports }, null, 2));
  return map;
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    if (entry.isDirectory) await copy(join(from, entry.name), join(to, entry.name));
    else {
      await Deno.copyFile(join(from, entry.name), join(to, entry.name));
      // A binary holds the times of its files: the same sources give the same binary.
      await Deno.utime(join(to, entry.name), 0, 0);
    }
  }
}
