import assert from "node:assert/strict";
import { DXTError, ValueError } from "../../../src/core/errors.ts";
import type { Value } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, keysOf, refused, relational } from "./trial.ts";

type Type = Pick<Field, "dtype" | "precision" | "scale">;

/** A field, a column that is narrower, values that fit there and values that do not. */
const LOSSES: readonly { from: Type; to: Type; fits: Value[]; not: Value[] }[] = [
  {
    from: { dtype: "decimal", precision: 12, scale: 4 },
    to: { dtype: "decimal", precision: 6, scale: 2 },
    fits: ["1.2500", "-9999.9900", null, "0.0000"],
    not: ["1.2345", "10000.0000", "-0.0001"],
  },
  {
    from: { dtype: "decimal", precision: 38, scale: 10 },
    to: { dtype: "decimal", precision: 20, scale: 4 },
    fits: ["1.5000000000", "1234567890123456.1234000000"],
    not: ["0.0000100000", "12345678901234567.0000000000"],
  },
  {
    from: { dtype: "int64" },
    to: { dtype: "int16" },
    fits: [32767n, -32768n, null, 0n],
    not: [32768n, -(2n ** 63n)],
  },
  {
    from: { dtype: "timestamp" },
    to: { dtype: "date" },
    fits: [],
    not: [new Temporal.PlainDateTime(2024, 1, 1, 0, 0, 1)],
  },
];

export const targetChecks = {
  "missing column in target": {
    title: "a target that lacks a column is refused by name before anything is written",
    when: relational,
    async run(trial) {
      await trial.load("narrow", ORDER_FIELDS.slice(0, 3), orders(1, 5));
      const before = await trial.rows("narrow");
      for (const mode of trial.plainModes) {
        const upsertKeys = keysOf(mode);
        const options = { mode, upsertKeys, schema: "strict", failAfter: 0 } as const;
        const load = () => trial.load("narrow", ORDER_FIELDS, orders(5, 9), options);
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
        const options = { mode, schema: "strict", failAfter: 0 } as const;
        const load = () => trial.load("other", ORDER_FIELDS, orders(5, 9), options);
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
  "accepted loss": {
    title: "an accepted loss loads what fits, and the first value that does not ends the load",
    when: relational,
    async run(trial) {
      for (const [i, { from, to, fits, not }] of LOSSES.entries()) {
        const name = `loss_${i}`;
        const [wide, narrow] = [from, to].map((type): Field => ({
          name: "v",
          nullable: true,
          ...type,
        })) as [Field, Field];
        await trial.load(name, [narrow], []);
        const records = fits.map((v) => ({ v }));
        const accept = { mode: "append", lossy: "accept" } as const;
        const { columns, problems } = await trial.plan(name, [wide], accept);
        assert.deepEqual([columns[0]!.conversion.kind, problems], ["lossy", []], name);
        await refused(() => trial.load(name, [wide], records, { ...accept, lossy: "stop" }), /"v"/);
        await trial.load(name, [wide], records, accept);
        const before = await trial.rows(name);
        assert.equal(before.length, fits.length);
        for (const v of not) {
          const work = () => trial.load(name, [wide], [...records, { v }], accept);
          const error = await refused(work, /"v"/);
          assert.ok(error instanceof ValueError, `${name}: ${error.message}`);
          assert.deepEqual([error.field, error.row], ["v", records.length + 1], name);
          assert.deepEqual(await trial.rows(name), before, name);
        }
      }
    },
  },
  "unfilled columns": {
    title: "a column that the stream does not fill any more is named by plan and load",
    async run(trial) {
      const fields = ORDER_FIELDS.slice(0, 2);
      for (const mode of trial.plainModes) {
        if (mode === "replace" && trial.provider.category !== "relational") continue;
        const name = `dropped_${mode}`;
        const options = { mode, upsertKeys: keysOf(mode) };
        await trial.load(name, ORDER_FIELDS, orders(1, 5));
        for (const work of ["plan", "load"] as const) {
          trial.warnings.length = 0;
          let told = "";
          try {
            if (work === "plan") told = (await trial.plan(name, fields, options)).problems.join();
            else await trial.load(name, fields, orders(5, 7), options);
          } catch (error) {
            assert.ok(error instanceof DXTError && work === "load", String(error));
            told = error.message;
          }
          assert.match(
            `${trial.warnings.join()}${told}`,
            /"total".*"placed"|"placed"|"total"/,
            work,
          );
          assert.ok(trial.warnings.length < 2, trial.warnings.join());
        }
      }
    },
  },
  "unfilled but given": {
    title: "a column that the target itself gives a value is nothing to warn of",
    when: relational,
    async run(trial) {
      const fields = ORDER_FIELDS.slice(0, 2);
      await trial.load("given", fields, []);
      await trial.sql("ALTER TABLE given ADD COLUMN five INTEGER DEFAULT 5");
      await trial.load("given", fields, orders(1, 3), { mode: "append" });
      await trial.plan("given", fields, { mode: "append" });
      assert.deepEqual(trial.warnings, []);
      await trial.sql("ALTER TABLE given ADD COLUMN note TEXT");
      await trial.load("given", fields, orders(1, 3), { mode: "append" });
      assert.equal(trial.warnings.length, 1);
      assert.match(
        trial.warnings[0]!,
        /^No field of the stream fills column "note" of "[\w.]+": in new rows it has NULL$/,
      );
    },
  },
  "required column": {
    title: "a column that must have a value and gets none is refused by plan and load alike",
    when: relational,
    async run(trial) {
      const must: Field = { name: "must", dtype: "int64", nullable: false };
      await trial.load("must", [must, ...ORDER_FIELDS], []);
      for (const mode of trial.plainModes) {
        const options = { mode, upsertKeys: keysOf(mode) };
        const { problems } = await trial.plan("must", ORDER_FIELDS, options);
        assert.match(problems.join(), /column "must" is NOT NULL and has no default/, mode);
        const load = () =>
          trial.load("must", ORDER_FIELDS, orders(1, 3), { ...options, failAfter: 0 });
        const error = await refused(load, /column "must" is NOT NULL and has no default/);
        assert.deepEqual([error.message], problems, mode);
        assert.deepEqual(await trial.rows("must"), [], mode);
      }
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
    },
  },
} satisfies Record<string, Check>;
