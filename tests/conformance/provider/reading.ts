import assert from "node:assert/strict";
import type { Field } from "../../../src/models/field.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, refused, relational, rowsOf, type Trial } from "./trial.ts";

function splitsByField({ extractors }: Trial["provider"]): boolean {
  return Object.values(extractors).find((one) => one.yields === "records")?.splitsByField === true;
}

const COUNT: Field = { name: "n", dtype: "int64", nullable: true };

export const readingChecks = {
  "projection": {
    title: "fields are read under other names, in another order, and some are left out",
    async run(trial) {
      await trial.load("projected", ORDER_FIELDS, orders(1, 10));
      const fields = await trial.fields("projected");
      const named = (name: string) => fields.find((field) => field.name === name)!;
      const { records } = await trial.read("projected", {
        projections: [
          { field: { ...named("total"), name: "amount" }, column: "total" },
          { field: named("id"), column: "id" },
          { field: { ...named("id"), name: "id again" }, column: "id" },
        ],
      });
      const wanted = orders(1, 10).map(({ id, total }) => ({
        amount: total!,
        id: id!,
        "id again": id!,
      }));
      assert.deepEqual(rowsOf(records), rowsOf(wanted));
    },
  },
  "partition by a field": {
    title: "parts by a field's ranges have each record once, those without a value too",
    when: ({ provider }) => splitsByField(provider),
    async run(trial) {
      const records = [...orders(0, 60), ...orders(3, 5), { ...orders(0, 1)[0]!, id: null }];
      await trial.load("divided", ORDER_FIELDS, records, { mode: "append" });
      for (const most of [1, 2, 7]) {
        await using partition = await trial.partition("divided", { most, field: "id" });
        // A system that cannot share a moment says so, and is read as a whole.
        const expected = trial.warnings.some((text) => /^Reading in one part/.test(text))
          ? 1
          : most;
        assert.equal(partition.parts.length, expected);
        const read: string[] = [];
        for (const part of partition.parts) {
          const options = partition.parts.length === 1 ? {} : { part };
          read.push(...await trial.rows("divided", { ...options, connector: await trial.open() }));
        }
        assert.deepEqual(read.sort(), trial.expected(ORDER_FIELDS, records), `${most} parts`);
      }
    },
  },
  "limit": {
    title: "a limited extraction gives so many records, and proves these",
    async run(trial) {
      await trial.load("limited", ORDER_FIELDS, orders(0, 20));
      const all = await trial.rows("limited");
      for (const [limit, batchRows] of [[7, 1000], [7, 3], [20, 6], [50, 1000], [1, 1]] as const) {
        const { records, sizes } = await trial.read("limited", { limit, batchRows });
        assert.equal(records.length, Math.min(limit, 20), `limit ${limit}`);
        assert.ok(sizes.every((rows) => rows <= batchRows));
        assert.ok(rowsOf(records).every((row) => all.includes(row)));
      }
      const above = { value: 17n, inclusive: false };
      const range = { field: "id", after: above, nulls: "exclude" } as const;
      assert.equal((await trial.read("limited", { limit: 1, range })).records.length, 1);
      assert.equal((await trial.read("limited", { limit: 9, range })).records.length, 2);
    },
  },
  "missing column": {
    title: "a column that the source does not have is an error that names it",
    async run(trial) {
      await trial.load("columns", ORDER_FIELDS, orders(0, 3));
      const field: Field = { name: "x", dtype: "string", nullable: true };
      await assert.rejects(
        trial.read("columns", { projections: [{ field, column: "no_such_column" }] }),
        /no_such_column/,
      );
    },
  },
  "where": {
    title: "a condition of the source's SQL chooses the rows",
    when: relational,
    async run(trial) {
      await trial.load("chosen", ORDER_FIELDS, orders(0, 20));
      const where = "id = 3 OR id = 5 -- two of them";
      const source = { ...trial.source("chosen"), where } as never;
      assert.deepEqual(
        await trial.rows(source),
        trial.expected(ORDER_FIELDS, [...orders(3, 4), ...orders(5, 6)]),
      );
      const above = { value: 3n, inclusive: false };
      assert.deepEqual(
        await trial.rows(source, { range: { field: "id", after: above, nulls: "exclude" } }),
        trial.expected(ORDER_FIELDS, orders(5, 6)),
      );
    },
  },
  "sql": {
    title: "a query is a source, with its fields, a comment and a semicolon at its end",
    when: relational,
    async run(trial) {
      await trial.load("queried", ORDER_FIELDS, orders(0, 20));
      const source = {
        type: "sql",
        sql: "SELECT id AS n, customer FROM queried WHERE id < 5; -- the first",
      } as const;
      assert.deepEqual((await trial.fields(source)).map(({ name }) => name), ["n", "customer"]);
      const { records } = await trial.read(source, { batchRows: 2 });
      assert.deepEqual(
        rowsOf(records),
        rowsOf(orders(0, 5).map(({ id, customer }) => ({ n: id!, customer: customer! }))),
      );
    },
  },
  "wrong sql": {
    title: "a query that is wrong, or several, is an error and changes nothing",
    when: relational,
    async run(trial) {
      await trial.load("safe", ORDER_FIELDS, orders(0, 3));
      for (const sql of ["SELEC 1", "SELECT 1; DELETE FROM safe", "DELETE FROM safe"]) {
        const source = { type: "sql", sql } as const;
        await assert.rejects(trial.read(source, { projections: [{ field: COUNT, column: "n" }] }));
        assert.equal((await trial.rows("safe")).length, 3, sql);
      }
    },
  },
  "expression": {
    title: "an expression of the source's SQL computes a field",
    when: relational,
    async run(trial) {
      await trial.load("computed", ORDER_FIELDS, orders(1, 4));
      const { records } = await trial.read("computed", {
        projections: [{ field: COUNT, expression: "id * 2 -- twice" }],
      });
      assert.deepEqual(rowsOf(records), rowsOf([{ n: 2n }, { n: 4n }, { n: 6n }]));
    },
  },
  "wrong dtype": {
    title: "a value that is not of the declared type is an error that names field and value",
    async run(trial) {
      await trial.load("mistyped", ORDER_FIELDS, orders(1, 4));
      const field: Field = { name: "customer", dtype: "date", nullable: true };
      await assert.rejects(
        trial.read("mistyped", { projections: [{ field, column: "customer" }] }),
        /customer 1/,
      );
    },
  },
  "unsupported source": {
    title: "a source of another kind of system is refused",
    when: relational,
    async run(trial) {
      const source = { type: "keys", pattern: "*" } as const;
      await refused(() => trial.read(source, { projections: [{ field: COUNT, column: "n" }] }));
    },
  },
} satisfies Record<string, Check>;
