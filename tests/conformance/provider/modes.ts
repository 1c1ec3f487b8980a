import assert from "node:assert/strict";
import type { Field } from "../../../src/models/field.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { VerificationError } from "../../../src/core/errors.ts";
import { appends, type Check, refused, replacesWhere, upserts } from "./trial.ts";

const PAIR: readonly Field[] = [
  { name: "a", dtype: "int32", nullable: true },
  { name: "b", dtype: "string", nullable: true },
  { name: "v", dtype: "string", nullable: true },
];

export const modeChecks = {
  "append": {
    title: "append makes a missing target, and twice doubles it",
    when: appends,
    async run(trial) {
      await trial.load("appended", ORDER_FIELDS, orders(0, 50), { mode: "append" });
      const receipt = await trial.load("appended", ORDER_FIELDS, orders(0, 50), { mode: "append" });
      assert.equal(receipt.rows, 50);
      const twice = [...orders(0, 50), ...orders(0, 50)];
      assert.deepEqual(await trial.rows("appended"), trial.expected(ORDER_FIELDS, twice));
    },
  },
  "replace": {
    title: "replace makes a missing target, and twice does not double it",
    async run(trial) {
      await trial.load("replaced", ORDER_FIELDS, orders(0, 50));
      const receipt = await trial.load("replaced", ORDER_FIELDS, orders(20, 40));
      assert.equal(receipt.rows, 20);
      assert.deepEqual(
        await trial.rows("replaced"),
        trial.expected(ORDER_FIELDS, orders(20, 40)),
      );
      await trial.load("replaced", ORDER_FIELDS, []);
      assert.deepEqual(await trial.rows("replaced"), []);
    },
  },
  "replace where": {
    title:
      "a replacement by a condition deletes and adds only rows that match, and may be repeated",
    when: replacesWhere,
    async run(trial) {
      const rows = (a: number, ...values: string[]) => values.map((v) => ({ a, b: `${a}`, v }));
      const where = "a = 2 -- the second";
      const target = () => trial.rows("ranges");
      await trial.load("ranges", PAIR, rows(2, "first"), { where });
      await trial.load("ranges", PAIR, [...rows(1, "x", "x"), ...rows(2, "y", "z")]);
      for (const verify of ["full", "aggregates"] as const) {
        const receipt = await trial.load("ranges", PAIR, rows(2, "n"), { where, verify });
        assert.deepEqual([receipt.rows, receipt.verified?.level], [1, verify]);
        const wanted = [...rows(1, "x", "x"), ...rows(2, "n")];
        assert.deepEqual(await target(), trial.expected(PAIR, wanted));
      }
      const plan = await trial.plan("ranges", PAIR, { where });
      assert.deepEqual([plan.rows, plan.problems], [1, []]);
      assert.match(plan.destructive[0]!, /^1 row of .* deleted$/);
      assert.ok(plan.statements.some((sql) => sql.includes("WHERE (a = 2 -- the second\n)")));
      await trial.load("ranges", PAIR, [], { where });
      assert.deepEqual(await target(), trial.expected(PAIR, rows(1, "x", "x")));
    },
  },
  "replace other rows": {
    title: "a replacement whose rows do not match its condition is refused, and undone",
    when: replacesWhere,
    async run(trial) {
      const before = [{ a: 1, b: "x", v: "1" }, { a: 2, b: "x", v: "2" }];
      await trial.load("outside", PAIR, before);
      for (const a of [1, null]) {
        const records = [{ a: 2, b: "x", v: "new" }, { a, b: "x", v: "new" }];
        const error = await refused(
          () => trial.load("outside", PAIR, records, { where: "a = 2" }),
          /of 2 loaded rows 1 do not match load.where/,
        );
        assert.ok(error instanceof VerificationError);
        assert.deepEqual(await trial.rows("outside"), trial.expected(PAIR, before));
      }
      await refused(() => trial.load("no_table", PAIR, before, { where: "a = 2" }));
      assert.equal(await trial.exists("no_table"), false);
      const wrong = trial.plan("outside", PAIR, { where: "nothing = 2" });
      await refused(async () => await wrong, /nothing/);
    },
  },
  "replace where evolves": {
    title: "a replacement by a condition changes no columns, unless the schema may evolve",
    when: replacesWhere,
    async run(trial) {
      const before = [{ a: 1, b: "x" }, { a: 2, b: "x" }];
      await trial.load("evolving", PAIR.slice(0, 2), before);
      const records = [{ a: 2, b: "y", v: "new" }];
      await refused(() => trial.load("evolving", PAIR, records, { where: "a = 2" }), /"v"/);
      await trial.load("evolving", PAIR, records, { where: "a = 2", schema: "evolve" });
      assert.deepEqual(
        await trial.rows("evolving"),
        trial.expected(PAIR, [{ a: 1, b: "x", v: null }, ...records]),
      );
    },
  },
  "upsert": {
    title: "upsert updates what is there, inserts what is not, and may be repeated",
    when: upserts,
    async run(trial) {
      const upsert = { mode: "upsert", upsertKeys: ["id"], batchRows: 7 } as const;
      await trial.load("upserted", ORDER_FIELDS, orders(1, 50), upsert);
      for (let time = 0; time < 2; time++) {
        const changed = orders(40, 60, "changed");
        const receipt = await trial.load("upserted", ORDER_FIELDS, changed, upsert);
        assert.equal(receipt.rows, 20);
        assert.deepEqual(
          await trial.rows("upserted"),
          trial.expected(ORDER_FIELDS, [...orders(1, 40), ...changed]),
        );
      }
    },
  },
  "upsert into what was appended": {
    title: "upsert finds the rows of a target that was made without a key",
    when: upserts,
    async run(trial) {
      await trial.load("keyless", ORDER_FIELDS, orders(1, 10), { mode: "replace" });
      const changed = orders(5, 15, "changed");
      await trial.load("keyless", ORDER_FIELDS, changed, { mode: "upsert", upsertKeys: ["id"] });
      assert.deepEqual(
        await trial.rows("keyless"),
        trial.expected(ORDER_FIELDS, [...orders(1, 5), ...changed]),
      );
    },
  },
  "composite key": {
    title: "upsert by a composite key tells rows apart by all of it",
    when: upserts,
    async run(trial) {
      const upsert = { mode: "upsert", upsertKeys: ["a", "b"] } as const;
      const before = [
        { a: 1, b: "x", v: "1x" },
        { a: 1, b: "y", v: "1y" },
        { a: 2, b: "x", v: "2x" },
      ];
      await trial.load("pairs", PAIR, before, upsert);
      const changed = [{ a: 1, b: "y", v: "new" }, { a: 2, b: "y", v: "2y" }];
      await trial.load("pairs", PAIR, changed, upsert);
      assert.deepEqual(
        await trial.rows("pairs"),
        trial.expected(PAIR, [before[0]!, before[2]!, ...changed]),
      );
    },
  },
  "only keys": {
    title: "upsert of records that are nothing but key inserts the new ones",
    when: upserts,
    async run(trial) {
      const upsert = { mode: "upsert", upsertKeys: ["a", "b"] } as const;
      const fields = PAIR.slice(0, 2);
      await trial.load("keys", fields, [{ a: 1, b: "x" }], upsert);
      await trial.load("keys", fields, [{ a: 1, b: "x" }, { a: 2, b: "x" }], upsert);
      assert.deepEqual(
        await trial.rows("keys"),
        trial.expected(fields, [{ a: 1, b: "x" }, { a: 2, b: "x" }]),
      );
    },
  },
  "duplicate keys": {
    title: "of staged records with the same key the last one wins, in one batch and in several",
    when: upserts,
    async run(trial) {
      const records = Array.from({ length: 30 }, (_, i) => ({ a: i % 3, b: "k", v: `v${i}` }));
      for (const batchRows of [100, 4]) {
        const name = `duplicates_${batchRows}`;
        const upsert = { mode: "upsert", upsertKeys: ["a", "b"], batchRows } as const;
        const receipt = await trial.load(name, PAIR, records, upsert);
        assert.equal(receipt.rows, 30);
        assert.deepEqual(await trial.rows(name), trial.expected(PAIR, records.slice(27)));
      }
    },
  },
  "NULL in key": {
    title: "upsert refuses a record whose key is NULL, and the target is as it was",
    when: upserts,
    async run(trial) {
      const upsert = { mode: "upsert", upsertKeys: ["a", "b"] } as const;
      const before = [{ a: 1, b: "x", v: "1x" }];
      await trial.load("null_key", PAIR, before, upsert);
      const wrong = [{ a: 2, b: "x", v: "2x" }, { a: 3, b: null, v: "3" }];
      await refused(() => trial.load("null_key", PAIR, wrong, upsert), /"b"/);
      assert.deepEqual(await trial.rows("null_key"), trial.expected(PAIR, before));
    },
  },
  "missing key field": {
    title: "upsert by a field that is not staged is refused by name",
    when: upserts,
    async run(trial) {
      const upsert = { mode: "upsert", upsertKeys: ["nowhere"] } as const;
      await refused(() => trial.load("no_key", PAIR, [], upsert), /"nowhere"/);
      assert.equal(await trial.exists("no_key"), false);
    },
  },
} satisfies Record<string, Check>;
