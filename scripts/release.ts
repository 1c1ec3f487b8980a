// deno-lint-ignore-file no-console
/**
 * Builds a release: `deno task release [--target TRIPLE…] [--output FOLDER]` writes for each target
 * `dxt-VERSION-TRIPLE.tar.gz`, the bill of materials `dxt-VERSION.cdx.json`, and `SHA256SUMS` of
 * all files. A target that cannot be built is reported, and the others are built.
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };
import {
  type Build,
  buildAll,
  checkTypes,
  exiting,
  formatFileSize,
  getEnding,
  nameBinary,
  parseOptions,
} from "./compile.ts";
import { type Graph, readGraph } from "./compile/graph.ts";
import { TARGETS } from "./compile/targets.ts";
import { archive } from "./release_archive.ts";
import { collectLicences } from "./release_licences.ts";
import { buildSbom, type Runtime } from "./sbom.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Files of the project in each archive. */
const BESIDE = ["LICENSE", "README.md"];

async function release(args: readonly string[]): Promise<boolean> {
  const { targets, permissions, output = "dist/release" } = parseOptions(args);
  const wanted = targets.length === 0 ? TARGETS : targets;
  await checkTypes();
  await Deno.mkdir(output, { recursive: true });
  const work = await Deno.makeTempDir({ dir: output, prefix: ".build-" });
  try {
    const built = await buildAll(wanted.map((target) => ({
      target,
      permissions,
      output: join(work, nameBinary(target) + getEnding(target)),
    })));
    const names: string[] = [];
    const graph = await readGraph("main.ts", ROOT);
    const licences = new TextEncoder().encode(await collectLicences(graph));
    for (const one of built) names.push(await pack(one, licences, output));
    if (built.length > 0) names.push(await writeSBOM(graph, output));
    await writeSums(output, names.sort());
    return built.length === wanted.length;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Packs a binary with licences and documentation; returns the name of the archive. */
async function pack(
  { target, output }: Build,
  licences: Uint8Array,
  folder: string,
): Promise<string> {
  const name = nameBinary(target!);
  const bytes = await archive([
    { name: `${name}/dxt${getEnding(target!)}`, mode: 0o755, bytes: await Deno.readFile(output) },
    ...await Promise.all(BESIDE.map(async (file) => ({
      name: `${name}/${file}`,
      mode: 0o644,
      bytes: await Deno.readFile(join(ROOT, file)),
    }))),
    { name: `${name}/LICENSES`, mode: 0o644, bytes: licences },
  ]);
  const path = join(folder, `${name}.tar.gz`);
  await Deno.writeFile(path, bytes);
  console.log(`${path}: ${await formatFileSize(path)}`);
  return basename(path);
}

async function writeSBOM(graph: Graph, folder: string): Promise<string> {
  const { name, version, license } = config;
  const document = await buildSbom(
    { name: basename(name), version, license },
    await runtime(),
    graph,
    JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock"))),
  );
  const file = `dxt-${version}.cdx.json`;
  await Deno.writeTextFile(join(folder, file), `${JSON.stringify(document, null, 2)}\n`);
  return file;
}

/** Versions of the runtime that DENORT_BIN names; without it, Deno embeds its own version. */
async function runtime(): Promise<Runtime> {
  if ((Deno.env.get("DENORT_BIN") ?? "") === "") return Deno.version;
  const folder = await Deno.makeTempDir({ prefix: "dxt-runtime-" });
  try {
    const [source, program] = [join(folder, "versions.ts"), join(folder, "versions")];
    await Deno.writeTextFile(source, "console.log(JSON.stringify(Deno.version));");
    const run = async (path: string, args: string[]) => {
      const { stdout } = await new Deno.Command(path, { args, stderr: "inherit" }).output();
      return new TextDecoder().decode(stdout);
    };
    await run(Deno.execPath(), ["compile", "--quiet", "--no-config", "-o", program, source]);
    return JSON.parse(await run(program, []));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Checksums in the format of `sha256sum`. */
async function writeSums(folder: string, names: readonly string[]): Promise<void> {
  const lines = await Promise.all(names.map(async (name) => {
    const bytes = await Deno.readFile(join(folder, name));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return `${digest.toHex()}  ${name}\n`;
  }));
  await Deno.writeTextFile(join(folder, "SHA256SUMS"), lines.join(""));
}

if (import.meta.main) await exiting(() => release(Deno.args));
