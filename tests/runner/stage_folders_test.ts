import assert from "node:assert/strict";
import { join } from "node:path";
import { ignoreFolder, removeEmptyFolders } from "../../src/runner/stage_folders.ts";
import { withFolder } from "../support/run.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("dxt's own folder is ignored by git while a stage is in it, and goes with the last stage", () =>
  withFolder(async (folder) => {
    const own = join(folder, ".dxt");
    const parents = [join(own, "stage", "p"), join(own, "stage"), own];
    await Deno.mkdir(join(parents[0]!, "s"), { recursive: true });
    ignoreFolder(own);
    ignoreFolder(own);
    assert.equal(await Deno.readTextFile(join(own, ".gitignore")), "*\n");
    removeEmptyFolders(parents);
    assert.deepEqual(names(own), [".gitignore", "stage"]);
    await Deno.remove(join(parents[0]!, "s"));
    removeEmptyFolders(parents);
    assert.deepEqual(names(folder), []);
    // Another run has removed it.
    ignoreFolder(own);
  }));

Deno.test("a .gitignore of the user's own stays as it is, and so does its folder", () =>
  withFolder(async (folder) => {
    const own = join(folder, ".dxt");
    await Deno.mkdir(own);
    await Deno.writeTextFile(join(own, ".gitignore"), "stage\n");
    ignoreFolder(own);
    removeEmptyFolders([own]);
    assert.equal(await Deno.readTextFile(join(own, ".gitignore")), "stage\n");
  }));

Deno.test("a folder without a .gitignore that is not empty stays whole", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a"), "");
    removeEmptyFolders([folder]);
    assert.deepEqual(names(folder), ["a"]);
    await Promise.resolve();
  }));
