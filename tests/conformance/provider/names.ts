import assert from "node:assert/strict";
import { DXTError } from "../../../src/core/errors.ts";
import type { Field } from "../../../src/models/field.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, refused, relational, type Trial, upserts } from "./trial.ts";

/** Names that break SQL which is put together carelessly. */
export const HOSTILE_NAMES = [
  'double "quotes"',
  '"',
  "single 'quotes'",
  "back`ticks`",
  "[brackets]",
  " spaces ",
  "select",
  "table",
  "żółć 日本語 🦕",
  'x"; DROP TABLE x; --',
  "100%s %d",
  "$1",
  "?",
  ":name",
  "1leading",
  "a.b.c",
  "back\\slash",
  "-- comment",
  "/* comment */",
  "MixedCase",
  "x".repeat(63),
];

const FILE_NAMES = HOSTILE_NAMES.filter((name) => !name.includes("/") && !/[[\]*?{]/.test(name));

export const nameChecks = {
  "hostile table names": {
    title: "targets of any name are written and read under this very name",
    async run(trial) {
      const names = trial.provider.category === "relational" ? HOSTILE_NAMES : FILE_NAMES;
      for (const name of names) await loadAndRead(trial, name, ORDER_FIELDS);
      for (const name of names) assert.equal((await trial.rows(name)).length, 3, name);
    },
  },
  "hostile column names": {
    title: "fields of any name are written and read under this very name",
    async run(trial) {
      const fields: Field[] = HOSTILE_NAMES.map((name) => ({
        name,
        dtype: "string",
        nullable: true,
      }));
      const records = [Object.fromEntries(HOSTILE_NAMES.map((name, i) => [name, `value ${i}`]))];
      await trial.load("columns", fields, records);
      assert.deepEqual((await trial.fields("columns")).map(({ name }) => name), HOSTILE_NAMES);
      assert.deepEqual(await trial.rows("columns"), trial.expected(fields, records));
    },
  },
  "hostile key names": {
    title: "an upsert by a field of any name finds its rows",
    when: upserts,
    async run(trial) {
      for (const [i, key] of HOSTILE_NAMES.entries()) {
        const fields: Field[] = [
          { name: key, dtype: "int32", nullable: true },
          { name: "v", dtype: "string", nullable: true },
        ];
        const upsert = { mode: "upsert", upsertKeys: [key] } as const;
        await trial.load(`keys_${i}`, fields, [{ [key]: 1, v: "old" }], upsert);
        await trial.load(`keys_${i}`, fields, [{ [key]: 1, v: "new" }], upsert);
        assert.deepEqual(
          await trial.rows(`keys_${i}`),
          trial.expected(fields, [{ [key]: 1, v: "new" }]),
        );
      }
    },
  },
  "long names": {
    title: "names of 64 bytes and more are kept whole, or refused and nothing is made",
    when: relational,
    async run(trial) {
      const names = ["y".repeat(64), "ż".repeat(32), "z".repeat(200)];
      for (const [i, name] of names.entries()) {
        const table = `long_column_${i}`;
        await wholeOrRefused(trial, name, () => loadAndRead(trial, name, ORDER_FIELDS));
        const fields: Field[] = [{ name, dtype: "string", nullable: true }];
        await wholeOrRefused(trial, table, async () => {
          await trial.load(table, fields, [{ [name]: "x" }]);
          assert.deepEqual((await trial.fields(table)).map((f) => f.name), [name]);
        });
      }
    },
  },
  "names alike": {
    title: "names that differ only in case are kept apart, or refused and nothing is made",
    async run(trial) {
      const fields: Field[] = [
        { name: "Same", dtype: "string", nullable: true },
        { name: "same", dtype: "string", nullable: true },
      ];
      await wholeOrRefused(trial, "alike", async () => {
        await trial.load("alike", fields, [{ Same: "1", same: "2" }]);
        assert.deepEqual(
          await trial.rows("alike"),
          trial.expected(fields, [{ Same: "1", same: "2" }]),
        );
      });
    },
  },
  "same name twice": {
    title: "two fields of the same name are refused",
    when: relational,
    async run(trial) {
      const fields: Field[] = ["a", "a"].map((name) => ({ name, dtype: "string", nullable: true }));
      await refused(() => trial.load("twice", fields, [{ a: "1" }]), /"a"/);
      assert.equal(await trial.exists("twice"), false);
    },
  },
} satisfies Record<string, Check>;

async function loadAndRead(trial: Trial, name: string, fields: readonly Field[]): Promise<void> {
  await trial.load(name, fields, orders(0, 3));
  assert.deepEqual(await trial.rows(name), trial.expected(fields, orders(0, 3)), name);
}

async function wholeOrRefused(
  trial: Trial,
  name: string,
  work: () => Promise<void>,
): Promise<void> {
  const names = async () => (await (await trial.connector()).discover()).map((one) => one.name);
  const before = await names();
  try {
    await work();
  } catch (error) {
    if (!(error instanceof DXTError)) throw error;
    assert.deepEqual(await names(), before, `something was made for "${name}"`);
  }
}
