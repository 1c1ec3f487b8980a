/** dxt.lock, the cache and vendored copies: what a module was when its user accepted it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type CodeSettings,
  formatLock,
  loadCode,
  loadGraph,
  mergePins,
  NO_PINS,
  openCache,
  openVendorFolder,
  readLock,
  vendorModule,
} from "../../src/sandbox/modules/mod.ts";
import { type ModuleServer, serveModules } from "./server.ts";

const HASH = "[0-9a-f]{64}";
const settingsFor = (server: ModuleServer): CodeSettings => ({
  directory: "/",
  hosts: [server.host],
});

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const shop = () =>
  serveModules({
    "/mod.ts": 'import "./lib.ts"; export default 1;',
    "/lib.ts": "export {};",
    "/latest": { location: "/v1.ts" },
    "/v1.ts": "export default 'v1';",
    "/v2.ts": "export default 'v2';",
    "/typed": { body: "export const x: number = 1;", type: "text/typescript" },
  });

Deno.test("a lock is the same text for the same pins, and is read back", async () => {
  await inFolder(async (folder) => {
    const pins = {
      modules: { "https://b/": "b".repeat(64), "https://a/": "a".repeat(64) },
      redirects: { "https://c/": "https://a/" },
      kinds: { "https://a/": "typescript" as const },
    };
    const text = formatLock(pins);
    assert.equal(
      text,
      formatLock({ ...pins, modules: Object.fromEntries(Object.entries(pins.modules).reverse()) }),
    );
    assert.ok(text.indexOf("https://a/") < text.indexOf("https://b/"));
    const path = join(folder, "dxt.lock");
    await Deno.writeTextFile(path, text);
    assert.deepEqual(await readLock(path), pins);
    assert.deepEqual(await readLock(join(folder, "none")), NO_PINS);
  });
});

Deno.test("a lock that is none says what is wrong with it", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "dxt.lock");
    for (
      const text of ["", "[]", '{"version":2,"modules":{}}', '{"version":1,"modules":{"a":"b"}}']
    ) {
      await Deno.writeTextFile(path, text);
      await assert.rejects(
        readLock(path),
        /^ConfigurationError: Cannot read lock ".*dxt\.lock": .*run dxt lock$/,
      );
    }
  });
});

Deno.test("what is not locked is fetched with a warning, and what is locked without one", async () => {
  await using server = shop();
  const warnings: string[] = [];
  const settings = { ...settingsFor(server), onWarning: (text: string) => warnings.push(text) };
  await loadCode(`${server.base}/mod.ts`, settings);
  assert.deepEqual(warnings, [
    `module "${server.base}/lib.ts" and 1 of its imports are not locked, pin the current version with dxt lock`,
  ]);
  const { pins } = await loadGraph(`${server.base}/mod.ts`, settings);
  await loadCode(`${server.base}/mod.ts`, { ...settings, lock: pins, frozen: true });
  assert.equal(warnings.length, 1);
});

Deno.test("a tampered module is refused with both hashes, wherever it is in the graph", async () => {
  await using server = shop();
  const settings = settingsFor(server);
  const { pins } = await loadGraph(`${server.base}/mod.ts`, settings);
  server.routes["/lib.ts"] = "export {}; // evil";
  await assert.rejects(
    loadCode(`${server.base}/mod.ts`, { ...settings, lock: pins }),
    new RegExp(
      `lib\\.ts": its SHA-256 is ${HASH}, dxt\\.lock has ${pins.modules[`${server.base}/lib.ts`]};`,
    ),
  );
});

Deno.test("a moved redirect is refused with both URLs and hashes", async () => {
  await using server = shop();
  const settings = settingsFor(server);
  const { pins } = await loadGraph(`${server.base}/latest`, settings);
  assert.deepEqual(pins.redirects, { [`${server.base}/latest`]: `${server.base}/v1.ts` });
  const locked = { ...settings, lock: pins };
  await loadCode(`${server.base}/latest`, { ...locked, frozen: true });
  server.routes["/latest"] = { location: "/v2.ts" };
  await assert.rejects(
    loadCode(`${server.base}/latest`, locked),
    new RegExp(
      `/latest": it redirects to ".*/v2\\.ts" with SHA-256 ${HASH}, dxt\\.lock has ".*/v1\\.ts" with ${HASH}`,
    ),
  );
  // A redirect where there was a module is a change as well, though the bytes are the same.
  const { pins: direct } = await loadGraph(`${server.base}/v1.ts`, settings);
  server.routes["/copy.ts"] = "export default 'v1';";
  server.routes["/v1.ts"] = { location: "/copy.ts" };
  await assert.rejects(
    loadCode(`${server.base}/v1.ts`, { ...settings, lock: direct }),
    /it redirects to ".*\/copy\.ts"/,
  );
});

Deno.test("--frozen refuses what is not locked before it is asked for", async () => {
  await using server = shop();
  const settings = { ...settingsFor(server), frozen: true };
  await assert.rejects(
    loadCode(`${server.base}/mod.ts`, settings),
    /mod\.ts": dxt\.lock does not have it, and --frozen allows only locked modules; add it with dxt lock/,
  );
  assert.deepEqual(server.asked, []);
  const { pins } = await loadGraph(`${server.base}/mod.ts`, settingsFor(server));
  const { [`${server.base}/lib.ts`]: _, ...modules } = pins.modules;
  server.asked.length = 0;
  await assert.rejects(
    loadCode(`${server.base}/mod.ts`, { ...settings, lock: { ...pins, modules } }),
    /lib\.ts": dxt\.lock does not have it/,
  );
  assert.deepEqual(server.asked, ["/mod.ts"]);
  await assert.rejects(
    loadCode("jsr:@acme/shop", { ...settings, registry: server.base }),
    /"jsr:@acme\/shop": dxt\.lock does not have it/,
  );
});

Deno.test("a cache is asked before the server, checked, and mended", async () => {
  await using server = shop();
  await inFolder(async (folder) => {
    const settings = { ...settingsFor(server), stores: [openCache(folder)] };
    const { pins } = await loadGraph(`${server.base}/mod.ts`, settings);
    server.asked.length = 0;
    const code = await loadCode(`${server.base}/mod.ts`, { ...settings, lock: pins });
    assert.deepEqual(server.asked, []);
    assert.equal(code.modules.length, 2);
    const hash = pins.modules[`${server.base}/lib.ts`]!;
    const path = join(folder, hash.slice(0, 2), hash);
    await Deno.writeTextFile(path, "evil");
    assert.deepEqual(await loadCode(`${server.base}/mod.ts`, { ...settings, lock: pins }), code);
    assert.deepEqual(server.asked, ["/lib.ts"]);
    assert.equal(await Deno.readTextFile(path), "export {};");
    assert.deepEqual(
      (await Array.fromAsync(Deno.readDir(join(folder, hash.slice(0, 2))))).length,
      1,
    );
  });
});

Deno.test("a module that is not locked is never taken from the cache", async () => {
  await using server = shop();
  await inFolder(async (folder) => {
    const settings = { ...settingsFor(server), stores: [openCache(folder)] };
    await loadCode(`${server.base}/lib.ts`, settings);
    server.routes["/lib.ts"] = "export const newer = 1;";
    const { modules } = await loadCode(`${server.base}/lib.ts`, settings);
    assert.match(modules[0]!.source, /newer/);
  });
});

Deno.test("vendored copies serve without the server, and a changed copy is refused", async () => {
  await inFolder(async (folder) => {
    const server = shop();
    const settings = { ...settingsFor(server), stores: [openVendorFolder(folder)] };
    const graphs = await Promise.all(
      ["/mod.ts", "/latest", "/typed"].map((path) => loadGraph(server.base + path, settings)),
    );
    const lock = mergePins(graphs.map(({ pins }) => pins));
    for (const { fetched } of graphs) {
      for (const [url, bytes] of fetched) await vendorModule(folder, url, bytes);
    }
    await server[Symbol.asyncDispose]();
    const offline = { ...settings, lock, frozen: true, hosts: [] };
    for (const [i, path] of ["/mod.ts", "/latest", "/typed"].entries()) {
      assert.deepEqual(await loadCode(server.base + path, offline), graphs[i]!.code);
    }
    const copies =
      (await Array.fromAsync(Deno.readDir(join(folder, server.host.replace(":", "_")))))
        .map(({ name }) => name);
    assert.equal(copies.length, 4);
    const copy = copies.find((name) => name.startsWith("lib"))!;
    await Deno.writeTextFile(join(folder, server.host.replace(":", "_"), copy), "evil");
    await assert.rejects(
      loadCode(`${server.base}/mod.ts`, offline),
      new RegExp(
        `the SHA-256 of its copy ".*lib.*" is ${HASH}, dxt\\.lock has ${HASH}; copy it again with dxt vendor`,
      ),
    );
  });
});

Deno.test("copies of URLs that differ in case, query or forbidden characters do not meet", async () => {
  await inFolder(async (folder) => {
    const urls = [
      "https://h.test/a.ts",
      "https://h.test/A.ts",
      "https://h.test/a.ts?v=1",
      "https://h.test/a.ts?v=2",
      "http://h.test/a.ts",
      "https://h.test:8443/a.ts",
      "https://h.test/a%2Fb.ts",
      "https://h.test/a/",
      "https://h.test/",
      `https://h.test/${"x".repeat(300)}.ts`,
      "https://h.test/%2e%2e%2f%2e%2e%2fup.ts",
    ];
    for (const url of urls) await vendorModule(folder, url, new TextEncoder().encode(url));
    const found: string[] = [];
    for await (const { name } of Deno.readDir(folder)) {
      for await (const file of Deno.readDir(join(folder, name))) {
        if (file.isFile) found.push(await Deno.readTextFile(join(folder, name, file.name)));
      }
    }
    assert.deepEqual(found.sort(), [...urls].sort());
  });
});
