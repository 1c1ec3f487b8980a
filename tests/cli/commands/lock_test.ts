/** dxt lock and dxt vendor, as a whole program. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type ModuleServer, serveModules } from "../../sandbox/server.ts";
import { program } from "../program.ts";

interface Place {
  readonly folder: string;
  readonly server: ModuleServer;
}

async function inPlace(test: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  await using server = serveModules({
    "/acme.ts": 'import "./lib.ts"; export default {};',
    "/lib.ts": "export {};",
    "/loader.ts": "export const Acme = {};",
  });
  try {
    await Deno.writeTextFile(
      join(folder, "shop.yaml"),
      `version: 1
name: shop
source: { provider: "${server.base}/acme.ts" }
target: { provider: sqlite, path: shop.db }
streams:
  - { id: orders, source: orders }
`,
    );
    await Deno.writeTextFile(
      join(folder, "plain.yaml"),
      `version: 1
name: plain
source: { provider: local, path: . }
target: { provider: sqlite, path: shop.db }
streams:
  - { id: orders, source: a.csv, loader: { class: "${server.base}/loader.ts#Acme" } }
`,
    );
    await test({ folder, server });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("lock pins what a pipeline names and imports, and tells what changed", async () => {
  await inPlace(async ({ folder, server }) => {
    const allow = `--allow-import=${server.host}`;
    const first = await program(folder, ["lock", "shop.yaml", allow]);
    assert.equal(first.err, "");
    assert.equal(first.code, 0);
    assert.match(
      first.out,
      /^.*\/dxt\.lock has 2 modules: 2 added\n {2}added {2}[0-9a-f]{64} {2}http/,
    );
    const path = join(folder, "dxt.lock");
    const text = await Deno.readTextFile(path);
    assert.deepEqual(Object.keys(JSON.parse(text).modules), [
      `${server.base}/acme.ts`,
      `${server.base}/lib.ts`,
    ]);
    const again = await program(folder, ["lock", "shop.yaml", allow]);
    assert.match(again.out, /has 2 modules: none changed\n$/);
    assert.equal(await Deno.readTextFile(path), text);
    server.routes["/lib.ts"] = "export const changed = 1;";
    const changed = await program(folder, ["lock", "shop.yaml", "plain.yaml", allow, "-o", "json"]);
    const { locks: [lock] } = JSON.parse(changed.out);
    const lines = await program(folder, ["lock", "shop.yaml", allow, "-o", "ndjson"]);
    assert.equal(JSON.parse(lines.out).path, lock.path);
    assert.deepEqual(lock.modules.map(({ change }: { change: string }) => change), [
      ...["same", "changed", "added"],
    ]);
    assert.deepEqual(
      (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort(),
      ["dxt.lock", "plain.yaml", "shop.yaml"],
    );
  });
});

Deno.test("lock fetches from no host that is not allowed, by option, variable or project", async () => {
  await inPlace(async ({ folder, server }) => {
    const { code, err } = await program(folder, ["lock", "shop.yaml"]);
    assert.equal(code, 2);
    assert.match(
      err,
      new RegExp(`host "${server.host}" is not allowed, run it with --allow-import=`),
    );
    assert.deepEqual(server.asked, []);
    const named = await program(folder, ["lock", "shop.yaml", "--allow-import=a,b/c"]);
    assert.match(named.err, /Cannot use --allow-import with "b\/c": expected host/);
    const variable = { DXT_ALLOW_IMPORT: server.host };
    assert.equal((await program(folder, ["lock", "shop.yaml"], variable)).code, 0);
    await Deno.writeTextFile(
      join(folder, "dxt_project.yaml"),
      `permissions: { import: ["${server.host}"] }\n`,
    );
    assert.equal((await program(folder, ["lock", "shop.yaml"])).code, 0);
  });
});

Deno.test("vendor copies what is locked and nothing else", async () => {
  await inPlace(async ({ folder, server }) => {
    const allow = `--allow-import=${server.host}`;
    const unlocked = await program(folder, ["vendor", "shop.yaml", allow]);
    assert.equal(unlocked.code, 2);
    assert.match(unlocked.err, /acme\.ts": dxt\.lock does not have it, .* add it with dxt lock/);
    assert.deepEqual(server.asked, []);
    await program(folder, ["lock", "shop.yaml", allow]);
    const done = await program(folder, ["vendor", "shop.yaml", allow]);
    assert.equal(done.err, "");
    assert.match(done.out, /\/vendor has copies of 2 modules\n$/);
    server.routes["/lib.ts"] = "evil";
    const tampered = await program(folder, ["vendor", "shop.yaml", allow]);
    assert.match(tampered.err, /lib\.ts": its SHA-256 is [0-9a-f]{64}, dxt\.lock has [0-9a-f]{64}/);
  });
});

Deno.test("a folder for the cache is used where it is named, and only there", async () => {
  await inPlace(async ({ folder, server }) => {
    const allow = `--allow-import=${server.host}`;
    await program(folder, ["lock", "shop.yaml", allow]);
    await program(folder, ["vendor", "shop.yaml", allow], { DXT_CACHE_DIR: join(folder, "kept") });
    const hashes = Object.values(
      JSON.parse(await Deno.readTextFile(join(folder, "dxt.lock"))).modules as Record<
        string,
        string
      >,
    );
    for (const hash of hashes) {
      assert.ok((await Deno.stat(join(folder, "kept", hash.slice(0, 2), hash))).isFile);
    }
    server.asked.length = 0;
    await program(folder, ["vendor", "shop.yaml", "-o", "json"], {
      DXT_CACHE_DIR: join(folder, "kept"),
    });
    assert.deepEqual(server.asked, []);
  });
});

Deno.test("a pipeline without external modules has an empty lock", async () => {
  await inPlace(async ({ folder }) => {
    await Deno.writeTextFile(
      join(folder, "own.yaml"),
      `version: 1
name: own
source: { provider: local, path: . }
target: { provider: sqlite, path: shop.db }
streams:
  - { id: orders, source: a.csv, loader: sqlite }
`,
    );
    const { code, out } = await program(folder, ["lock", "own.yaml"]);
    assert.equal(code, 0);
    assert.match(out, /dxt\.lock has 0 modules: none changed\n$/);
  });
});
