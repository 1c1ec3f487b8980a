/** A writer that is killed, a disk that fails, a disk that is full: the stage is whole, old or new. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBatches } from "../../src/arrow/mod.ts";
import { openBuffer } from "../../src/buffers/mod.ts";
import { BufferError } from "../../src/core/errors.ts";
import { withFolder } from "../support/run.ts";
import { stageIn } from "../support/stage.ts";
import { recordsOf } from "../support/staged.ts";
import { commit, FIELDS, ROWS } from "./commit.ts";

const COMMIT = fileURLToPath(new URL("commit.ts", import.meta.url));
const OLD = 0;
const NEW = 1000;

async function works(command: string, ...args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch {
    return false;
  }
}

const hasStrace = await works("strace", "-qq", "-e", "trace=none", "true");
const hasMount = Deno.build.os === "linux" && Deno.uid() === 0 && await works("mount", "--version");

/** Commits the new stage in a process under strace; tells whether it came to its end. */
async function committedUnder(directory: string, calls: string, fault: string): Promise<boolean> {
  const { stdout } = await new Deno.Command("strace", {
    args: [
      ...["-f", "-qq", "-o", "/dev/null", "-e", `trace=${calls}`, "-e", `inject=${calls}:${fault}`],
      ...[Deno.execPath(), "run", "-A", "--no-check", COMMIT, directory, String(NEW)],
    ],
    stdout: "piped",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).includes("committed");
}

/** The first number of the committed stage, which must be whole. */
async function firstOf(directory: string): Promise<number> {
  const staged = await (await openBuffer({ format: "csv" }, directory)).open();
  const numbers = (await recordsOf(staged)).map(({ n }) => Number(n));
  assert.deepEqual(numbers, Array.from({ length: ROWS }, (_, i) => numbers[0]! + i));
  return numbers[0]!;
}

/** By kind of call. strace counts each thread's own, so a number may be hit more than once. */
const CALLS = {
  fsync: "fsync,fdatasync",
  rename: "rename,renameat,renameat2",
  unlink: "unlink,unlinkat,rmdir",
} as const;
const MOST = 8;

for (const [name, calls] of Object.entries(CALLS)) {
  Deno.test({
    name: `a writer killed at any ${name} leaves the old stage or the new one (needs strace)`,
    ignore: !hasStrace,
    fn: () =>
      withFolder(async (folder) => {
        let kills = 0;
        for (let when = 1; when <= MOST; when++) {
          const directory = join(folder, `stage-${when}`);
          await commit(directory, OLD);
          const survived = await committedUnder(directory, calls, `signal=KILL:when=${when}`);
          const first = await firstOf(directory);
          if (survived) {
            assert.equal(first, NEW);
            break;
          }
          kills++;
          assert.ok(first === OLD || first === NEW, `stage begins with ${first}`);
          // The next writer is not in the way of what is left, and takes it away.
          await commit(directory, OLD);
          const left = await Array.fromAsync(Deno.readDir(directory));
          assert.equal(left.length, 2, left.map((entry) => entry.name).join(" "));
        }
        assert.ok(kills > 0, "no writer was killed");
      }),
  });
}

Deno.test({
  name: "a disk that fails to rename keeps the old stage, and nothing else (needs strace)",
  ignore: !hasStrace,
  fn: () =>
    withFolder(async (folder) => {
      const directory = join(folder, "stage");
      await commit(directory, OLD);
      assert.equal(await committedUnder(directory, CALLS.rename, "error=EIO"), false);
      assert.equal(await firstOf(directory), OLD);
      const left = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
      assert.equal(left.length, 2, left.join(" "));
    }),
});

Deno.test({
  name: "a full disk is one clear error, and nothing is left on it (needs root)",
  ignore: !hasMount,
  fn: () =>
    withFolder(async (folder) => {
      const disk = join(folder, "disk");
      await Deno.mkdir(disk);
      assert.ok(await works("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk));
      try {
        const directory = join(disk, "stage");
        await commit(directory, OLD);
        const records = Array.from({ length: 400_000 }, (_, n) => ({ n }));
        const write = stageIn(
          directory,
          { format: "csv" },
          FIELDS,
          (async function* () {
            yield* buildBatches(FIELDS, records, { rows: 1000, bytes: 1e9 });
            return { rows: records.length, evidence: "all" };
          })(),
        );
        await assert.rejects(write, (error: unknown) => {
          assert.ok(error instanceof BufferError);
          assert.match(error.message, /the disk is full after \d+ bytes/);
          return true;
        });
        assert.equal(await firstOf(directory), OLD);
        const left = await Array.fromAsync(Deno.readDir(directory));
        assert.equal(left.length, 2, left.map((entry) => entry.name).join(" "));
      } finally {
        await works("umount", disk);
      }
    }),
});
