import assert from "node:assert/strict";
import { VerificationError } from "../../../src/core/errors.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import type { LoadMode, VerifyLevel } from "../../../src/models/stream.ts";
import { ORDER_FIELDS, orders } from "./records.ts";
import { type Check, keysOf } from "./trial.ts";

/** Rows that a stage may have staged when the target has `orders(0, 50)`, by what went wrong on the way. */
const STAGED: Readonly<Record<string, readonly DXTRecord[]>> = {
  "a value was changed": withChange(orders(0, 50), 8, { id: 5000n }),
  "a value became NULL": withChange(orders(0, 50), 48, { customer: null }),
  "a row is missing": orders(0, 51),
  "a row came twice": orders(0, 49),
  "values changed places between rows": swapValues(orders(0, 50), "customer"),
};

export const proofChecks = {
  "proof of values": {
    title: "a load proves its values, or says why it proves counts alone",
    async run(trial) {
      for (const mode of trial.modes) {
        const name = `proven_${mode}`;
        for (const start of [0, 1000]) {
          const { verified } = await trial.load(name, ORDER_FIELDS, orders(start, start + 50), {
            ...optionsOf(mode),
          });
          assert.ok(verified !== undefined);
          assert.deepEqual(verified.omitted, []);
          if (verified.level === "counts") assert.match(verified.reason ?? "", /\w/);
          else assert.equal(verified.level, "full");
        }
      }
    },
  },
  "other values than staged": {
    title:
      "a load is refused whose target has other values than the stage, and leaves it as it was",
    async run(trial) {
      for (const mode of trial.undoneModes) {
        for (const verify of ["aggregates", "full"] as const) {
          await refuseTampered(trial, mode, verify);
        }
      }
    },
  },
} satisfies Record<string, Check>;

async function refuseTampered(
  trial: Parameters<Check["run"]>[0],
  mode: LoadMode,
  verify: VerifyLevel,
): Promise<void> {
  const name = `tampered_${mode}_${verify}`;
  const options = { ...optionsOf(mode), verify };
  await trial.load(name, ORDER_FIELDS, orders(0, 30), options);
  const { verified } = await trial.load(name, ORDER_FIELDS, orders(0, 30), options);
  if (verified?.level === "counts") return;
  const before = await trial.rows(name);
  for (const [what, summarized] of Object.entries(STAGED)) {
    // Totals do not depend on the order of the values.
    const isNoticed = verified?.level === "full" || !what.startsWith("values changed");
    if (!isNoticed) continue;
    const load = trial.load(name, ORDER_FIELDS, orders(0, 50), { ...options, summarized });
    await assert.rejects(load, (error) => {
      assert.ok(error instanceof VerificationError, `${what}: ${error}`);
      assert.match(error.message, /^Cannot prove the load into "/);
      return true;
    }, `${mode}, ${verify}: ${what}`);
    assert.deepEqual(await trial.rows(name), before, `${mode}, ${verify}: ${what}`);
  }
}

function optionsOf(mode: LoadMode) {
  return { mode, upsertKeys: keysOf(mode) };
}

function withChange(records: DXTRecord[], row: number, change: Partial<DXTRecord>): DXTRecord[] {
  return records.map((record, i) => i === row ? { ...record, ...change } as DXTRecord : record);
}

/** Swaps a value of two rows. */
function swapValues(records: DXTRecord[], name: string): DXTRecord[] {
  const [first, second] = [records[3]![name]!, records[4]![name]!];
  assert.notDeepEqual(first, second);
  return withChange(withChange(records, 3, { [name]: second }), 4, { [name]: first });
}
