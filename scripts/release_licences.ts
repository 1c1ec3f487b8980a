/**
 * Collects the licences of all packages in a binary in one text. `deno run -A
 * scripts/release_licences.ts` prints it.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embedded, type Graph, readGraph } from "./compile/graph.ts";
import { licenceIn } from "./sbom.ts";

const LICENCE = /^(licen[cs]e|copying|notice)([._-].*)?$/i;

const RUNTIME = `The runtime is Deno, under the MIT licence: https://github.com/denoland/deno
It holds V8, under the BSD licence: https://github.com/v8/v8`;

/** The licence files of a package, or else the licence in its package.json. */
export async function collectLicences(graph: Graph): Promise<string> {
  const texts = [RUNTIME];
  for (const key of embedded(graph)) {
    const { name, version, localPath } = graph.packages[key]!;
    const files = (await Array.fromAsync(Deno.readDir(localPath)))
      .filter(({ name, isFile }) => isFile && LICENCE.test(name)).map(({ name }) => name).sort();
    const found = await Promise.all(files.map((file) => Deno.readTextFile(join(localPath, file))));
    if (files.length === 0) found.push(`Licence: ${await licenceIn(localPath) ?? "unknown"}`);
    texts.push([`${name} ${version}`, ...found.map((text) => text.trim())].join("\n\n"));
  }
  return `${texts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

if (import.meta.main) {
  const graph = await readGraph("main.ts", fileURLToPath(new URL("../", import.meta.url)));
  await Deno.stdout.write(new TextEncoder().encode(await collectLicences(graph)));
}
