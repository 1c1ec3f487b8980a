/** The graph of an external module: what it may be made of, and where it comes from. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type CodeSettings, loadCode } from "../../src/sandbox/modules/mod.ts";
import { type ModuleServer, serveModules } from "./server.ts";

const load = (server: ModuleServer, path: string, settings: Partial<CodeSettings> = {}) =>
  loadCode(`${server.base}${path}`, { directory: "/", hosts: [server.host], ...settings });

const urls = ({ modules }: { modules: readonly { url: string }[] }) =>
  modules.map(({ url }) => new URL(url).pathname);

async function inFolder(
  files: Readonly<Record<string, string>>,
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(join(folder, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("static, side effect, re-exported and literal dynamic imports are all gathered", async () => {
  await using server = serveModules({
    "/a/mod.ts": `
      import { b } from "./b.ts";
      import "../side.js";
      import data from "./data.json" with { type: "json" };
      import { defineProvider, z } from "dxt";
      import { z as same } from "zod";
      export * from "./c.ts";
      export { d } from "/d.mjs";
      /* import "./comment.ts" */
      const text = 'import "./text.ts"';
      const later = () => import("./later.ts");
      export default [b, data, defineProvider, z, same, text, later];`,
    "/a/b.ts": "export const b: number = 1;",
    "/side.js": "globalThis.side = 1;",
    "/a/data.json": '{"x": 1}',
    "/a/c.ts": "export type T = string; export const c = 1;",
    "/d.mjs": "export const d = 1;",
    "/a/later.ts": "export {};",
  });
  const code = await load(server, "/a/mod.ts");
  assert.deepEqual(urls(code), [
    ...["/a/b.ts", "/a/c.ts", "/a/data.json", "/a/later.ts", "/a/mod.ts", "/d.mjs", "/side.js"],
  ]);
  assert.equal(code.entry, `${server.base}/a/mod.ts`);
  const entry = code.modules.find(({ url }) => url === code.entry)!;
  assert.equal(entry.imports["dxt"], "dxt");
  assert.equal(entry.imports["zod"], "zod");
  assert.equal(entry.imports["../side.js"], `${server.base}/side.js`);
  assert.equal(code.modules.find(({ url }) => url.endsWith("data.json"))!.kind, "json");
  assert.deepEqual(structuredClone(code), code);
});

Deno.test("types are taken out, and imports of types alone are not fetched", async () => {
  await using server = serveModules({
    "/mod.ts": `import type { A } from "./a.ts"; import { B } from "./b.ts";
      export enum E { One = 1 } export const x: A | B = E.One as never;`,
  });
  const { modules } = await load(server, "/mod.ts");
  assert.deepEqual(server.asked, ["/mod.ts"]);
  assert.doesNotMatch(modules[0]!.source, /import|: A/);
});

Deno.test("modules that import each other are fetched once", async () => {
  await using server = serveModules({
    "/a.js": 'import "./b.js"; import "./b.js#again"; export const a = 1;',
    "/b.js": 'import "./a.js"; export const b = 1;',
  });
  assert.deepEqual(urls(await load(server, "/a.js")), ["/a.js", "/b.js"]);
  assert.deepEqual(server.asked, ["/a.js", "/b.js"]);
});

for (
  const [what, text, error] of [
    ["a module of the runtime", 'import x from "node:fs";', /line 2: modules of the runtime/],
    [
      "a bare name",
      'import x from "lodash";',
      /"lodash" in module .*mod\.ts", line 2: it is not the name of a module/,
    ],
    ["an npm package", 'import x from "npm:left-pad@1";', /npm packages cannot be confined/],
    ["a file", 'import x from "file:///etc/passwd";', /may not import a local file/],
    [
      "a data URL",
      'import x from "data:text/javascript,1";',
      /"data:" URLs are not supported for modules/,
    ],
    [
      "a blob URL",
      'export * from "blob:http://h/1";',
      /"blob:" URLs are not supported for modules/,
    ],
    ["another host", 'import x from "https://elsewhere.test/x.js";', /"elsewhere.test" is not all/],
  ] as const
) {
  Deno.test(`a fetched module may not import ${what}`, async () => {
    await using server = serveModules({ "/mod.ts": `// first line\n${text}\nexport default x;` });
    await assert.rejects(load(server, "/mod.ts"), { name: "ConfigurationError", message: error });
  });
}

Deno.test("an expression that may never be reached is no reason to refuse a module", async () => {
  await using server = serveModules({
    "/mod.ts": 'export const read = () => import("node:fs"); export const x = import("pg");',
  });
  const { modules } = await load(server, "/mod.ts");
  assert.deepEqual(modules[0]!.imports, {});
});

Deno.test("the host of the module itself must be allowed, before anything connects", async () => {
  await using server = serveModules({ "/mod.ts": "" });
  await assert.rejects(load(server, "/mod.ts", { hosts: ["example.com", "127.0.0.1:1"] }), {
    message: `Cannot fetch module "${server.base}/mod.ts": host "${server.host}" is not allowed, ` +
      `run it with --allow-import=${server.host}`,
  });
  assert.deepEqual(server.asked, []);
  await load(server, "/mod.ts", { hosts: ["127.0.0.1"] });
});

Deno.test("a host is reached without TLS only when that is said", async () => {
  for (const hosts of [["192.0.2.1"], ["192.0.2.1:80"], ["https://192.0.2.1"]]) {
    await assert.rejects(
      loadCode("http://192.0.2.1/mod.ts", { directory: "/", hosts }),
      /expected https:, or http:\/\/192\.0\.2\.1 among the hosts/,
    );
  }
});

Deno.test("a login in a URL is refused and not printed", async () => {
  await assert.rejects(
    loadCode("https://me:hunter2@example.com/mod.ts", { directory: "/", hosts: ["example.com"] }),
    (error: Error) =>
      /must not contain a login/.test(error.message) && !/hunter2/.test(error.message),
  );
});

Deno.test("redirects are followed by hand, and imports start where they end", async () => {
  await using other = serveModules({ "/v2/mod.ts": 'import "./x.ts";', "/v2/x.ts": "" });
  await using server = serveModules({
    "/mod.ts": { location: "/other" },
    "/other": { location: `${other.base}/v2/mod.ts` },
  });
  await assert.rejects(load(server, "/mod.ts"), new RegExp(`host "${other.host}" is not allowed`));
  assert.deepEqual(other.asked, []);
  const code = await load(server, "/mod.ts", { hosts: [server.host, other.host] });
  assert.equal(code.entry, `${other.base}/v2/mod.ts`);
  assert.deepEqual(urls(code), ["/v2/mod.ts", "/v2/x.ts"]);
});

Deno.test("redirects in a circle, to a file and to data end in an error", async () => {
  await using server = serveModules({
    "/circle.ts": { location: "/circle.ts" },
    "/file.ts": { location: "file:///etc/passwd" },
    "/data.ts": { location: "data:text/javascript,1" },
  });
  await assert.rejects(load(server, "/circle.ts"), /redirected more than 10 times/);
  assert.equal(server.asked.length, 11);
  await assert.rejects(
    load(server, "/file.ts"),
    /redirected to "file:\/\/\/etc\/passwd", expected/,
  );
  await assert.rejects(load(server, "/data.ts"), /redirected to "data:/);
});

Deno.test("the name decides what a module is, then the server", async () => {
  await using server = serveModules({
    "/typed": {
      body: "export const x: number = 1;",
      type: "application/typescript; charset=utf-8",
    },
    "/plain": { body: "export const x = 1;", type: "text/javascript" },
    "/video.ts": { body: "export const x: number = 1;", type: "video/mp2t" },
    "/page": { body: "<html>", type: "text/html" },
  });
  for (const path of ["/typed", "/plain", "/video.ts"]) await load(server, path);
  await assert.rejects(
    load(server, "/page"),
    /its type is "text\/html", expected a name that ends/,
  );
});

Deno.test("what is no module says so", async () => {
  await using server = serveModules({
    "/broken.ts": "const x: = 1;",
    "/broken.js": "import {",
    "/broken.json": "{",
    "/latin.js": { body: new Uint8Array([0x27, 0xe4, 0x27]) },
    "/as.ts": 'import x from "./x.js" with { type: "json" }; export default x;',
    "/x.js": "export {};",
    "/deep.ts": `export default ${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    "/large.js": `"${"x".repeat(5_000_000)}"`,
  });
  const expected: Record<string, RegExp> = {
    "/broken.ts": /Cannot read module ".*\/broken\.ts": Unexpected token/,
    "/broken.js": /Cannot read module ".*\/broken\.js": /,
    "/broken.json": /Cannot read module ".*\/broken\.json": /,
    "/latin.js": /it is not UTF-8/,
    "/as.ts": /Cannot import module ".*\/x\.js" as JSON: it is javascript/,
    "/deep.ts": /brackets are nested deeper than 500/,
    "/large.js": /larger than 4194304 bytes/,
    "/gone.js": /the server responds with 404 Not Found/,
  };
  for (const [path, message] of Object.entries(expected)) {
    await assert.rejects(load(server, path), message);
  }
});

Deno.test("a graph without an end is cut off", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const number = Number(/\d+/.exec(new URL(request.url).pathname)![0]);
    const imports = [0, 1, 2, 3].map((i) => `import "./${number * 4 + i + 1}.js";`);
    return new Response(imports.join(""));
  });
  const host = `127.0.0.1:${server.addr.port}`;
  await assert.rejects(
    loadCode(`http://${host}/0.js`, { directory: "/", hosts: [host] }),
    /with its imports it has more than 1000 modules/,
  );
  await server.shutdown();
});

Deno.test("a local module imports files below the project, and fetched modules", async () => {
  await using server = serveModules({ "/far.js": "export {};" });
  await inFolder({
    "project/code/acme.ts": `import "../lib/x.ts"; import "${server.base}/far.js";`,
    "project/lib/x.ts": "export {};",
  }, async (folder) => {
    const settings = { directory: join(folder, "project"), hosts: [server.host] };
    const code = await loadCode("./code/acme.ts", {
      ...settings,
      project: join(folder, "project"),
    });
    assert.deepEqual(code.modules.map(({ url }) => url), [
      pathToFileURL(join(folder, "project/code/acme.ts")).href,
      pathToFileURL(join(folder, "project/lib/x.ts")).href,
      `${server.base}/far.js`,
    ]);
    // Without a project its own folder is the bound.
    await assert.rejects(loadCode("./code/acme.ts", settings), /expected a file below ".*\/code"/);
  });
});

Deno.test("a local module reaches nothing outside, by no path and no link", async () => {
  await inFolder({
    "secret.ts": "export {};",
    "project/up.ts": 'import "../secret.ts";',
    "project/absolute.ts": 'import "/etc/hostname";',
    "project/url.ts": 'import "file:///etc/hostname";',
    "project/link.ts": 'import "./linked.ts";',
    "project/folder.ts": 'import "./linked/secret.ts";',
  }, async (folder) => {
    const project = join(folder, "project");
    await Deno.symlink(join(folder, "secret.ts"), join(project, "linked.ts"));
    await Deno.symlink(folder, join(project, "linked"));
    for (const name of ["up", "absolute", "url", "link", "folder"]) {
      await assert.rejects(
        loadCode(`./${name}.ts`, { directory: project, project, hosts: [] }),
        /expected a file below/,
        name,
      );
    }
  });
});

Deno.test("a class path is a URL or a path, and npm: says why it is not", async () => {
  const settings = { directory: "/nowhere", hosts: [] };
  await assert.rejects(loadCode("npm:acme", settings), /npm packages cannot be confined/);
  await assert.rejects(
    loadCode("data:text/javascript,1", settings),
    /expected an https:, file: or/,
  );
  await assert.rejects(
    loadCode("./acme.ts", settings),
    /"\/nowhere\/acme.ts": there is no such file/,
  );
});

const REGISTRY = {
  "/@acme/shop/meta.json": JSON.stringify({
    versions: { "1.0.0": {}, "1.2.0": {}, "1.3.0": { yanked: true }, "2.0.0-rc.1": {} },
  }),
  "/@acme/shop/1.2.0/mod.ts": 'export * from "./lib/x.ts";',
  "/@acme/shop/1.2.0/lib/x.ts": "export const x: number = 1;",
};

async function registry(): Promise<ModuleServer> {
  const sum = async (text: string) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return `sha256-${new Uint8Array(digest).toHex()}`;
  };
  return serveModules({
    ...REGISTRY,
    "/@acme/shop/1.2.0_meta.json": JSON.stringify({
      exports: { ".": "./mod.ts", "./lib": "./lib/x.ts" },
      manifest: {
        "/mod.ts": { size: 1, checksum: await sum(REGISTRY["/@acme/shop/1.2.0/mod.ts"]) },
        "/lib/x.ts": { size: 1, checksum: await sum(REGISTRY["/@acme/shop/1.2.0/lib/x.ts"]) },
      },
    }),
  });
}

Deno.test("jsr: names are looked up in the registry that JSR_URL means", async () => {
  await using server = await registry();
  const settings = { directory: "/", hosts: [server.host], registry: server.base };
  const code = await loadCode("jsr:@acme/shop@^1", settings);
  assert.equal(code.entry, `${server.base}/@acme/shop/1.2.0/mod.ts`);
  assert.equal(code.modules.length, 2);
  const lib = await loadCode("jsr:@acme/shop@1.2/lib", settings);
  assert.equal(lib.entry, `${server.base}/@acme/shop/1.2.0/lib/x.ts`);
  await assert.rejects(loadCode("jsr:@acme/shop@^3", settings), /no version matches "\^3"/);
  await assert.rejects(
    loadCode("jsr:@acme/shop/gone", settings),
    /does not export "\.\/gone", it exports \./,
  );
  await assert.rejects(
    loadCode("jsr:@acme/shop", { ...settings, registry: undefined }),
    /the registry is unknown, expected its URL in the variable JSR_URL/,
  );
});

Deno.test("a file of a package that is not what its registry promised is refused", async () => {
  await using server = await registry();
  server.routes["/@acme/shop/1.2.0/lib/x.ts"] = "export const x = 'evil';";
  await assert.rejects(
    loadCode("jsr:@acme/shop", { directory: "/", hosts: [server.host], registry: server.base }),
    /its SHA-256 is [0-9a-f]{64}, but its registry declares [0-9a-f]{64}/,
  );
});
