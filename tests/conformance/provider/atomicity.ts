import assert from "node:assert/strict";
import { readRecords } from "../../../src/arrow/mod.ts";
import { HalfWay } from "../../support/staged.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, drain, keysOf, rowsOf, type Trial } from "./trial.ts";

export const atomicityChecks = {
  "failure": {
    title: "a load that fails half-way leaves the target as it was, unless its mode says otherwise",
    async run(trial) {
      for (const mode of trial.undoneModes) {
        const name = `failed_${mode}`;
        const upsertKeys = keysOf(mode);
        await trial.load(name, ORDER_FIELDS, orders(1, 20), { mode, upsertKeys });
        const before = await trial.rows(name);
        await assert.rejects(
          trial.load(name, ORDER_FIELDS, orders(10, 60), {
            mode,
            upsertKeys,
            batchRows: 10,
            failAfter: 3,
          }),
          halfWay,
        );
        assert.deepEqual(await trial.rows(name), before, mode);
      }
    },
  },
  "failure without target": {
    title: "a load that fails half-way leaves no target where there was none",
    async run(trial) {
      for (const mode of trial.undoneModes) {
        for (const failAfter of [0, 2, 5]) {
          await assert.rejects(trial.load(`missing_${mode}`, ORDER_FIELDS, orders(1, 50), {
            mode,
            upsertKeys: keysOf(mode),
            batchRows: 10,
            failAfter,
          }));
          assert.equal(await trial.exists(`missing_${mode}`), false);
          const found = await (await trial.connector()).discover();
          assert.deepEqual(found.map(({ name }) => name), [], "something was left behind");
        }
      }
    },
  },
  "abort of a load": {
    title: "an aborted load stops promptly and leaves the target as it was",
    async run(trial) {
      for (const mode of trial.undoneModes) {
        const name = `aborted_${mode}`;
        const upsertKeys = keysOf(mode);
        await trial.load(name, ORDER_FIELDS, orders(1, 20), { mode, upsertKeys });
        const before = await trial.rows(name);
        const controller = new AbortController();
        let batches = 0;
        await assert.rejects(trial.load(name, ORDER_FIELDS, orders(1, 2000), {
          mode,
          upsertKeys,
          batchRows: 10,
          signal: controller.signal,
          beforeBatch: (index) => {
            batches++;
            if (index === 3) controller.abort(new Error("stop"));
          },
        }));
        assert.ok(batches < 20, `${batches} batches were read after the abort`);
        assert.deepEqual(await trial.rows(name), before, mode);
      }
    },
  },
  "load aborted before": {
    title: "a load that was aborted before it began does nothing",
    async run(trial) {
      const signal = AbortSignal.abort(new Error("stop"));
      await assert.rejects(trial.load("never", ORDER_FIELDS, orders(0, 10), { signal }));
      assert.equal(await trial.exists("never"), false);
    },
  },
  "abort of an extraction": {
    title: "an aborted extraction stops promptly with an error, and the connection goes on",
    async run(trial) {
      await trial.load("long", ORDER_FIELDS, orders(0, 5000));
      const controller = new AbortController();
      const { signal } = controller;
      const extraction = await trial.extraction("long", { batchRows: 10, signal });
      assert.equal((await extraction.next()).done, false);
      controller.abort(new Error("stop"));
      const started = performance.now();
      await assert.rejects(drain(extraction));
      assert.ok(performance.now() - started < 5000);
      assert.equal((await trial.rows("long")).length, 5000);
    },
  },
  "extraction stopped early": {
    title: "an extraction that its reader leaves early leaks nothing",
    async run(trial) {
      await trial.load("long", ORDER_FIELDS, orders(0, 5000));
      for (let time = 0; time < 3; time++) {
        const extraction = await trial.extraction("long", { batchRows: 10 });
        assert.equal((await extraction.next()).done, false);
        await extraction.return(undefined as never);
      }
      await trial.load("long", ORDER_FIELDS, orders(0, 10));
      assert.equal((await trial.rows("long")).length, 10);
    },
  },
  "whole for readers": {
    title: "while a target is replaced, readers see all old or all new records",
    when: ({ loaderClass: { modes: { replace } } }) =>
      replace === "transactional" || replace === "atomic replace",
    async run(trial) {
      const old = orders(0, 3000, "old");
      const fresh = orders(0, 2000, "new");
      await trial.load("swapped", ORDER_FIELDS, old);
      const wanted = [old, fresh].map((records) => trial.expected(ORDER_FIELDS, records).join());
      const connector = await trial.open();
      const begun = await trial.extraction("swapped", { connector, batchRows: 100 });
      const first = await firstOf(begun);
      let loading = true;
      const load = trial.load("swapped", ORDER_FIELDS, fresh, {
        batchRows: 100,
        beforeBatch: () => new Promise((resolve) => setTimeout(resolve, 2)),
      }).finally(() => loading = false);
      const reading = (async () => {
        const { records } = await drain(begun, first);
        assert.ok(wanted.includes(rowsOf(records).join()), "a reader saw neither old nor new");
        let reads = 0;
        while (loading) {
          const rows = await trial.rows("swapped", { connector });
          assert.ok(wanted.includes(rows.join()), `read ${++reads} saw neither old nor new`);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
      await Promise.all([load, reading]);
      assert.equal((await trial.rows("swapped", { connector })).join(), wanted[1]);
    },
  },
} satisfies Record<string, Check>;

async function firstOf(extraction: Awaited<ReturnType<Trial["extraction"]>>) {
  const { done, value } = await extraction.next();
  assert.ok(!done);
  return [...readRecords(value)];
}

/** Whether the load failed for the reason that the check gave it, bare or wrapped. */
function halfWay(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof HalfWay) return true;
  }
  return false;
}
