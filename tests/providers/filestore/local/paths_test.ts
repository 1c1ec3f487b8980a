/** Which files a source finds, and which paths are out of bounds. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { FilestoreConnector } from "../../../../src/core/contracts/connector.ts";
import { ConfigurationError } from "../../../../src/core/errors.ts";
import type { StreamRef } from "../../../../src/models/source.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import { withFolder } from "../../../support/run.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { ignoreIf, notUnix } from "../../../support/ignore.ts";

const signal = new AbortController().signal;

function connectTo(folder: string, path?: string): Promise<FilestoreConnector> {
  const config = local.config.parse(path === undefined ? {} : { path });
  return local.connect(config, connectContext(folder, signal));
}

async function put(folder: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    await Deno.mkdir(join(folder, dirname(name)), { recursive: true });
    await Deno.writeTextFile(join(folder, name), name);
  }
}

async function found(connector: FilestoreConnector, ref: StreamRef): Promise<string[]> {
  return (await connector.list(ref)).map(({ path }) => path);
}

const glob = (pattern: string): StreamRef => ({ type: "glob", pattern });

Deno.test("patterns find files by name, sorted, in the folders that they say", () =>
  withFolder(async (folder) => {
    await put(folder, "b.csv", "a.csv", "a.json", "x/c.csv", "x/y/d.csv", "x/y/e.jsonl", "a1.csv");
    const store = await connectTo(folder, ".");
    const cases: [string, string[]][] = [
      ["*.csv", ["a.csv", "a1.csv", "b.csv"]],
      ["?.csv", ["a.csv", "b.csv"]],
      ["[b-z].csv", ["b.csv"]],
      ["[!b-z].csv", ["a.csv"]],
      ["a.{csv,json}", ["a.csv", "a.json"]],
      ["**/*.csv", ["a.csv", "a1.csv", "b.csv", "x/c.csv", "x/y/d.csv"]],
      ["x/**/*.csv", ["x/c.csv", "x/y/d.csv"]],
      ["x/*.csv", ["x/c.csv"]],
      ["x/*/*", ["x/y/d.csv", "x/y/e.jsonl"]],
      ["{x/y/d,b}.csv", ["b.csv", "x/y/d.csv"]],
      ["nothing/*.csv", []],
    ];
    for (const [pattern, wanted] of cases) {
      assert.deepEqual(await found(store, glob(pattern)), wanted, pattern);
    }
  }));

Deno.test("a folder has its own files, or those of its folders too", () =>
  withFolder(async (folder) => {
    await put(folder, "in/b.csv", "in/a.csv", "in/x/c.csv");
    const store = await connectTo(folder);
    assert.deepEqual(await found(store, { type: "directory", path: "in" }), [
      "in/a.csv",
      "in/b.csv",
    ]);
    const all = await store.list({ type: "directory", path: "in", recursive: true });
    assert.deepEqual(all.map(({ name }) => name), ["a.csv", "b.csv", "x/c.csv"]);
    assert.deepEqual(all.map(({ size }) => size), [8, 8, 10]);
  }));

Deno.test("hidden files and files still being written are found only by their own name", () =>
  withFolder(async (folder) => {
    await put(folder, ".h.csv", "a.csv", "b.csv.part", "c.csv.tmp", "d.csv~", ".dir/e.csv");
    const store = await connectTo(folder);
    assert.deepEqual(await found(store, glob("**/*")), ["a.csv"]);
    assert.deepEqual(await found(store, { type: "directory", path: ".", recursive: true }), [
      "a.csv",
    ]);
    assert.deepEqual(await found(store, glob("*.part")), ["b.csv.part"]);
    assert.deepEqual(await found(store, glob(".*.csv")), [".h.csv"]);
    assert.deepEqual(await found(store, { type: "file", path: ".h.csv" }), [".h.csv"]);
  }));

Deno.test("a link to a file is the file, a link to a folder leads nowhere", () =>
  withFolder(async (folder) => {
    await put(folder, "in/a.csv", "real.csv");
    await Deno.symlink(join(folder, "real.csv"), join(folder, "in/link.csv"));
    await Deno.symlink(folder, join(folder, "in/loop"));
    const store = await connectTo(folder);
    assert.deepEqual(await found(store, glob("in/**/*.csv")), ["in/a.csv", "in/link.csv"]);
    await Deno.symlink(join(folder, "gone.csv"), join(folder, "in/dangling.csv"));
    await assert.rejects(
      store.list(glob("in/*.csv")),
      /Cannot read "in\/dangling.csv": it links to a file that does not exist/,
    );
  }));

Deno.test({
  ...ignoreIf(
    notUnix,
    "a link may not leave the connection's folder either, nor may what is below it",
  ),
  fn: () =>
    withFolder(async (made) => {
      const folder = await Deno.realPath(made);
      for (const name of ["in", "out", "in/inside"]) await Deno.mkdir(join(folder, name));
      await Deno.writeTextFile(join(folder, "out/secret.csv"), "id\n1\n");
      await Deno.writeTextFile(join(folder, "in/a.csv"), "id\n1\n");
      await Deno.symlink("../out/secret.csv", join(folder, "in/link.csv"));
      await Deno.symlink("../out", join(folder, "in/away"));
      await Deno.symlink("../out/new.csv", join(folder, "in/new.csv"));
      await Deno.symlink("inside", join(folder, "in/same"));
      await Deno.symlink(join(folder, "in"), join(folder, "whole"));
      const signal = new AbortController().signal;
      const at = (path?: string) =>
        local.connect(path === undefined ? {} : { path }, connectContext(folder, signal));
      for (const path of ["in", "whole"]) {
        await using bounded = await at(path);
        for (const name of ["link.csv", "away/secret.csv", "new.csv", "away/x/y.csv"]) {
          const refused = {
            name: "ConfigurationError",
            message: new RegExp(`^Cannot use path "${name}": it is a link to "${folder}/out/`),
          };
          await assert.rejects(async () => await bounded.openRead(name), refused);
          const write = async () =>
            await bounded.write(name, (async function* () {})(), async () => {});
          await assert.rejects(write, refused);
        }
        assert.equal(
          await bounded.write("same/b.csv", (async function* () {})(), async () => {}),
          0,
        );
      }
      await using free = await at();
      await using file = await free.openRead("in/link.csv");
      assert.equal(file.size, 5);
      assert.deepEqual(
        await Array.fromAsync(Deno.readDir(join(folder, "out"))).then((all) =>
          all.map(({ name }) => name)
        ),
        ["secret.csv"],
      );
    }),
});

Deno.test("a path may not leave the connection's folder", () =>
  withFolder(async (folder) => {
    await put(folder, "base/a.csv", "secret.csv");
    const store = await connectTo(folder, "base");
    const refused: StreamRef[] = [
      { type: "file", path: "../secret.csv" },
      { type: "file", path: "x/../../secret.csv" },
      { type: "file", path: join(folder, "secret.csv") },
      { type: "file", path: "a\0.csv" },
      { type: "directory", path: ".." },
      glob("../*.csv"),
      glob("*/../../*.csv"),
      glob(join(folder, "*.csv")),
    ];
    for (const ref of refused) {
      await assert.rejects(store.list(ref), ConfigurationError, JSON.stringify(ref));
    }
    await assert.rejects(store.openRead("../secret.csv"), ConfigurationError);
    const bytes = (async function* () {})();
    await assert.rejects(store.write("../out.csv", bytes, async () => {}), ConfigurationError);
    assert.deepEqual(await found(store, { type: "file", path: join(folder, "base/a.csv") }), [
      "a.csv",
    ]);
  }));

Deno.test("a connection without a folder takes absolute paths, and no way out upwards", () =>
  withFolder(async (folder) => {
    await put(folder, "pipelines/a.csv", "data/b.csv");
    const store = await connectTo(join(folder, "pipelines"));
    const path = join(folder, "data/b.csv");
    assert.deepEqual(await found(store, { type: "file", path }), [path]);
    assert.deepEqual(await found(store, glob(join(folder, "data/*"))), [path]);
    await assert.rejects(found(store, { type: "file", path: "../data/b.csv" }), ConfigurationError);
  }));

Deno.test("a folder is no file and a file no folder", () =>
  withFolder(async (folder) => {
    await put(folder, "in/a.csv");
    const store = await connectTo(folder);
    await assert.rejects(
      store.list({ type: "file", path: "in" }),
      /Cannot read file "in": it is a folder, its files are "in\/"/,
    );
    await assert.rejects(
      store.list({ type: "directory", path: "in/a.csv" }),
      /Cannot read folder "in\/a.csv": it is a file/,
    );
  }));

Deno.test("a range of a file is read, fewer bytes only at its end", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.txt"), "0123456789");
    const store = await connectTo(folder);
    await using file = await store.openRead("a.txt");
    const text = async (from: number, to: number) =>
      new TextDecoder().decode(await file.read(from, to));
    assert.equal(await text(2, 5), "234");
    assert.equal(await text(8, 20), "89");
    assert.equal(await text(20, 30), "");
    assert.deepEqual(await Promise.all([text(0, 3), text(7, 9), text(3, 4)]), ["012", "78", "3"]);
    const streams = [file.stream(), file.stream()].map((stream) => new Response(stream).text());
    assert.deepEqual(await Promise.all(streams), ["0123456789", "0123456789"]);
  }));
