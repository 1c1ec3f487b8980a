/** What starts with the program: nothing heavy, so that help and lists come at once. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../../", import.meta.url);

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier: string };
    readonly isDynamic?: boolean;
  }[];
}

/** Modules and packages that are loaded with a file, dynamic imports left out. */
async function loadedWith(path: string): Promise<Set<string>> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL(path, ROOT))],
    cwd: fileURLToPath(ROOT),
    stderr: "null",
  }).output();
  assert.ok(success);
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set<string>();
  const visit = (specifier: string) => {
    if (loaded.has(specifier)) return;
    loaded.add(specifier);
    for (const { code, isDynamic } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (code !== undefined && isDynamic !== true) visit(code.specifier);
    }
  };
  visit(new URL(path, ROOT).href);
  return loaded;
}

const packages = (loaded: Set<string>) =>
  [...loaded].filter((specifier) => specifier.startsWith("npm:"))
    .map((specifier) => specifier.replace(/^npm:\/?/, "").replace(/(?<=.)@.*$/, "")).sort();

const rooms = (loaded: Set<string>) =>
  new Set([...loaded].map((specifier) => /\/src\/(\w+)\//.exec(specifier)?.[1]).filter(Boolean));

Deno.test("the program starts with no package at all, which is enough for its version", async () => {
  const loaded = await loadedWith("main.ts");
  assert.deepEqual(packages(loaded), []);
  assert.deepEqual([...rooms(loaded)].sort(), ["cli", "core"]);
});

Deno.test("the command line loads the parser of its options alone", async () => {
  const loaded = await loadedWith("src/cli/parse.ts");
  assert.deepEqual(packages(loaded), ["@optique/core"]);
  assert.deepEqual([...rooms(loaded)].sort(), ["cli", "core"]);
});

Deno.test("completions load no package, and those of streams the parser of YAML alone", async () => {
  assert.deepEqual(packages(await loadedWith("src/cli/help/complete.ts")), []);
  assert.deepEqual(packages(await loadedWith("src/config/text/stream_names.ts")), ["yaml"]);
});

Deno.test("a list loads the parser of YAML alone, and nothing of Node", async () => {
  const [plain, files] = [
    await loadedWith("src/cli/app/list_streams.ts"),
    await loadedWith("src/config/load_pipeline.ts"),
  ];
  const loaded = new Set([...plain, ...files]);
  assert.deepEqual(packages(loaded), ["yaml"]);
  assert.deepEqual([...rooms(loaded)].sort(), ["cli", "config", "core", "models", "selector"]);
  assert.deepEqual([...loaded].filter((specifier) => specifier.startsWith("node:")), []);
});

Deno.test("a pipeline that needs its schemas loads neither Arrow nor a driver", async () => {
  const loaded = await loadedWith("src/config/mod.ts");
  assert.deepEqual(packages(loaded), ["yaml", "zod"]);
  assert.deepEqual([...rooms(loaded)].sort(), ["config", "core", "models"]);
});
