/** What each use of a folder needs: the paths that it touches, and no others. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Permissions, Usage } from "../../../../src/core/contracts/provider.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import { withFolder } from "../../../support/run.ts";
import { usage } from "../../../support/usage.ts";

/** Paths below the folder. */
function needs(folder: string, use: Partial<Usage>, path?: string): Partial<Permissions> {
  const config = path === undefined ? {} : { path };
  const { read = [], write = [], ...others } = local.permissions(config, {
    ...usage(folder),
    ...use,
  });
  const short = (paths: readonly string[]) =>
    paths.map((path) => path.replace(folder, ".").replaceAll("\\", "/"));
  return { ...others, read: short(read), write: short(write) };
}

const file = (path: string) => ({ type: "file", path }) as const;
const directory = (path: string) => ({ type: "directory", path }) as const;
const glob = (pattern: string) => ({ type: "glob", pattern }) as const;

Deno.test("a source needs its file, or the folder that its files are in", () =>
  withFolder((folder) => {
    const reads = (source: NonNullable<Usage["reads"][0]>, path?: string) =>
      needs(folder, { reads: [source] }, path).read;
    assert.deepEqual(reads(file("a.csv")), ["./a.csv"]);
    assert.deepEqual(reads(file("a.csv"), "in"), ["./in/a.csv"]);
    assert.deepEqual(reads(file("/elsewhere/a.csv")), ["/elsewhere/a.csv"]);
    assert.deepEqual(reads(glob("in/2026/*/x.csv")), ["./in/2026", "./in/.2026.dxt-old"]);
    assert.deepEqual(reads(glob("*.csv")), ["."]);
    assert.deepEqual(reads(glob("/elsewhere/*.csv")), ["/elsewhere", "/.elsewhere.dxt-old"]);
    assert.deepEqual(reads(directory("in/")), ["./in", "./.in.dxt-old"]);
    assert.deepEqual(needs(folder, { reads: [file("a.csv")] }).write, []);
    return Promise.resolve();
  }));

Deno.test("a target needs the names that it writes, and its folder to flush it", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "out"));
    const writes = (target: NonNullable<Usage["writes"][0]>, path?: string) =>
      needs(folder, { writes: [target] }, path);
    assert.deepEqual(writes(file("out/a.csv")), {
      read: ["./out"],
      write: ["./out/a.csv", "./out/.a.csv.dxt-lock", "./out/.a.csv.dxt-new"],
    });
    assert.deepEqual(writes(directory("out/a")), {
      read: ["./out"],
      write: ["./out/a", "./out/.a.dxt-lock", "./out/.a.dxt-new", "./out/.a.dxt-old"],
    });
    // What has to be made holds nothing else.
    assert.deepEqual(writes(file("new/er/a.csv")), { read: ["./new"], write: ["./new"] });
    assert.deepEqual(writes(file("a.csv"), "new/er").write, ["./new/er"]);
    assert.deepEqual(writes(directory("."), "out"), { read: ["./out"], write: ["./out"] });
  }));

Deno.test("only a connection that is explored needs its whole folder", () =>
  withFolder((folder) => {
    assert.deepEqual(needs(folder, {}), { read: [], write: [] });
    assert.deepEqual(needs(folder, { explores: true }), { read: ["."], write: [] });
    assert.deepEqual(needs(folder, { explores: true }, "in").read, ["./in"]);
    return Promise.resolve();
  }));

Deno.test("what the connection refuses needs nothing", () =>
  withFolder((folder) => {
    const none = { read: [], write: [] };
    for (const path of ["../a.csv", "/etc/passwd", "a\0b"]) {
      assert.deepEqual(needs(folder, { reads: [file(path)] }, "in"), none, path);
      assert.deepEqual(needs(folder, { writes: [file(path)] }, "in"), none, path);
    }
    assert.deepEqual(needs(folder, { reads: [glob("[z-a]/*.csv")] }), none);
    return Promise.resolve();
  }));
