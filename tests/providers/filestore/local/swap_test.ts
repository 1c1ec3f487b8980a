/** A folder whose replacement is killed: it is found whole by whoever comes next. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FilestoreConnector } from "../../../../src/core/contracts/connector.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { withFolder } from "../../../support/run.ts";
import { ignoreIf, notLinux } from "../../../support/ignore.ts";

const REPLACE = fileURLToPath(new URL("replace_folder.ts", import.meta.url));
const target = { type: "directory", path: "f" } as const;

async function hasStrace(): Promise<boolean> {
  try {
    const args = ["-qq", "-e", "trace=none", "true"];
    return (await new Deno.Command("strace", { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

async function makeOld(folder: string): Promise<void> {
  await Deno.mkdir(join(folder, "f"));
  for (const name of ["a", "b"]) await Deno.writeTextFile(join(folder, "f", `${name}.csv`), "old");
}

/** Names and contents of the folder, as dxt reads it. */
async function read(store: FilestoreConnector): Promise<string[]> {
  const found: string[] = [];
  for (const { name, path } of await store.list(target)) {
    await using file = await store.openRead(path);
    found.push(`${name}=${await new Response(file.stream()).text()}`);
  }
  return found;
}

const OLD = ["a.csv=old", "b.csv=old"];
const NEW = ["a.csv=new", "b.csv=new", "c.csv=new"];

/** A kill at the `when`th rename that names a path of these. */
const KILLS = ["f", ".f.dxt-old", ".f.dxt-new"].flatMap((path) =>
  [1, 2, 3].map((when) => ({ path, when }))
);

for (const { path, when } of KILLS) {
  Deno.test({
    ...ignoreIf(
      notLinux ?? (await hasStrace() ? undefined : "needs strace"),
      `killed at rename ${when} of "${path}" a folder is read whole, and comes back`,
    ),
    fn: () =>
      withFolder(async (made) => {
        const folder = await Deno.realPath(made);
        await makeOld(folder);
        await new Deno.Command("strace", {
          args: [
            ...["-f", "-qq", "-o", "/dev/null", "-P", join(folder, path), "-e", "trace=rename"],
            ...["-e", `inject=rename:signal=KILL:when=${when}`],
            ...[Deno.execPath(), "run", "-A", "--no-check", REPLACE, folder],
          ],
          stdout: "null",
          stderr: "null",
        }).output();
        await using store = await local.connect({ path: folder }, connectContext(folder));
        const seen = await read(store);
        assert.ok([OLD, NEW].some((whole) => String(whole) === String(seen)), seen.join());
        const { problems } = await store.checkWrite(target, "replace");
        assert.deepEqual(problems, []);
        const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
        assert.ok(names.includes("f") && !names.includes(".f.dxt-old"), names.join());
        assert.deepEqual(await read(store), seen);
      }),
  });
}

/** What a killed process can leave between its renames, and who comes next. */
const NEXT: Record<string, (store: FilestoreConnector) => Promise<unknown>> = {
  "a reader": () => Promise.resolve(),
  "dxt test": (store) => store.checkWrite(target, "replace"),
  "dxt test of an append": (store) => store.checkWrite(target, "append"),
  "a load that adds": (store) => store.writeFolder("f", [], "append"),
};

for (const [next, come] of Object.entries(NEXT)) {
  Deno.test(`a folder that was left between two renames is there for ${next}`, () =>
    withFolder(async (folder) => {
      await makeOld(folder);
      await Deno.mkdir(join(folder, ".f.dxt-new"));
      await Deno.rename(join(folder, "f"), join(folder, ".f.dxt-old"));
      await using store = await local.connect({ path: folder }, connectContext(folder));
      await come(store);
      assert.deepEqual(await read(store), OLD);
    }));
}

Deno.test("what a finished swap left under the hidden name never comes back", () =>
  withFolder(async (folder) => {
    await makeOld(folder);
    await Deno.mkdir(join(folder, ".f.dxt-old"));
    await Deno.writeTextFile(join(folder, ".f.dxt-old/a.csv"), "older");
    await using store = await local.connect({ path: folder }, connectContext(folder));
    assert.deepEqual(await read(store), OLD);
    await store.writeFolder("f", [], "append");
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(names, ["f"]);
  }));

Deno.test("a folder that another run swaps meanwhile is not taken back from it", () =>
  withFolder(async (folder) => {
    await makeOld(folder);
    await using store = await local.connect({ path: folder }, connectContext(folder));
    const check = async () => {
      // The other run holds the lock: whoever comes now leaves the folders alone.
      await assert.rejects(store.writeFolder("f", [], "append"), /another run holds it/);
      assert.deepEqual((await store.checkWrite(target, "replace")).problems, []);
    };
    const bytes = async function* () {
      yield new TextEncoder().encode("new");
    };
    await store.writeFolder("f", [{ name: "a.csv", bytes, check }], "replace");
    assert.deepEqual(await read(store), ["a.csv=new"]);
  }));
