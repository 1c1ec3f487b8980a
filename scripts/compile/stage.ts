/**
 * Copies the content of a binary to a folder: sources, pages and packages without unused files, all with the
 * same modification time. Nothing else of this machine gets into the binary, and the same sources
 * give the same bytes anywhere.
 */
import { basename, dirname, join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { TOPICS } from "../../src/cli/help/topics.ts";
import { findCause } from "./cause.ts";
import { embedded, type Package, readGraph } from "./graph.ts";

/** Files outside `src`. */
const FILES = ["main.ts", "deno.json", "deno.lock"];

/** Modules and data, without types, source maps, and copies for browsers without a module loader. */
const READ = /(?<!\.min)\.[cm]?js$|\.(json|wasm)$/;

/**
 * Packages of many small modules, by name, with the module that replaces them. A binary caches no compiled code: each module costs time at each start, and those of Arrow at
 * the start of each worker.
 */
const MERGED: Readonly<Partial<Record<string, string>>> = {
  "@optique/core": "dist/index.js",
  "apache-arrow": "Arrow.mjs",
  "yaml": "browser/index.js",
  "zod": "index.js",
};

/** The part of a package.json that is read. */
interface Manifest {
  readonly exports?: Record<string, string | Record<string, unknown>>;
}

/** Fills a folder with the sources, and its `cache` with packages in the layout of Deno's cache. */
export async function stage(root: string, folder: string): Promise<void> {
  for (const name of FILES) await copyFile(join(root, name), join(folder, name));
  await copy(join(root, "src"), join(folder, "src"), /\.ts$/);
  for (const { path } of Object.values(TOPICS)) {
    await copyFile(join(root, path), join(folder, path));
  }
  const graph = await readGraph("main.ts", root);
  const cache = join(folder, "cache");
  for (const key of embedded(graph)) {
    const found = graph.packages[key]!;
    const to = join(cache, pathInCache(found));
    const merged = MERGED[found.name];
    if (merged === undefined) await copy(found.localPath, to, READ);
    else {
      await copyFile(join(found.localPath, "package.json"), join(to, "package.json"));
      await merge(root, found.name, join(to, merged));
    }
    await preferModules(join(to, "package.json"));
  }
  await shareRuntimes(join(graph.cache, "dl"), join(cache, "dl"));
}

/** Below the cache: `npm/registry/name/version`. */
function pathInCache({ name, version, localPath }: Package): string {
  const own = `${name}/${version}`;
  return join("npm", basename(localPath.slice(0, -own.length - 1)), own);
}

/** Bundles a package and its dependencies into one module. */
async function merge(root: string, name: string, to: string): Promise<void> {
  const specifier = Object.values(config.imports).find((one) => one.startsWith(`npm:${name}@`));
  const entry = `${to}.ts`;
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.writeTextFile(entry, `export * from ${JSON.stringify(specifier)};\n`);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    // The browser platform: otherwise CommonJS is chosen if a package has both.
    args: ["bundle", "--quiet", "--platform=browser", "--minify", `--output=${to}`, entry],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`Cannot merge ${name}: ${findCause(new TextDecoder().decode(stderr))}`);
  }
  await Deno.remove(entry);
  await Deno.utime(to, 0, 0);
}

/**
 * Makes Deno load the ES modules of packages that also have CommonJS for Node. CommonJS needs Node's
 * whole loader, which is slower than everything else that `dxt list` does.
 */
async function preferModules(path: string): Promise<void> {
  const manifest: Manifest = JSON.parse(await Deno.readTextFile(path));
  const main = manifest.exports?.["."];
  if (typeof main !== "object") return;
  const { node, ...rest } = main;
  // Where these hold conditions themselves, Node's modules are among them.
  if (typeof node !== "string" || typeof rest["default"] !== "string") return;
  const exports = { ...manifest.exports, ".": rest };
  await Deno.writeTextFile(path, JSON.stringify({ ...manifest, exports }));
  await Deno.utime(path, 0, 0);
}

/** Runtimes of other machines, fetched by Deno. */
async function shareRuntimes(from: string, to: string): Promise<void> {
  await Deno.mkdir(from, { recursive: true });
  await Deno.symlink(from, to, { type: "junction" });
}

async function copy(from: string, to: string, wanted: RegExp): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(join(from, name), join(to, name), wanted);
    else if (wanted.test(name)) await copyFile(join(from, name), join(to, name));
  }
}

async function copyFile(from: string, to: string): Promise<void> {
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.copyFile(from, to);
  await Deno.utime(to, 0, 0);
}
