import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embedded, readGraph } from "../../scripts/compile/graph.ts";
import { archive } from "../../scripts/release_archive.ts";
import { buildSbom } from "../../scripts/sbom.ts";
import { withFolder } from "../support/run.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LOCK = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock")));
const PROGRAM = { name: "dxt", version: "1.2.3", license: "MIT" };
const RUNTIME = { deno: "2.9.6", v8: "15.0.1" };

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly "bom-ref": string;
  readonly hashes?: { alg: string; content: string }[];
  readonly licenses?: { license?: { id: string }; expression?: string }[];
}

async function sbom() {
  const document = await buildSbom(PROGRAM, RUNTIME, await readGraph("main.ts", ROOT), LOCK);
  return document as unknown as {
    components: Component[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
}

Deno.test("the list of parts has what is embedded, and nothing that only tests need", async () => {
  const { components } = await sbom();
  const names = components.map(({ name }) => name);
  for (const name of ["deno", "v8", "zod", "yaml", "postgres", "parquet-wasm", "apache-arrow"]) {
    assert.ok(names.includes(name), name);
  }
  for (const name of ["fast-check", "ajv", "pure-rand"]) assert.ok(!names.includes(name), name);
  assert.ok(names.includes("flatbuffers"), "what a package depends on");
  assert.deepEqual(names.slice(2), names.slice(2).toSorted());
});

Deno.test("each part has version, package URL, licence, and the lock's hash", async () => {
  const { components } = await sbom();
  const optique = components.find(({ name }) => name === "@optique/core")!;
  const version = /@optique\/core@([\d.]+)/.exec(Object.keys(LOCK.npm).join())![1];
  assert.equal(optique.purl, `pkg:npm/%40optique/core@${version}`);
  assert.deepEqual(optique.licenses, [{ license: { id: "MIT" } }]);
  const { integrity } = LOCK.npm[`@optique/core@${version}`];
  assert.equal(optique.hashes![0]!.alg, "SHA-512");
  assert.equal(
    `sha512-${Uint8Array.fromHex(optique.hashes![0]!.content).toBase64()}`,
    integrity,
  );
  const parquet = components.find(({ name }) => name === "parquet-wasm")!;
  assert.deepEqual(parquet.licenses, [{ expression: "MIT OR Apache-2.0" }]);
  for (const { name, hashes, licenses } of components.slice(2)) {
    assert.match(hashes![0]!.content, /^[0-9a-f]{128}$/, name);
    assert.equal(licenses!.length, 1, name);
  }
});

Deno.test("the list of parts refers to its own parts only, and is the same each time", async () => {
  const one = await sbom();
  const refs = new Set(one.components.map((component) => component["bom-ref"]));
  refs.add("pkg:npm/dxt@1.2.3");
  for (const { ref, dependsOn } of one.dependencies) {
    for (const name of [ref, ...dependsOn]) assert.ok(refs.has(name), name);
  }
  assert.equal(one.dependencies.length, refs.size - 1, "v8 depends on nothing");
  assert.equal(JSON.stringify(one), JSON.stringify(await sbom()));
});

Deno.test("a package that is not locked is an error", async () => {
  const graph = {
    imported: ["a@1.0.0"],
    cache: ROOT,
    packages: { "a@1.0.0": { name: "a", version: "1.0.0", dependencies: [], localPath: ROOT } },
  };
  assert.deepEqual(embedded(graph), ["a@1.0.0"]);
  await assert.rejects(() => buildSbom(PROGRAM, RUNTIME, graph, { npm: {} }), {
    message: 'Cannot list package "a@1.0.0": it is not in deno.lock',
  });
});

Deno.test("an archive holds its files, and the same files are the same bytes", () =>
  withFolder(async (folder) => {
    const bytes = new Uint8Array(1000).map((_, i) => i % 251);
    const files = [
      { name: "dxt-1/dxt", mode: 0o755, bytes },
      { name: "dxt-1/empty", mode: 0o644, bytes: new Uint8Array() },
      { name: "dxt-1/block", mode: 0o644, bytes: bytes.subarray(0, 512) },
    ];
    const one = await archive(files);
    assert.deepEqual(one, await archive(files));
    await Deno.writeFile(join(folder, "a.tar.gz"), one);
    const { code, stderr } = await new Deno.Command("tar", {
      args: ["xzf", "a.tar.gz"],
      cwd: folder,
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    for (const { name, mode, bytes } of files) {
      const path = join(folder, name);
      assert.deepEqual(await Deno.readFile(path), bytes);
      assert.equal((await Deno.stat(path)).mode! & 0o777, mode);
    }
    await assert.rejects(() => archive([{ name: "é", mode: 0o644, bytes }]), RangeError);
  }));
