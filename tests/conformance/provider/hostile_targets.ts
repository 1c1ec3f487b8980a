/** Targets that cannot take a load, or only seem so: the plan says what the run then does. */
import assert from "node:assert/strict";
import { DXTError } from "../../../src/core/errors.ts";
import { isAccepted } from "../../../src/core/values/conversion.ts";
import type { Field } from "../../../src/models/field.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, keysOf, type LoadOptions, type Trial } from "./trial.ts";

interface HostileTarget {
  /** Makes the target under this name. */
  make(trial: Trial, name: string): Promise<unknown>;
  /** The statements that make it are SQL. */
  readonly sql?: true;
  /** None of the values fits: a loss that is accepted ends the load at the first. */
  readonly fitsNone?: true;
}

const [ID, CUSTOMER] = ORDER_FIELDS as [Field, Field];
const others = (...names: string[]) => ORDER_FIELDS.filter(({ name }) => !names.includes(name));
const loaded = (fields: readonly Field[]): HostileTarget => ({
  make: (trial, name) => trial.load(name, fields, []),
});
const made = (...statements: ((name: string, columns: string) => string)[]): HostileTarget => ({
  sql: true,
  async make(trial, name) {
    const columns =
      `id BIGINT, customer VARCHAR(100), total NUMERIC(12,2), placed ${trial.timestampType}`;
    for (const statement of statements) await trial.sql(statement(name, columns));
  },
});

const TARGETS: Readonly<Record<string, HostileTarget>> = {
  "a column that must have a value and gets none": loaded([
    { name: "must", dtype: "int64", nullable: false },
    ...ORDER_FIELDS,
  ]),
  "a column that gets none and has a default": made((name, columns) =>
    `CREATE TABLE ${name} (${columns}, five INTEGER DEFAULT 5 NOT NULL)`
  ),
  "columns that refuse NULL": loaded(
    ORDER_FIELDS.map((field) => ({ ...field, nullable: false })),
  ),
  "a missing column": loaded(others("placed")),
  "a narrower type": loaded([{ ...ID, dtype: "int16" }, ...others("id")]),
  "a narrower decimal": loaded([
    { name: "total", dtype: "decimal", precision: 6, scale: 2, nullable: true },
    ...others("total"),
  ]),
  "a type of another kind": {
    ...loaded([{ ...CUSTOMER, dtype: "timestamp" }, ...others("customer")]),
    fitsNone: true,
  },
  "a view": made(
    (name, columns) => `CREATE TABLE ${name}_of (${columns})`,
    (name) => `CREATE VIEW ${name} AS SELECT * FROM ${name}_of`,
  ),
  "a generated column": made((name, columns) =>
    `CREATE TABLE ${name} (${
      columns.replace("total NUMERIC(12,2)", "$& GENERATED ALWAYS AS (id * 2) STORED")
    })`
  ),
};

const RULES: readonly Pick<LoadOptions, "lossy" | "schema">[] = [
  { lossy: "stop" },
  { lossy: "accept" },
  { lossy: "stop", schema: "evolve" },
  { lossy: "stop", schema: "strict" },
];

/** Whether a plan says that the load can be run. */
async function isReady(
  trial: Trial,
  name: string,
  options: Pick<LoadOptions, "mode" | "upsertKeys" | "lossy" | "schema">,
): Promise<boolean> {
  try {
    const { problems, columns } = await trial.plan(name, ORDER_FIELDS, options);
    return problems.length === 0 && columns.every((column) => isAccepted(column, options.lossy));
  } catch (error) {
    assert.ok(error instanceof DXTError, String(error));
    return false;
  }
}

export const hostileTargetChecks = {
  "plan agrees with run": {
    title: "a plan calls a load ready that runs, and no other",
    async run(trial) {
      const records = orders(1, 4);
      let number = 0;
      for (const [what, target] of Object.entries(TARGETS)) {
        if (target.sql === true && trial.provider.category !== "relational") continue;
        for (const mode of trial.modes) {
          for (const rules of RULES) {
            if (rules.schema !== undefined && trial.provider.category !== "relational") continue;
            if (rules.lossy === "accept" && target.fitsNone === true) continue;
            const name = `hostile_${number++}`;
            await target.make(trial, name);
            const options = { mode, ...rules, upsertKeys: keysOf(mode) };
            const ready = await isReady(trial, name, options);
            let ran = true;
            try {
              await trial.load(name, ORDER_FIELDS, records, options);
            } catch (error) {
              assert.ok(error instanceof DXTError, `${what}, ${mode}: ${error}`);
              ran = false;
            }
            assert.deepEqual(
              { ready },
              { ready: ran },
              `${what}, ${mode}, ${JSON.stringify(rules)}`,
            );
          }
        }
      }
    },
  },
} satisfies Record<string, Check>;
