/** A file or folder that is replaced is read by nobody who could not read the old one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import type { FilestoreConnector, NewFile } from "../../../../src/core/contracts/connector.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import { dropGroupBits } from "../../../../src/providers/filestore/local/ownership.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { withFolder } from "../../../support/run.ts";
import { ignoreIf, notRoot, notUnix } from "../../../support/ignore.ts";

function connectTo(folder: string): Promise<FilestoreConnector> {
  return local.connect({ path: folder }, connectContext(folder));
}

async function* text(value: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(value);
}

const modeOf = async (path: string) => ((await Deno.stat(path)).mode! & 0o7777).toString(8);

interface Case {
  readonly title: string;
  readonly mode: number;
}

const MODES: readonly Case[] = [
  { title: "private", mode: 0o600 },
  { title: "read by the group", mode: 0o640 },
  { title: "read by all", mode: 0o644 },
  { title: "written by all", mode: 0o666 },
  { title: "read-only", mode: 0o444 },
  { title: "without any right", mode: 0o000 },
  { title: "run by all", mode: 0o755 },
];

for (const { title, mode } of MODES) {
  Deno.test({
    ...ignoreIf(notUnix, `a replaced file stays ${title}, from its first byte on`),
    fn: () =>
      withFolder(async (folder) => {
        const path = join(folder, "a.csv");
        await Deno.writeTextFile(path, "old");
        await Deno.chmod(path, mode);
        const store = await connectTo(folder);
        let during = "";
        async function* bytes() {
          during = await modeOf(join(folder, ".a.csv.dxt-new"));
          yield* text("new");
        }
        await store.write("a.csv", bytes(), async () => {});
        assert.deepEqual([during, await modeOf(path)], Array(2).fill(mode.toString(8)));
      }),
  });
}

Deno.test({
  ...ignoreIf(notUnix, "a new file follows the umask"),
  fn: () =>
    withFolder(async (folder) => {
      const store = await connectTo(folder);
      for (const [umask, wanted] of [[0o022, "644"], [0o077, "600"], [0o027, "640"]] as const) {
        const before = Deno.umask(umask);
        try {
          await store.write(`${umask}.csv`, text("x"), async () => {});
        } finally {
          Deno.umask(before);
        }
        assert.equal(await modeOf(join(folder, `${umask}.csv`)), wanted);
      }
    }),
});

for (const mode of ["replace", "append"] as const) {
  Deno.test({
    ...ignoreIf(notUnix, `files that ${mode} a private folder's are private, and so is the folder`),
    fn: () =>
      withFolder(async (folder) => {
        await Deno.mkdir(join(folder, "f"));
        for (const name of ["part-00000.csv", "x.csv"]) {
          await Deno.writeTextFile(join(folder, "f", name), "old");
          await Deno.chmod(join(folder, "f", name), 0o600);
        }
        await Deno.chmod(join(folder, "f"), 0o711);
        const store = await connectTo(folder);
        const files = ["part-00000.csv", "part-00001.csv"].map((name): NewFile => ({
          name,
          bytes: () => text("new"),
          check: async () => {},
        }));
        await store.writeFolder("f", files, mode);
        assert.equal(await modeOf(join(folder, "f")), "711");
        for (const { name } of files) {
          assert.equal(await modeOf(join(folder, "f", name)), "600", name);
        }
      }),
  });
}

Deno.test({
  ...ignoreIf(notRoot(), "a replaced file keeps its owner where the system lets it"),
  fn: () =>
    withFolder(async (folder) => {
      const path = join(folder, "a.csv");
      await Deno.writeTextFile(path, "old");
      await Deno.chmod(path, 0o640);
      await Deno.chown(path, 65534, 12);
      const store = await connectTo(folder);
      await store.write("a.csv", text("new"), async () => {});
      const { uid, gid } = await Deno.stat(path);
      assert.deepEqual([uid, gid, await modeOf(path)], [65534, 12, "640"]);
    }),
});

Deno.test({
  ...ignoreIf(notRoot(), "who may not give files away never widens who reads them"),
  fn: () =>
    withFolder(async (folder) => {
      const path = join(folder, "a.csv");
      await Deno.writeTextFile(path, "old");
      await Deno.chown(folder, 65534, 65534);
      await Deno.chmod(path, 0o4664);
      const store = await connectTo(folder);
      process.seteuid!(65534);
      try {
        await store.write("a.csv", text("new"), async () => {});
      } finally {
        process.seteuid!(0);
      }
      assert.deepEqual([(await Deno.stat(path)).uid, await modeOf(path)], [65534, "664"]);
      // Of a group that the writer is not in only the rights of everybody stay.
      await Deno.chown(path, 0, 12);
      await Deno.chmod(path, 0o2664);
      process.seteuid!(65534);
      try {
        await store.write("a.csv", text("newer"), async () => {});
      } finally {
        process.seteuid!(0);
      }
      assert.deepEqual([(await Deno.stat(path)).uid, await modeOf(path)], [65534, "644"]);
    }),
});

for (
  const [mode, kept] of [
    [0o640, 0o600],
    [0o664, 0o644],
    [0o660, 0o600],
    [0o644, 0o644],
    [0o2755, 0o755],
    [0o670, 0o600],
    [0o604, 0o604],
  ] as const
) {
  Deno.test(`without its group a file of mode ${mode.toString(8)} gets ${kept.toString(8)}`, () => {
    assert.equal(dropGroupBits(mode).toString(8), kept.toString(8));
  });
}
