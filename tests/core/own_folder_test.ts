import assert from "node:assert/strict";
import { basename, join } from "node:path";
import {
  createOwnFolder,
  isOwned,
  listOwnFolders,
  removeIfAbandoned,
} from "../../src/core/files/own_folder.ts";
import { withFolder } from "../support/run.ts";

const MODULE = new URL("../../src/core/files/own_folder.ts", import.meta.url);

/** A process that has a folder until it is killed, and the folder. */
async function spawnOwner(around: string): Promise<[Deno.ChildProcess, string]> {
  const code = `import { createOwnFolder } from ${JSON.stringify(MODULE.href)};
    const { path } = await createOwnFolder(${JSON.stringify(around)}, "copies-");
    await Deno.writeTextFile(path + "/file", "content");
    console.log(path); setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const path = new TextDecoder().decode((await reader.read()).value).trim();
  await reader.cancel();
  return [child, path];
}

async function kill(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.status;
}

Deno.test("the folder of a process that lives stays; when it was killed, its folder is removed", () =>
  withFolder(async (around) => {
    const [child, path] = await spawnOwner(around);
    try {
      assert.deepEqual(await listOwnFolders(around), [path]);
      assert.equal(await isOwned(path), true);
      assert.equal(await removeIfAbandoned(path), false);
      assert.equal(await Deno.readTextFile(join(path, "file")), "content");
    } finally {
      await kill(child);
    }
    assert.deepEqual(await listOwnFolders(around), [path]);
    assert.equal(await isOwned(path), false);
    assert.equal(await removeIfAbandoned(path), true);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(around)), []);
    assert.equal(await removeIfAbandoned(path), false);
  }));

Deno.test("a new folder replaces those that killed processes left with its prefix", () =>
  withFolder(async (around) => {
    const [child, left] = await spawnOwner(around);
    await kill(child);
    await Deno.writeTextFile(join(around, ".theirs.lock"), "");
    {
      await using _other = await createOwnFolder(around, "pipe-");
      assert.equal((await listOwnFolders(around)).length, 2);
    }
    await using own = await createOwnFolder(around, "copies-");
    assert.deepEqual(await listOwnFolders(around), [own.path]);
    assert.notEqual(basename(own.path), basename(left));
    assert.equal(await Deno.readTextFile(join(around, ".theirs.lock")), "");
  }));

Deno.test("a folder whose lock is gone is removed without an error", () =>
  withFolder(async (around) => {
    {
      await using own = await createOwnFolder(around, "pipe-");
      await Deno.remove(join(around, `.${basename(own.path)}.lock`));
    }
    assert.deepEqual(await Array.fromAsync(Deno.readDir(around)), []);
  }));

Deno.test("a folder that does not exist holds no folders of processes", () =>
  withFolder(async (around) => {
    assert.deepEqual(await listOwnFolders(join(around, "none")), []);
  }));
