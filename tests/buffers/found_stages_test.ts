/** What is found in a folder of stages, and what removing it leaves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listStages, removeFound } from "../../src/buffers/found_stages.ts";
import { lockStage } from "../../src/buffers/stage_lock.ts";
import { ConcurrentRunError } from "../../src/core/errors.ts";
import { claimOf } from "../support/claim.ts";
import { withFolder } from "../support/run.ts";
import { commit, ROWS } from "./commit.ts";

const { signal } = new AbortController();

const LOAD = {
  run_id: "run-1",
  at: "2026-01-31T12:00:00Z",
  source: { type: "relation", name: "orders" },
  target: { type: "relation", name: "orders" },
  rows: ROWS,
  record: { before: "0" },
};

/** What an extraction that was killed leaves. */
async function leaveFiles(directory: string): Promise<void> {
  const name = `files-${crypto.randomUUID()}`;
  await Deno.mkdir(join(directory, name), { recursive: true });
  await Deno.writeTextFile(join(directory, name, "part-00000.csv"), "n\n1\n");
  await Deno.writeTextFile(join(directory, `.manifest.json.${name}`), "{");
}

async function leaveLock(directory: string): Promise<void> {
  const owner = JSON.stringify({ ...claimOf().owner });
  await Deno.writeTextFile(join(directory, "..", ".locked.lock"), owner);
}

/** How each state comes about, in a folder of that name. */
const STATES: Readonly<Record<string, (directory: string) => Promise<void>>> = {
  "staged": (directory) => commit(directory, 0).then(() => {}),
  "in-doubt": async (directory) => {
    await commit(directory, 0);
    await using lock = await lockStage(directory, claimOf(), signal);
    await lock.remember(LOAD);
  },
  "in-doubt-unreadable": async (directory) => {
    await commit(directory, 0);
    await Deno.writeTextFile(join(directory, "..", ".in-doubt-unreadable.pending.json"), "{");
  },
  "killed": leaveFiles,
  "killed-again": async (directory) => {
    await commit(directory, 0);
    await leaveFiles(directory);
  },
  "locked": leaveLock,
  "of-another-version": async (directory) => {
    await commit(directory, 0);
    await Deno.writeTextFile(join(directory, "manifest.json"), '{"version": 1}');
  },
  // What other programs keep in a folder that `buffer.location` names.
  "theirs": async (directory) => {
    await Deno.mkdir(join(directory, "files-of-them"), { recursive: true });
    await Deno.writeTextFile(join(directory, "manifest.json"), '{"name": "their web app"}');
    await Deno.writeTextFile(join(directory, "..", "notes.txt"), "theirs");
    await Deno.writeTextFile(join(directory, "..", ".theirs.lock"), "4711");
  },
};

const FOUND = {
  "in-doubt": ["in doubt"],
  "in-doubt-unreadable": ["in doubt"],
  "killed": ["incomplete"],
  "killed-again": ["incomplete", "staged"],
  "locked": ["incomplete"],
  "of-another-version": ["unusable"],
  "staged": ["staged"],
};

async function withStages(work: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    for (const [name, make] of Object.entries(STATES)) await make(join(folder, name));
    await work(folder);
  });
}

function groupStates(found: Awaited<ReturnType<typeof listStages>>): Record<string, string[]> {
  const states: Record<string, string[]> = {};
  for (const { directory, state } of found) {
    (states[directory.split("/").at(-1)!] ??= []).push(state);
  }
  return states;
}

Deno.test("stages are found with their states, and folders of other programs are not", () =>
  withStages(async (folder) => {
    const found = await listStages(folder);
    assert.deepEqual(groupStates(found), FOUND);
    const get = (name: string) => found.find(({ directory }) => directory === join(folder, name))!;
    assert.equal(get("staged").count, ROWS);
    assert.ok(get("staged").bytes > 0);
    assert.ok(Date.now() - get("staged").changed! < 60_000);
    assert.deepEqual(get("in-doubt").pending, LOAD);
    assert.match(get("in-doubt-unreadable").problem!, /the record of an interrupted load/);
    assert.match(get("of-another-version").problem!, /its version is 1, expected \d/);
    const [killed] = found.filter(({ directory }) => directory.endsWith("killed-again"));
    assert.equal(killed!.bytes, "n\n1\n{".length);
  }));

Deno.test("a stage whose manifest cannot be read now is not taken for one that no load can read", () =>
  withFolder(async (folder) => {
    const directory = join(folder, "orders");
    await commit(directory, 0);
    await Deno.remove(join(directory, "manifest.json"));
    await Deno.mkdir(join(directory, "manifest.json"));
    const [found] = await listStages(folder);
    assert.equal(found!.state, "staged");
    assert.match(found!.problem!, /directory/);
  }));

Deno.test("a folder without stages, or without existence, holds none", () =>
  withFolder(async (folder) => {
    assert.deepEqual(await listStages(folder), []);
    assert.deepEqual(await listStages(join(folder, "none")), []);
  }));

Deno.test("what was found is removed, and what is not dxt's stays", () =>
  withStages(async (folder) => {
    for (const found of await listStages(folder)) {
      assert.equal(await removeFound(found, claimOf(), signal), true, found.directory);
    }
    assert.deepEqual(await listStages(folder), []);
    const left = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assert.deepEqual(left.sort(), [".theirs.lock", "notes.txt", "theirs"]);
    assert.equal((await Array.fromAsync(Deno.readDir(join(folder, "theirs")))).length, 2);
  }));

Deno.test("what a killed run left beside a committed stage is removed without the stage", () =>
  withStages(async (folder) => {
    const found = await listStages(folder);
    const left = found.find(({ directory, state }) =>
      directory.endsWith("killed-again") && state === "incomplete"
    )!;
    assert.equal(await removeFound(left, claimOf(), signal), true);
    const states = groupStates(await listStages(folder));
    assert.deepEqual(states, { ...FOUND, "killed-again": ["staged"] });
  }));

Deno.test("a file that dxt did not write stays in a removed stage", () =>
  withFolder(async (folder) => {
    const directory = join(folder, "orders");
    await commit(directory, 0);
    await Deno.writeTextFile(join(directory, "notes.txt"), "theirs");
    const [found] = await listStages(folder);
    assert.equal(await removeFound(found!, claimOf(), signal), true);
    assert.deepEqual(
      await Array.fromAsync(Deno.readDir(directory), ({ name }) => name),
      ["notes.txt"],
    );
  }));

Deno.test("a stage that a run uses, or has changed meanwhile, is not removed", () =>
  withFolder(async (folder) => {
    const directory = join(folder, "orders");
    await commit(directory, 0);
    const [found] = await listStages(folder);
    {
      await using _lock = await lockStage(directory, claimOf(), signal);
      const [used] = await listStages(folder);
      assert.equal(used!.state, "in use");
      assert.equal(used!.holder!.pid, 4711);
      await assert.rejects(removeFound(found!, claimOf(), signal), ConcurrentRunError);
    }
    await commit(directory, 100);
    assert.equal(await removeFound(found!, claimOf(), signal), false);
    assert.deepEqual(groupStates(await listStages(folder)), { orders: ["staged"] });
  }));
