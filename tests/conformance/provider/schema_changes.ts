/** Tables whose columns are no longer those of the stream. */
import assert from "node:assert/strict";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, keysOf, refused, type Trial } from "./trial.ts";

const OLD = ORDER_FIELDS.filter(({ name }) => name === "id" || name === "customer");
const isRelational: Check["when"] = ({ provider }) => provider.category === "relational";

/** Makes a table of two of the columns, with orders 1 to 3. */
async function makeOld(trial: Trial, name: string): Promise<void> {
  await trial.load(name, OLD, orders(1, 4));
}

/** The old orders, which have no value in the columns that came later. */
const oldOrders = () => orders(1, 4).map(({ id, customer }) => ({ id: id!, customer: customer! }));

export const schemaChangeChecks = {
  "schema strict": {
    title: "a table without some of the columns is refused, with all of them and the statements",
    when: isRelational,
    async run(trial) {
      await makeOld(trial, "old");
      const before = await trial.rows("old");
      for (const mode of ["append", "upsert"] as const) {
        const options = { mode, upsertKeys: keysOf(mode) };
        const words = /no columns "total", "placed", .*schema: evolve.* ADD COLUMN .* ADD COLUMN /s;
        await refused(() => trial.load("old", ORDER_FIELDS, orders(4, 6), options), words);
        const { problems } = await trial.plan("old", ORDER_FIELDS, options);
        assert.match(problems.join(), words);
      }
      const options = { mode: "replace", schema: "strict" } as const;
      await refused(() => trial.load("old", ORDER_FIELDS, orders(4, 6), options), /no columns/);
      assert.deepEqual(await trial.rows("old"), before);
    },
  },
  "schema evolve": {
    title: "with schema: evolve a load adds the columns that are missing, and keeps the rows",
    when: isRelational,
    async run(trial) {
      for (const mode of ["append", "upsert"] as const) {
        const name = `evolved_${mode}`;
        await makeOld(trial, name);
        const upsertKeys = keysOf(mode);
        const options = { mode, upsertKeys, schema: "evolve" } as const;
        const { problems, statements } = await trial.plan(name, ORDER_FIELDS, options);
        assert.deepEqual(problems, []);
        assert.equal(statements.filter((sql) => /ADD COLUMN .(total|placed)/.test(sql)).length, 2);
        await trial.load(name, ORDER_FIELDS, orders(4, 6), options);
        const expected = trial.expected(ORDER_FIELDS, [...oldOrders(), ...orders(4, 6)]);
        assert.deepEqual(await trial.rows(name), expected, mode);
      }
    },
  },
  "schema widen": {
    title: "with schema: evolve a type is widened, or the load refused and the table as it was",
    when: isRelational,
    async run(trial) {
      const narrow = ORDER_FIELDS.map((field) =>
        field.name === "id" ? { ...field, dtype: "int16" as const } : field
      );
      await trial.load(
        "narrow",
        narrow,
        orders(1, 4).map((one) => ({ ...one, id: Number(one["id"]) })),
      );
      const before = await trial.rows("narrow");
      const records = orders(100_000, 100_003);
      const options = { mode: "append", schema: "evolve", lossy: "stop" } as const;
      const { problems, columns } = await trial.plan("narrow", ORDER_FIELDS, options);
      const isRefused = problems.length > 0 ||
        columns.some(({ conversion }) => conversion.kind === "lossy");
      if (isRefused) {
        await refused(() => trial.load("narrow", ORDER_FIELDS, records, options));
        assert.deepEqual(await trial.rows("narrow"), before);
      } else {
        await trial.load("narrow", ORDER_FIELDS, records, options);
        assert.equal((await trial.rows("narrow")).length, 6);
        assert.deepEqual(
          (await trial.rows("narrow")).filter((row) => /id=10000/.test(row)),
          trial.expected(ORDER_FIELDS, records),
        );
      }
    },
  },
  "schema replace": {
    title: "a replacement changes columns that are missing, narrower or of another kind",
    when: isRelational,
    async run(trial) {
      const other = ORDER_FIELDS.flatMap((field) => {
        if (field.name === "placed") return [];
        if (field.name === "id") return [{ ...field, dtype: "int16" as const }];
        return field.name === "customer" ? [{ ...field, dtype: "timestamp" as const }] : [field];
      });
      await trial.load("other", other, [{ id: 1, customer: null, total: "1.00" }]);
      const options = { mode: "replace", lossy: "stop" } as const;
      const { problems } = await trial.plan("other", ORDER_FIELDS, options);
      assert.deepEqual(problems, []);
      await trial.load("other", ORDER_FIELDS, orders(100_000, 100_003), options);
      const expected = trial.expected(ORDER_FIELDS, orders(100_000, 100_003));
      assert.deepEqual(await trial.rows("other"), expected);
    },
  },
} satisfies Record<string, Check>;
