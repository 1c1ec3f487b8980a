import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stage } from "../../scripts/compile/stage.ts";
import { TOPICS } from "../../src/cli/help/topics.ts";
import { withFolder } from "../support/run.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Paths of all files below a folder. */
async function filesIn(folder: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(join(folder, below))) {
    const path = join(below, name);
    if (isDirectory) found.push(...await filesIn(folder, path));
    else if (isFile) found.push(path);
  }
  return found;
}

Deno.test("what a binary is made of has no time, no types and nothing of the tests", () =>
  withFolder(async (folder) => {
    await stage(ROOT, folder);
    const files = await filesIn(folder);
    for (const path of files) {
      assert.equal((await Deno.stat(join(folder, path))).mtime!.getTime(), 0, path);
      assert.doesNotMatch(path, /\.d\.[cm]?ts$|\.map$|\.min\.js$|fast-check|^tests/);
    }
    for (const path of ["main.ts", "deno.json", "deno.lock", "src/cli/main.ts"]) {
      assert.ok(files.includes(path), path);
    }
    const pages = Object.values(TOPICS).map(({ path }) => path);
    assert.deepEqual(files.filter((path) => path.endsWith(".md")).sort(), pages.sort());
    const packages = (name: string) =>
      files.filter((path) => new RegExp(`^cache/npm/[^/]+/${name}/`).test(path));
    assert.ok(packages("parquet-wasm").length > 2);
    for (const name of ["yaml", "apache-arrow", "zod", "@optique/core"]) {
      assert.equal(packages(name).length, 2, name);
    }
  }));

Deno.test("a package with modules leads to them, if it leads to CommonJS in Node alone", () =>
  withFolder(async (folder) => {
    await stage(ROOT, folder);
    const files = await filesIn(folder);
    const entries = async (name: string) => {
      const path = files.find((path) =>
        new RegExp(`^cache/npm/[^/]+/${name}/[^/]+/package\\.json$`).test(path)
      );
      return JSON.parse(await Deno.readTextFile(join(folder, path!))).exports["."];
    };
    assert.deepEqual(Object.keys(await entries("yaml")), ["types", "default"]);
    assert.match((await entries("yaml")).default, /browser/);
    assert.ok("node" in await entries("apache-arrow"));
  }));

Deno.test("what was merged into one module exports what its package does", () =>
  withFolder(async (folder) => {
    await stage(ROOT, folder);
    const files = await filesIn(folder);
    const merged = (name: RegExp) =>
      import(pathToFileURL(join(folder, files.find((path) => name.test(path))!)).href);
    const { default: _default, ...yaml } = await import("yaml");
    const { "module.exports": _all, ...names } = yaml as Record<string, unknown>;
    assert.deepEqual(
      Object.keys(await merged(/\/yaml\/[^/]+\/browser\/index\.js$/)).sort(),
      Object.keys(names).sort(),
    );
    assert.deepEqual(
      Object.keys(await merged(/\/apache-arrow\/[^/]+\/Arrow\.mjs$/)).sort(),
      Object.keys(await import("apache-arrow")).sort(),
    );
  }));
