/** A batch that is divided until its refused rows are alone. */
import assert from "node:assert/strict";
import { readRecords } from "../../../src/arrow/mod.ts";
import type { LoadTask, Rejections } from "../../../src/core/contracts/loader.ts";
import { ValueError } from "../../../src/core/errors.ts";
import type { Field } from "../../../src/models/field.ts";
import { acceptRows } from "../../../src/providers/relational/load/accept_rows.ts";
import { stagedOf } from "../../support/staged.ts";

const FIELDS: readonly Field[] = [{ name: "n", dtype: "int32", nullable: false }];

Deno.test("the message of a value that no column holds names its row in the stage", async () => {
  const rejected: string[] = [];
  const rejections: Rejections = {
    reject: (row, _batch, _at, { kind, message }) => rejected.push(`${row} ${kind}: ${message}`),
    seal: () => Promise.resolve(),
  };
  const records = Array.from({ length: 9 }, (_, i) => ({ n: i + 1 }));
  const staged = stagedOf(FIELDS, records, { batchRows: 4 });
  const signal = new AbortController().signal;
  const task = { staged, mode: "append", signal, rejections } as unknown as LoadTask & {
    readonly rejections: Rejections;
  };
  const taken: unknown[] = [];
  await acceptRows(task, {
    async write(part) {
      for await (const batch of part.staged.readBatches()) {
        const rows = [...readRecords(batch)].map(({ n }) => Number(n));
        const bad = rows.findIndex((n) => n === 3 || n === 7);
        if (bad >= 0) throw new ValueError("too large", "n", bad + 1, rows[bad]);
        taken.push(...rows);
      }
    },
    explain: () => undefined,
  });
  assert.deepEqual(taken, [1, 2, 4, 5, 6, 8, 9]);
  const message = (row: number) =>
    `${row} value: Cannot represent value of field "n", row ${row}: too large, value is "${row}"`;
  assert.deepEqual(rejected, [message(3), message(7)]);
});

Deno.test("where bad rows are many, each costs few good ones that are written again", async () => {
  const rejected: number[] = [];
  const rejections: Rejections = {
    reject: (row) => void rejected.push(row),
    seal: () => Promise.resolve(),
  };
  const count = 16_384;
  const staged = stagedOf(FIELDS, Array.from({ length: count }, (_, i) => ({ n: i })), {
    batchRows: count,
  });
  const signal = new AbortController().signal;
  const task = { staged, mode: "append", signal, rejections } as unknown as LoadTask & {
    readonly rejections: Rejections;
  };
  // Every hundredth row is bad; a server names the row of some faults, and not of others.
  for (const isNamed of [true, false]) {
    rejected.length = 0;
    let taken = 0;
    let written = 0;
    await acceptRows(task, {
      async write(part) {
        for await (const batch of part.staged.readBatches()) {
          const rows = [...readRecords(batch)].map(({ n }) => Number(n));
          const bad = rows.findIndex((n) => n % 100 === 99);
          written += rows.length;
          if (bad >= 0) throw new Refused(bad);
          taken += rows.length;
        }
      },
      explain: (error) =>
        error instanceof Refused
          ? { kind: "check", message: "no", ...(isNamed ? { at: error.at } : {}) }
          : undefined,
    });
    assert.deepEqual(rejected, Array.from({ length: 163 }, (_, i) => i * 100 + 100));
    assert.equal(taken, count - rejected.length);
    assert.ok(written < 8 * count, `${written} rows were written`);
  }
});

class Refused extends Error {
  constructor(readonly at: number) {
    super("no");
  }
}
