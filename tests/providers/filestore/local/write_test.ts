/** Readers see a file or folder as it was, or complete. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { FilestoreConnector, NewFile } from "../../../../src/core/contracts/connector.ts";
import { ConcurrentRunError } from "../../../../src/core/errors.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import { withFolder } from "../../../support/run.ts";
import { connectContext } from "../../../support/connect_context.ts";

const utf8 = new TextEncoder();
const fine = async () => {};

function connectTo(folder: string): Promise<FilestoreConnector> {
  const { signal } = new AbortController();
  return local.connect({ path: folder }, connectContext(folder, signal));
}

async function* text(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield utf8.encode(part);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield utf8.encode("half");
  throw new Error("the source is gone");
}

const file = (name: string, content = name, check: NewFile["check"] = fine): NewFile => ({
  name,
  bytes: () => text(content),
  check,
});

/** Every file below a folder with what it holds, hidden ones too. */
async function tree(folder: string, prefix = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(join(folder, prefix))) {
    const path = `${prefix}${name}`;
    if (isDirectory) Object.assign(found, { [`${path}/`]: "" }, await tree(folder, `${path}/`));
    else found[path] = await Deno.readTextFile(join(folder, path));
  }
  return found;
}

Deno.test("a file appears whole, with the folders that it needs", () =>
  withFolder(async (folder) => {
    const store = await connectTo(folder);
    let seen = "";
    const size = await store.write("x/y/a.txt", text("one", "two"), async (path) => {
      seen = await Deno.readTextFile(join(folder, path));
      await assert.rejects(Deno.stat(join(folder, "x/y/a.txt")), Deno.errors.NotFound);
    });
    assert.equal(size, 6);
    assert.equal(seen, "onetwo");
    assert.deepEqual(await tree(folder), { "x/": "", "x/y/": "", "x/y/a.txt": "onetwo" });
  }));

for (const failure of ["bytes", "check"] as const) {
  Deno.test(`a write whose ${failure} fail leaves no trace`, () =>
    withFolder(async (folder) => {
      const store = await connectTo(folder);
      await Deno.writeTextFile(join(folder, "a.txt"), "old");
      const bytes = () => failure === "bytes" ? broken() : text("new");
      const check = failure === "bytes" ? fine : () => Promise.reject(new Error("refused"));
      await assert.rejects(store.write("a.txt", bytes(), check));
      await assert.rejects(store.write("new/a.txt", bytes(), check));
      const files = [file("b.txt"), { name: "c/c.txt", bytes, check }];
      for (const mode of ["append", "replace"] as const) {
        await assert.rejects(store.writeFolder("folder", files, mode));
      }
      assert.deepEqual(await tree(folder), { "a.txt": "old" });
      await Deno.mkdir(join(folder, "folder"));
      await Deno.writeTextFile(join(folder, "folder/b.txt"), "old");
      for (const mode of ["append", "replace"] as const) {
        await assert.rejects(store.writeFolder("folder", files, mode));
      }
      assert.deepEqual(await tree(folder), {
        "a.txt": "old",
        "folder/": "",
        "folder/b.txt": "old",
      });
    }));
}

Deno.test("files are added to a folder, or replace all that is in it", () =>
  withFolder(async (folder) => {
    const store = await connectTo(folder);
    await store.writeFolder("f", [file("a.txt"), file("s/b.txt")], "append");
    await store.writeFolder("f", [file("c.txt")], "append");
    assert.deepEqual(await tree(folder), {
      "f/": "",
      "f/a.txt": "a.txt",
      "f/c.txt": "c.txt",
      "f/s/": "",
      "f/s/b.txt": "s/b.txt",
    });
    await store.writeFolder("f", [file("d.txt")], "replace");
    assert.deepEqual(await tree(folder), { "f/": "", "f/d.txt": "d.txt" });
  }));

Deno.test("the connection's own folder is added to, and never replaced", () =>
  withFolder(async (folder) => {
    const store = await connectTo(folder);
    await store.writeFolder(".", [file("a.txt")], "append");
    await assert.rejects(store.writeFolder(".", [file("b.txt")], "replace"), /connection's own/);
    assert.deepEqual(await tree(folder), { "a.txt": "a.txt" });
  }));

Deno.test("two runs never write the same target at once", () =>
  withFolder(async (folder) => {
    const [one, two] = [await connectTo(folder), await connectTo(folder)];
    await one.write("a.txt", text("one"), async () => {
      const second = two.write("a.txt", text("two"), fine);
      await assert.rejects(second, (error: unknown) => {
        assert.ok(error instanceof ConcurrentRunError);
        assert.match(
          error.message,
          /^Cannot use target "a.txt": another run holds it, process \d+/,
        );
        return true;
      });
      await two.write("b.txt", text("other"), fine);
    });
    assert.deepEqual(await tree(folder), { "a.txt": "one", "b.txt": "other" });
    await two.write("a.txt", text("two"), fine);
    assert.deepEqual(await tree(folder), { "a.txt": "two", "b.txt": "other" });
  }));

Deno.test("many runs at once leave one whole file, and no lock behind", () =>
  withFolder(async (folder) => {
    const store = await connectTo(folder);
    const runs = Array.from(
      { length: 30 },
      (_, i) => store.write("a.txt", text(`${i}`, "!"), fine),
    );
    const outcomes = await Promise.allSettled(runs);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") assert.match(String(outcome.reason), /another run/);
    }
    assert.ok(outcomes.some(({ status }) => status === "fulfilled"));
    const left = await tree(folder);
    assert.deepEqual(Object.keys(left), ["a.txt"]);
    assert.match(left["a.txt"]!, /^\d+!$/);
  }));

Deno.test("what a killed run left behind does not matter to the next one", () =>
  withFolder(async (folder) => {
    const store = await connectTo(folder);
    await Deno.writeTextFile(join(folder, ".a.txt.dxt-lock"), "");
    await Deno.writeTextFile(join(folder, ".a.txt.dxt-new"), "a longer half of a file");
    await store.write("a.txt", text("whole"), fine);
    await Deno.mkdir(join(folder, ".f.dxt-new"));
    await Deno.writeTextFile(join(folder, ".f.dxt-new/half.txt"), "half");
    await store.writeFolder("f", [file("b.txt")], "replace");
    assert.deepEqual(await tree(folder), { "a.txt": "whole", "f/": "", "f/b.txt": "b.txt" });
  }));

Deno.test("a folder whose swap was cut off is read as it was, and comes back", () =>
  withFolder(async (folder) => {
    const store = await connectTo(folder);
    await store.writeFolder("f", [file("old.txt")], "replace");
    // The process died between the two renames.
    await Deno.rename(join(folder, "f"), join(folder, ".f.dxt-old"));
    const [entry] = await store.list({ type: "directory", path: "f" });
    assert.equal(entry?.name, "old.txt");
    await store.writeFolder("f", [file("new.txt")], "append");
    assert.deepEqual(await tree(folder), {
      "f/": "",
      "f/new.txt": "new.txt",
      "f/old.txt": "old.txt",
    });
  }));

Deno.test("a file in place of a folder is named", () =>
  withFolder(async (folder) => {
    const store = await connectTo(folder);
    await Deno.writeTextFile(join(folder, "f"), "a file");
    await assert.rejects(
      store.write("f/a.txt", text("x"), fine),
      /Cannot write .*"f.*a file/,
    );
    await assert.rejects(store.writeFolder("f", [file("a.txt")], "append"), /it is a file/);
    assert.deepEqual(await tree(folder), { "f": "a file" });
  }));

/** Runs a script with these permissions and returns what it printed. */
async function script(flags: string[], code: string): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, code);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--config", "deno.json", ...flags, path],
      cwd: new URL("../../../..", import.meta.url),
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("a missing permission is reported as the flag that grants it", () =>
  withFolder(async (folder) => {
    const real = await Deno.realPath(folder);
    await Deno.writeTextFile(join(real, "a.txt"), "a");
    const mod = new URL("../../../../src/providers/filestore/local/mod.ts", import.meta.url);
    const code = `
      import local from ${JSON.stringify(mod)};
      const folder = ${JSON.stringify(real)};
      const { signal } = new AbortController();
      const context = { baseDirectory: folder, signal, warn() {} };
      const store = await local.connect({ path: folder }, context);
      const tries = [
        () => store.list({ type: "glob", pattern: "*" }),
        () => store.write("a.txt", (async function* () {})(), async () => {}),
      ];
      for (const attempt of tries) {
        try { await attempt(); console.log("done"); } catch (error) { console.log(error.message); }
      }`;
    assert.match(
      await script([], code),
      new RegExp(`Cannot read "\\.": .* --allow-read=${real}\n`),
    );
    assert.match(
      await script([`--allow-read=${real}`], code),
      new RegExp(
        `^done\nCannot write "a.txt": dxt may not write .* --allow-write=${real}/.a.txt.dxt-lock\n$`,
      ),
    );
    assert.equal(
      await script([`--allow-read=${real}`, `--allow-write=${real}`], code),
      "done\ndone\n",
    );
  }));
