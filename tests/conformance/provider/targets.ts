import assert from "node:assert/strict";
import type { Field } from "../../../src/models/field.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, refused, relational } from "./trial.ts";

export const targetChecks = {
  "missing column in target": {
    title: "a target that lacks a column is refused by name before anything is written",
    when: relational,
    async run(trial) {
      await trial.load("narrow", ORDER_FIELDS.slice(0, 3), orders(1, 5));
      const before = await trial.rows("narrow");
      for (const mode of trial.modes) {
        const upsertKeys = mode === "upsert" ? ["id"] : [];
        const load = () =>
          trial.load("narrow", ORDER_FIELDS, orders(5, 9), { mode, upsertKeys, failAfter: 0 });
        await refused(load, /"placed"/);
        assert.deepEqual(await trial.rows("narrow"), before, mode);
      }
    },
  },
  "incompatible type": {
    title: "a target whose column cannot hold the field is refused before anything is written",
    when: relational,
    async run(trial) {
      const text: Field = { name: "id", dtype: "timestamp", nullable: true };
      await trial.load("other", [text, ...ORDER_FIELDS.slice(1)], []);
      for (const mode of ["append", "replace"] as const) {
        const load = () => trial.load("other", ORDER_FIELDS, orders(5, 9), { mode, failAfter: 0 });
        await refused(load, /"id"/);
        assert.deepEqual(await trial.rows("other"), [], mode);
      }
    },
  },
  "too narrow a type": {
    title: "a value beyond the target's column is refused, and the target is as it was",
    when: relational,
    async run(trial) {
      const decimal = (precision: number, scale: number): Field => ({
        name: "d",
        dtype: "decimal",
        precision,
        scale,
        nullable: true,
      });
      await trial.load("narrower", [decimal(6, 2)], [{ d: "1.25" }]);
      const load = () =>
        trial.load("narrower", [decimal(9, 4)], [{ d: "1.2345" }], { mode: "append" });
      await refused(load, /"d"/);
      assert.deepEqual(
        await trial.rows("narrower"),
        trial.expected([decimal(6, 2)], [{ d: "1.25" }]),
      );
    },
  },
  "wider target": {
    title:
      "a target with more columns and wider types takes the staged fields, the others are NULL",
    when: relational,
    async run(trial) {
      const more: Field = { name: "more", dtype: "string", nullable: true };
      await trial.load("wide", [more, ...ORDER_FIELDS], []);
      const narrow: Field[] = ORDER_FIELDS.slice(0, 2).map((field) =>
        field.name === "id" ? { ...field, dtype: "int32" } : field
      );
      const record = { id: 7, customer: "x" };
      await trial.load("wide", narrow, [record], { mode: "append" });
      const all = [more, ...ORDER_FIELDS];
      assert.deepEqual(
        await trial.rows("wide"),
        trial.expected(all, [{ id: 7n, customer: "x", more: null, total: null, placed: null }]),
      );
    },
  },
  "upsert keeps other columns": {
    title: "an upsert leaves the columns alone that are not staged",
    when: relational,
    async run(trial) {
      await trial.load("partial", ORDER_FIELDS, orders(1, 3), {
        mode: "upsert",
        upsertKeys: ["id"],
      });
      await trial.load("partial", ORDER_FIELDS.slice(0, 2), [{ id: 1n, customer: "new" }], {
        mode: "upsert",
        upsertKeys: ["id"],
      });
      const [first, second] = orders(1, 3);
      assert.deepEqual(
        await trial.rows("partial"),
        trial.expected(ORDER_FIELDS, [{ ...first!, customer: "new" }, second!]),
      );
    },
  },
  "column order": {
    title: "columns of a target are found by name, in whatever order",
    when: relational,
    async run(trial) {
      await trial.load("ordered", [...ORDER_FIELDS].reverse(), []);
      await trial.load("ordered", ORDER_FIELDS, orders(1, 5), { mode: "append" });
      assert.deepEqual(
        await trial.rows("ordered"),
        trial.expected([...ORDER_FIELDS].reverse(), orders(1, 5)),
      );
    },
  },
  "not null": {
    title: "NULL for a column that refuses it fails, and the target is as it was",
    when: relational,
    async run(trial) {
      const fields = ORDER_FIELDS.map((field) => ({ ...field, nullable: false }));
      await trial.load("strict", fields, orders(1, 5));
      assert.deepEqual((await trial.fields("strict")).map(({ nullable }) => nullable), [
        false,
        false,
        false,
        false,
      ]);
      await assert.rejects(
        trial.load("strict", ORDER_FIELDS, orders(5, 9), { mode: "append" }),
        /customer/,
      );
      assert.deepEqual(await trial.rows("strict"), trial.expected(fields, orders(1, 5)));
    },
  },
  "primary key": {
    title: "a replaced target is made with the key of its fields, an appended one without",
    when: relational,
    async run(trial) {
      const fields = ORDER_FIELDS.map((field) =>
        field.name === "id" ? { ...field, nullable: false, key: true } : field
      );
      await trial.load("keyed", fields, orders(1, 5), { mode: "replace" });
      const keys = (await trial.fields("keyed")).filter(({ key }) => key === true);
      assert.deepEqual(keys.map(({ name }) => name), ["id"]);
      await assert.rejects(trial.load("keyed", fields, orders(4, 6), { mode: "append" }));
      assert.deepEqual(await trial.rows("keyed"), trial.expected(fields, orders(1, 5)));
      for (const _ of [1, 2]) await trial.load("several", fields, orders(1, 5), { mode: "append" });
      assert.equal((await trial.rows("several")).length, 2 * orders(1, 5).length);
    },
  },
  "count": {
    title: "the receipt counts what was staged, and says so in the target's words",
    async run(trial) {
      const receipt = await trial.load("counted", ORDER_FIELDS, orders(0, 123), { batchRows: 10 });
      assert.equal(receipt.rows, 123);
      assert.match(receipt.evidence, /123/);
      if (receipt.total !== undefined) assert.equal(receipt.total, 123);
    },
  },
} satisfies Record<string, Check>;
