import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConcurrentRunError } from "../../src/core/errors.ts";
import { lockFile } from "../../src/core/files/file_lock.ts";
import { claimOf } from "../support/claim.ts";
import { withFolder } from "../support/run.ts";

const { signal } = new AbortController();
const MODULE = fileURLToPath(new URL("../../src/core/files/file_lock.ts", import.meta.url));

async function holder(path: string): Promise<string> {
  const error = await lockFile(path, "it", claimOf(), signal).then(() => undefined, (e) => e);
  assert.ok(error instanceof ConcurrentRunError, String(error));
  return error.message;
}

/** A process that holds the lock until it is killed. */
async function spawnHolder(path: string): Promise<Deno.ChildProcess> {
  const code = `import { lockFile } from ${JSON.stringify(`file://${MODULE}`)};
    const owner = { host: "far", pid: Deno.pid, run_id: "feedbeef-1", since: "2026-01-31T12:00:00Z" };
    await lockFile(${
    JSON.stringify(path)
  }, "it", { owner, waitMs: 0 }, new AbortController().signal);
    console.log("held"); setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /held/);
  await reader.cancel();
  return child;
}

Deno.test("a lock of a process that lives is reported with its host, number, run and start", () =>
  withFolder(async (folder) => {
    const path = join(folder, ".lock");
    const child = await spawnHolder(path);
    try {
      const message = await holder(path);
      assert.ok(
        message.startsWith(
          `Cannot use it: another run holds it, process ${child.pid} on "far" (run feedbeef, since 2026-01-31T12:00:00Z)`,
        ),
        message,
      );
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
    // The system let go of it, although the file is still there.
    assert.match(await Deno.readTextFile(path), /feedbeef/);
    await using _lock = await lockFile(path, "it", claimOf(), signal);
  }));

/** What a file may hold that nobody locks: a process of that number may live, or be another one. */
const LEFT: Readonly<Record<string, string>> = {
  "nothing": "",
  "half a line": '{"pid": 47',
  "another thing": "[1, 2, 3]",
  "this process": JSON.stringify(
    { pid: Deno.pid, host: Deno.hostname(), run_id: "1", since: "2026-01-31T12:00:00Z" },
  ),
  "the first process": JSON.stringify({ pid: 1, run_id: "1", since: "2026-01-31T12:00:00Z" }),
  "a longer text": "x".repeat(10_000),
};

for (const [name, text] of Object.entries(LEFT)) {
  Deno.test(`a file that was left locks nobody out, whatever is in it: ${name}`, () =>
    withFolder(async (folder) => {
      const path = join(folder, ".lock");
      await Deno.writeTextFile(path, text);
      {
        await using _lock = await lockFile(path, "it", claimOf(), signal);
        assert.equal(JSON.parse(await Deno.readTextFile(path)).pid, 4711);
        await Deno.writeTextFile(path, text);
        assert.match(
          await holder(path),
          /another run holds it, (its process is unknown|process \d+)/,
        );
      }
      await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    }));
}

Deno.test("of many runs one at a time has the lock, and each that waits gets it", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a", "b", ".lock");
    const makeFolder = () => Deno.mkdir(join(folder, "a", "b"), { recursive: true });
    let [holders, most, done] = [0, 0, 0];
    await Promise.all(Array.from({ length: 20 }, async () => {
      const lock = await lockFile(path, "it", claimOf(60_000), signal, makeFolder);
      most = Math.max(most, ++holders);
      await new Promise((resolve) => setTimeout(resolve, 5));
      holders--;
      done++;
      await lock[Symbol.asyncDispose]();
      // A run that ends takes away the folders that are empty then.
      for (const empty of ["a/b", "a"]) await Deno.remove(join(folder, empty)).catch(() => {});
    }));
    assert.deepEqual([most, done], [1, 20]);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  }));

Deno.test("a wait that takes seconds is reported once, with what is waited for, its holder and the limit", () =>
  withFolder(async (folder) => {
    const path = join(folder, ".lock");
    const lock = await lockFile(path, "it", claimOf(), signal);
    const said: string[] = [];
    const onWait = (message: string) => said.push(message);
    setTimeout(() => lock[Symbol.asyncDispose](), 4500);
    await using _lock = await lockFile(path, "it", { ...claimOf(60_000), onWait }, signal);
    assert.equal(said.length, 1);
    assert.match(
      said[0]!,
      /^Waiting for it: another run holds it, process 4711 on "test-host" \(run \w{8}, since 2026-01-31T12:00:00Z\); gives up after 60 s \(--wait\)$/,
    );
  }));

Deno.test("a wait ends with its time, and with an abort", () =>
  withFolder(async (folder) => {
    const path = join(folder, ".lock");
    await using _lock = await lockFile(path, "it", claimOf(), signal);
    const start = performance.now();
    await assert.rejects(lockFile(path, "it", claimOf(300), signal), /waited 0 s|waited 1 s/);
    assert.ok(performance.now() - start >= 290);
    const controller = new AbortController();
    const waiting = lockFile(path, "it", claimOf(60_000), controller.signal);
    setTimeout(() => controller.abort(new Error("stop")), 100);
    await assert.rejects(waiting, /^Error: stop$/);
  }));
