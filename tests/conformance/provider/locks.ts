/** One load at a time has a target, and what became of a load can be asked. */
import assert from "node:assert/strict";
import { ConcurrentRunError, LoaderError, StaleRangeError } from "../../../src/core/errors.ts";
import type { CommitRecord } from "../../../src/core/contracts/loader.ts";
import type { Field } from "../../../src/models/field.ts";
import { claimOf } from "../../support/claim.ts";
import { appends, type Check, keysOf, type Trial } from "./trial.ts";

const FIELDS: readonly Field[] = [
  { name: "id", dtype: "int64", nullable: false },
  { name: "v", dtype: "string", nullable: true },
];
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ id: BigInt(from + i), v: `v${from + i}` }));
const [ID] = FIELDS as [Field];

async function count(trial: Trial, name: string): Promise<number> {
  return (await trial.rows(name)).length;
}

/** Loads 30 rows in three batches, and does `meanwhile` before the second. */
async function loadSlowly(
  trial: Trial,
  name: string,
  meanwhile: () => Promise<void>,
): Promise<void> {
  await trial.load(name, FIELDS, rows(100, 130), {
    mode: "append",
    claim: claimOf(),
    batchRows: 10,
    beforeBatch: (index) => index === 1 ? meanwhile() : undefined,
  });
}

/** Remembers a load, and fails where it is to be cut off. */
function journal(cutOff = false) {
  const records: CommitRecord[] = [];
  return {
    records,
    remember(record: CommitRecord) {
      records.push(JSON.parse(JSON.stringify(record)));
      return cutOff ? Promise.reject(new LoaderError("cut off")) : Promise.resolve();
    },
  };
}

export const lockChecks = {
  "two loads": {
    title: "while a run loads into a target, another one is refused, and nothing is lost",
    when: appends,
    async run(trial) {
      for (const existing of [true, false]) {
        const name = existing ? "old" : "fresh";
        if (existing) await trial.load(name, FIELDS, rows(0, 5), { mode: "append" });
        let refusal: unknown;
        await loadSlowly(trial, name, async () => {
          const connector = await trial.open();
          const options = { mode: "append", claim: claimOf(), connector } as const;
          refusal = await trial.load(name, FIELDS, rows(200, 210), options).catch((e) => e);
        });
        assert.ok(refusal instanceof ConcurrentRunError, String(refusal));
        assert.match(refusal.message, /another run/);
        assert.equal(await count(trial, name), existing ? 35 : 30);
        await trial.load(name, FIELDS, rows(300, 310), { mode: "append", claim: claimOf() });
        assert.equal(await count(trial, name), existing ? 45 : 40);
      }
    },
  },
  "waiting load": {
    title: "a run that waits loads when the other one has ended",
    when: appends,
    async run(trial) {
      await trial.load("waited", FIELDS, rows(0, 5), { mode: "append" });
      let second: Promise<unknown> | undefined;
      await loadSlowly(trial, "waited", async () => {
        const connector = await trial.open();
        const options = { mode: "append", claim: claimOf(20_000), connector } as const;
        second = trial.load("waited", FIELDS, rows(200, 210), options);
        second.catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 200));
      });
      await second;
      assert.equal(await count(trial, "waited"), 45);
    },
  },
  "other targets": {
    title: "a load that failed keeps nobody out",
    when: appends,
    async run(trial) {
      for (let time = 0; time < 3; time++) {
        await assert.rejects(
          trial.load("failed", FIELDS, rows(0, 50), {
            mode: "append",
            claim: claimOf(),
            batchRows: 10,
            failAfter: 2,
          }),
        );
        await trial.load("failed", FIELDS, rows(0, 5), { mode: "append", claim: claimOf() });
      }
      assert.equal(await count(trial, "failed"), 15);
    },
  },
  "stale range": {
    title: "rows of a range that is no longer the target's are refused, in every mode",
    async run(trial) {
      for (const mode of trial.modes) {
        const upsertKeys = keysOf(mode);
        const name = `range_${mode}`;
        const load = (from: number, to: number, max?: string) =>
          trial.load(name, FIELDS, rows(from, to), {
            ...{ mode, upsertKeys },
            expected: { field: "id", as: ID, ...(max === undefined ? {} : { max }) },
          });
        await assert.rejects(load(0, 5, "3"), StaleRangeError, "the target is missing");
        assert.equal(await trial.exists(name), false);
        await load(0, 5);
        const before = await trial.rows(name);
        for (const max of [undefined, "3", "5", "40"]) {
          await assert.rejects(load(5, 9, max), (error: unknown) => {
            assert.ok(error instanceof StaleRangeError, String(error));
            assert.match(error.message, /the highest "id" of the target is "4", it was/);
            return true;
          });
          assert.deepEqual(await trial.rows(name), before);
        }
        await load(5, 9, "4");
        assert.equal(await count(trial, name), mode === "replace" ? 4 : 9);
      }
    },
  },
  "outcomes in a new target": {
    title: "what became of a load that was cut off at its commit can be asked",
    when: (trial) => appends(trial) && trial.loaderClass.getOutcome !== undefined,
    async run(trial) {
      const target = trial.target("asked");
      const [first, cut] = [journal(), journal(true)];
      await assert.rejects(
        trial.load("asked", FIELDS, rows(0, 5), { mode: "append", journal: cut }),
        /cut off/,
      );
      assert.equal(cut.records.length, 1);
      assert.equal(await trial.outcome(target, cut.records[0]!), "aborted");
      await trial.load("asked", FIELDS, rows(0, 5), { mode: "append", journal: first });
      assert.equal(await trial.outcome(target, first.records[0]!), "committed");
      assert.equal(await count(trial, "asked"), 5);
      // Nothing is known of what is not the loader's own.
      for (const record of [{}, { transaction: null }, { part: 1 }, { xid: "1" }]) {
        assert.equal(await trial.outcome(target, record), "unknown");
      }
    },
  },
  "outcomes in an existing target": {
    title: "what became of a load into an existing target can be asked",
    when: (trial) => appends(trial) && trial.loaderClass.getOutcome !== undefined,
    async run(trial) {
      const target = trial.target("asked");
      const [first, cut, second] = [journal(), journal(true), journal()];
      await trial.load("asked", FIELDS, rows(0, 5), { mode: "append", journal: first });
      await assert.rejects(
        trial.load("asked", FIELDS, rows(5, 9), { mode: "append", journal: cut }),
        /cut off/,
      );
      assert.equal(await trial.outcome(target, cut.records[0]!), "aborted");
      assert.equal(await trial.outcome(target, first.records[0]!), "committed");
      await trial.load("asked", FIELDS, rows(5, 9), { mode: "append", journal: second });
      assert.equal(await trial.outcome(target, second.records[0]!), "committed");
      assert.equal(await count(trial, "asked"), 9);
    },
  },
} satisfies Record<string, Check>;
