/** One run at a time has a stage, and what it was about to commit outlives it. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import type { PendingLoad } from "../../../src/core/contracts/buffer.ts";
import { ConcurrentRunError } from "../../../src/core/errors.ts";
import { claimOf } from "../../support/claim.ts";
import { type Check, persistent } from "./trial.ts";

const { signal } = new AbortController();

const LOAD: PendingLoad = {
  run_id: "run-1",
  at: "2026-01-31T12:00:00Z",
  source: { type: "relation", name: "orders" },
  target: { type: "file", path: "orders.csv" },
  rows: 5,
  record: { part: "part-00001", nested: { before: null, after: [1, "2"] } },
};

export const lockChecks = {
  "one run": {
    title: "one run at a time has a stage, and another one is told which",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      const claim = claimOf();
      {
        await using _lock = await buffer.lock(claim, signal);
        await trial.write(buffer, 5);
        await assert.rejects((await trial.open()).lock(claimOf(), signal), (error: unknown) => {
          assert.ok(error instanceof ConcurrentRunError);
          assert.match(error.message, /process 4711 on "test-host" \(run [0-9a-f]{8}, since 2026/);
          assert.ok(error.message.includes(trial.directory), error.message);
          return true;
        });
        // Another stage is another lock.
        await using _other = await (await trial.beside("other").open()).lock(claimOf(), signal);
      }
      await using _next = await (await trial.open()).lock(claimOf(), signal);
      await trial.holds(buffer, 5);
    },
  },
  "waiting run": {
    title: "a run that waits has the stage when the other one has ended",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      const first = await buffer.lock(claimOf(), signal);
      let isFree = false;
      const waiting = buffer.lock(claimOf(10_000), signal).then((lock) => {
        assert.ok(isFree, "both runs have the stage");
        return lock;
      });
      await new Promise((resolve) => setTimeout(resolve, 150));
      isFree = true;
      await first[Symbol.asyncDispose]();
      await using _second = await waiting;
    },
  },
  "no trace": {
    title: "a lock leaves nothing behind, with or without a stage",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      for (const count of [0, 5]) {
        const lock = await buffer.lock(claimOf(), signal);
        if (count > 0) await trial.write(buffer, count);
        await buffer.clear();
        await lock[Symbol.asyncDispose]();
        await lock[Symbol.asyncDispose]();
        assert.deepEqual(await Array.fromAsync(Deno.readDir(dirname(trial.directory))), []);
      }
    },
  },
  "pending load": {
    title: "a load that was about to commit is remembered until it is forgotten",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      {
        await using lock = await buffer.lock(claimOf(), signal);
        assert.equal(await lock.pending(), undefined);
        await trial.write(buffer, 5);
        await lock.remember({ ...LOAD, rows: 4 });
        await lock.remember(LOAD);
        await buffer.clear();
      }
      {
        await using lock = await (await trial.open()).lock(claimOf(), signal);
        assert.deepEqual(await lock.pending(), LOAD);
        await trial.write(buffer, 3);
        assert.deepEqual(await lock.pending(), LOAD, "another stage was written");
        lock.forget();
        lock.forget();
        assert.equal(await lock.pending(), undefined);
        await trial.holds(buffer, 3);
      }
    },
  },
  "broken pending load": {
    title: "what is remembered and cannot be read is an error, not nothing",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      await using lock = await buffer.lock(claimOf(), signal);
      await lock.remember(LOAD);
      for (const text of ["", "{", "[]", '{"version": 2}', JSON.stringify({ ...LOAD, rows: -1 })]) {
        await Deno.writeTextFile(lock.record, text);
        await assert.rejects(lock.pending(), /Cannot read .*pending/);
      }
    },
  },
} satisfies Record<string, Check>;
