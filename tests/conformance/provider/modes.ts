import assert from "node:assert/strict";
import type { Field } from "../../../src/models/field.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { ExpectationError, VerificationError } from "../../../src/core/errors.ts";
import {
  appends,
  type Check,
  deletesMissing,
  refused,
  replacesWhere,
  type Trial,
  upserts,
} from "./trial.ts";

const PAIR: readonly Field[] = [
  { name: "a", dtype: "int32", nullable: true },
  { name: "b", dtype: "string", nullable: true },
  { name: "v", dtype: "string", nullable: true },
];

const pair = (a: number, b: string, v = `${a}${b}`) => ({ a, b, v });

/** The rows of a target, and whether each is marked as deleted. */
async function readMarks(trial: Trial, name: string, column: string): Promise<string[]> {
  const { records } = await trial.read(name);
  for (const record of records) {
    const time = record[column];
    const isText = time !== null &&
      Math.abs(Date.now() - Date.parse(`${time}`.replace(/Z?$/, "Z"))) < 60_000;
    assert.ok(time === null || isText, String(time));
  }
  return records.map(({ a, b, v, [column]: at }) => `${a}${b} ${v}${at === null ? "" : " deleted"}`)
    .sort();
}

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
  "hard deletes": {
    title: "an upsert deletes the rows whose keys are not staged, and may be repeated",
    when: deletesMissing,
    async run(trial) {
      const deletes = { maxPercent: 50 };
      const upsert = { mode: "upsert", upsertKeys: ["a", "b"], deletes } as const;
      const before = [pair(1, "x"), pair(1, "y"), pair(2, "x"), pair(2, "y")];
      assert.equal((await trial.load("thinned", PAIR, before, upsert)).deleted, 0);
      const next = [pair(1, "y", "new"), pair(2, "x"), pair(3, "z")];
      for (const gone of [2, 0]) {
        const receipt = await trial.load("thinned", PAIR, next, upsert);
        assert.deepEqual([receipt.rows, receipt.deleted], [3, gone]);
        assert.deepEqual(await trial.rows("thinned"), trial.expected(PAIR, next));
      }
      const plan = await trial.plan("thinned", PAIR, upsert);
      assert.deepEqual(plan.problems, []);
      assert.match(plan.destructive[0]!, /keys the source no longer has are deleted, at most 50 %/);
    },
  },
  "deletes are capped": {
    title: "an upsert that would delete too many rows is refused, and undone",
    when: deletesMissing,
    async run(trial) {
      const before = [pair(1, "x"), pair(1, "y"), pair(2, "x")];
      await trial.load("capped", PAIR, before, { mode: "upsert", upsertKeys: ["a", "b"] });
      for (const column of [undefined, "gone_at"]) {
        const deletes = { maxPercent: 50, column };
        const upsert = {
          mode: "upsert",
          upsertKeys: ["a", "b"],
          deletes,
          schema: "evolve",
        } as const;
        for (const [staged, share] of [[[], 3], [[pair(1, "x", "new")], 2]] as const) {
          const error = await refused(
            () => trial.load("capped", PAIR, staged, upsert),
            new RegExp(`keys of ${share} of the target's 3 rows.*at most 50 %.*max_delete_pct`),
          );
          assert.ok(error instanceof ExpectationError);
          const { records } = await trial.read("capped");
          assert.deepEqual(records.map(({ v }) => v).sort(), before.map(({ v }) => v).sort());
        }
      }
      const all = { mode: "upsert", upsertKeys: ["a", "b"], deletes: { maxPercent: 100 } } as const;
      assert.equal((await trial.load("capped", PAIR, [], all)).deleted, 3);
      assert.deepEqual((await trial.read("capped")).records, []);
    },
  },
  "soft deletes": {
    title: "an upsert marks the rows whose keys are not staged, and unmarks those that come back",
    when: deletesMissing,
    async run(trial) {
      const deletes = { maxPercent: 50, column: "gone at" };
      const upsert = { mode: "upsert", upsertKeys: ["a", "b"], deletes } as const;
      const before = [pair(1, "x"), pair(1, "y"), pair(2, "x"), pair(2, "y")];
      await trial.load("marked", PAIR, before, upsert);
      const next = [pair(1, "y", "new"), pair(2, "x"), pair(3, "z")];
      for (const gone of [2, 0]) {
        assert.equal((await trial.load("marked", PAIR, next, upsert)).deleted, gone);
        assert.deepEqual(
          await readMarks(trial, "marked", "gone at"),
          ["1x 1x deleted", "1y new", "2x 2x", "2y 2y deleted", "3z 3z"],
        );
      }
      const back = [pair(1, "x", "back"), ...next.slice(1)];
      assert.equal((await trial.load("marked", PAIR, back, upsert)).deleted, 1);
      assert.deepEqual(
        await readMarks(trial, "marked", "gone at"),
        ["1x back", "1y new deleted", "2x 2x", "2y 2y deleted", "3z 3z"],
      );
      await refused(
        () => trial.load("marked", [...PAIR, { ...PAIR[1]!, name: "gone at" }], [], upsert),
        /Cannot mark deleted rows in column "gone at"/,
      );
    },
  },
  "soft deletes of a table": {
    title: "a table without the column of soft deletes gets it only if the schema may evolve",
    when: deletesMissing,
    async run(trial) {
      const deletes = { maxPercent: 50, column: "gone_at" };
      const upsert = { mode: "upsert", upsertKeys: ["a"], deletes } as const;
      await trial.load("unmarked", PAIR, [pair(1, "x"), pair(2, "x")], { mode: "replace" });
      await refused(() => trial.load("unmarked", PAIR, [pair(2, "y")], upsert), /"gone_at"/);
      await trial.load("unmarked", PAIR, [pair(2, "y")], { ...upsert, schema: "evolve" });
      assert.deepEqual(await readMarks(trial, "unmarked", "gone_at"), ["1x 1x deleted", "2y 2y"]);
    },
  },
  "deletes by keys": {
    title: "an upsert of a range deletes or marks the rows whose keys the source no longer has",
    when: deletesMissing,
    async run(trial) {
      for (const column of [undefined, "gone_at"]) {
        const name = `by_keys_${column}`;
        const upsert = {
          mode: "upsert",
          upsertKeys: ["a", "b"],
          deletes: { maxPercent: 50, column },
        } as const;
        const listLeft = async () => {
          const { records } = await trial.read(name);
          return records.filter((row) => (row["gone_at"] ?? null) === null).map(({ v }) => v)
            .sort();
        };
        await trial.load(name, PAIR, [pair(1, "x"), pair(1, "y"), pair(2, "x")], upsert);
        // After the records were read, 2y was added and 1x was deleted.
        const keys = [pair(1, "y"), pair(2, "x"), pair(2, "y"), pair(3, "z")];
        const records = [pair(1, "y", "new"), pair(3, "z")];
        for (const gone of [1, 0]) {
          const receipt = await trial.load(name, PAIR, records, { ...upsert, keys });
          assert.deepEqual([receipt.rows, receipt.deleted], [2, gone]);
          assert.match(receipt.evidence, /deleted by keys: ./);
          assert.deepEqual(await listLeft(), ["2x", "3z", "new"]);
        }
        // The source lost this record before its keys were read: the next load deletes it.
        await trial.load(name, PAIR, [pair(9, "x")], { ...upsert, keys, verify: "full" });
        assert.deepEqual(await listLeft(), ["2x", "3z", "9x", "new"]);
        await trial.load(name, PAIR, [], { ...upsert, keys });
        assert.deepEqual(await listLeft(), ["2x", "3z", "new"]);
        const error = await refused(
          () => trial.load(name, PAIR, [], { ...upsert, keys: [] }),
          /no longer has the keys of 3 of the target's 3 rows/,
        );
        assert.ok(error instanceof ExpectationError);
        assert.deepEqual(await listLeft(), ["2x", "3z", "new"]);
      }
    },
  },
  "deletes where": {
    title: "an upsert deletes only rows that match its condition",
    when: deletesMissing,
    async run(trial) {
      const before = [pair(1, "x"), pair(1, "y"), pair(2, "x")];
      for (const column of [undefined, "gone_at"]) {
        const name = `deleted_${column}`;
        const deletes = { maxPercent: 50, column };
        const upsert = { mode: "upsert", upsertKeys: ["a", "b"], deletes } as const;
        await trial.load(name, PAIR, before, upsert);
        const where = "a = 1 -- the first";
        const receipt = await trial.load(name, PAIR, [pair(1, "y")], { ...upsert, where });
        assert.equal(receipt.deleted, 1);
        const { records } = await trial.read(name);
        const left = records.filter((row) => (row["gone_at"] ?? null) === null).map(({ v }) => v);
        assert.deepEqual(left.sort(), ["1y", "2x"]);
      }
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
