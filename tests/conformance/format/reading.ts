import assert from "node:assert/strict";
import { SchemaError, ValueError } from "../../../src/core/errors.ts";
import { fileInput } from "../../support/file_input.ts";
import { batchesOfRows, type Check, compressionsOf, expected, field, type Row } from "./trial.ts";

const FIELDS = [field("id", "int32"), field("name", "string"), field("total", "int64")];

function orders(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => [
    i,
    i % 7 === 3 ? null : `order ${i}`,
    BigInt(i) * 1_000_000_007n,
  ]);
}

/** Much of a file left, so that stopping early stops in the middle. */
const MANY = 20_000;

export const readingChecks = {
  "batch sizes": {
    title: "batches of one row less, the same and one more than there are lose nothing",
    async run(trial) {
      const rows = orders(100);
      for (const written of [1, 99, 100, 101]) {
        const file = await trial.write(FIELDS, rows, { batchRows: written });
        for (const batchRows of [1, 99, 100, 101]) {
          assert.deepEqual(await trial.read(file, FIELDS, { batchRows }), expected(rows));
        }
      }
    },
  },
  "batch bytes": {
    title: "batches hold about as many bytes as they may, of short and of long records",
    async run(trial) {
      for (const [count, length, batchBytes] of [[2000, 1000, 200_000], [16, 500_000, 1_000_000]]) {
        const rows = Array.from(
          { length: count! },
          (_, i) => [i, `${i}`.repeat(length! / 2), null],
        );
        const file = await trial.write(FIELDS, rows, { batchRows: 100 });
        const sizes = await trial.sizes(file, FIELDS, { batchBytes: batchBytes! });
        assert.ok(sizes.length > 1);
        assert.ok(sizes.every((size) => size <= batchBytes! * 2), `bytes are ${sizes.join(", ")}`);
        assert.deepEqual(
          await trial.read(file, FIELDS, { batchBytes: batchBytes! }),
          expected(rows),
        );
      }
    },
  },
  "projections": {
    title: "some fields, in another order, with other names, and one twice",
    async run(trial) {
      const [id, name, total] = FIELDS as [typeof FIELDS[0], typeof FIELDS[0], typeof FIELDS[0]];
      const rows = orders(10);
      const file = await trial.write(FIELDS, rows);
      const read = (...columns: Parameters<typeof trial.read>[1]) => trial.read(file, columns);
      assert.deepEqual(await read(name!), expected(rows.map((row) => [row[1]!])));
      assert.deepEqual(
        await read(total!, id!),
        expected(rows.map((row) => [row[2]!, row[0]!])),
      );
      assert.deepEqual(
        await read(
          { field: { ...id, name: "name" }, column: "id" },
          { field: { ...name, name: "id" }, column: "name" },
          { field: { ...id, name: "again" }, column: "id" },
          { field: total },
        ),
        expected(rows.map((row) => [row[0]!, row[1]!, row[0]!, row[2]!])),
      );
    },
  },
  "missing column": {
    title: "a column that is not there is a SchemaError with its name",
    async run(trial) {
      const file = await trial.write(FIELDS, orders(3));
      const input = fileInput(file);
      const missing = { field: FIELDS[0]!, column: "identity" };
      await assert.rejects(trial.read(input, [missing]), (error) => {
        assert.ok(error instanceof SchemaError, String(error));
        assert.match(error.message, /"identity"/);
        return true;
      });
      assert.equal(input.streams, 0, "a stream is left open");
    },
  },
  "expression": {
    title: "an expression is a SchemaError",
    async run(trial) {
      const file = await trial.write(FIELDS, orders(3));
      const projection = { field: FIELDS[0]!, expression: "id + 1" };
      await assert.rejects(trial.read(file, [projection]), (error) => {
        assert.ok(error instanceof SchemaError, String(error));
        assert.match(error.message, /"id \+ 1"/);
        return true;
      });
    },
  },
  "NULL in a non-nullable field": {
    title: "a NULL in a field that is not nullable is told with field and row",
    async run(trial) {
      for (const [at, dtype] of FIELDS.map(({ dtype }, i) => [i, dtype] as const)) {
        const rows = orders(10).map((row, i) => i === 6 ? row.with(at, null) : row.with(1, "x"));
        const file = await trial.write(FIELDS, rows);
        const strict = FIELDS.with(at, field(FIELDS[at]!.name, dtype, false));
        for (const batchRows of [3, 1000]) {
          await assert.rejects(
            trial.read(file, strict.slice(at, at + 1), { batchRows }),
            (error) => {
              assert.ok(error instanceof ValueError, String(error));
              assert.deepEqual([error.field, error.row], [FIELDS[at]!.name, 7]);
              return true;
            },
          );
        }
      }
    },
  },
  "value of another type": {
    title: "a value that its field's type cannot hold is told with field, row and value",
    async run(trial) {
      const rows = orders(10).map((row, i) => row.with(2, i === 6 ? 2n ** 40n : BigInt(i)));
      const file = await trial.write(FIELDS, rows);
      for (const batchRows of [3, 1000]) {
        const narrow = trial.read(file, [field("total", "int32")], { batchRows });
        await assert.rejects(narrow, (error) => {
          assert.ok(error instanceof ValueError, String(error));
          assert.deepEqual([error.field, error.row], ["total", 7]);
          assert.match(error.message, /1099511627776/);
          return true;
        });
      }
    },
  },
  "early stop of reading": {
    title: "reading that stops early leaves nothing open",
    async run(trial) {
      for (const settings of compressionsOf(trial)) {
        const file = await trial.write(FIELDS, orders(MANY), { ...settings, batchRows: 1000 });
        const input = fileInput(file, { chunk: 1024 });
        for await (const _ of trial.batches(input, FIELDS, { ...settings, batchRows: 10 })) break;
        assert.equal(input.streams, 0, "a stream is left open");
        await trial.infer(input, settings);
        assert.equal(input.streams, 0, "a stream is left open by inferFields");
      }
    },
  },
  "early stop of writing": {
    title: "writing that stops early stops its source",
    async run(trial) {
      for (const { compression } of compressionsOf(trial)) {
        let stopped = false;
        const batches = (async function* () {
          try {
            yield* batchesOfRows(FIELDS, orders(10 * MANY), 1000);
          } finally {
            stopped = true;
          }
        })();
        const options = trial.test.options ?? {};
        for await (
          const _ of trial.format.write(batches, { fields: FIELDS, compression, options })
        ) {
          break;
        }
        assert.ok(stopped, "the source goes on");
      }
    },
  },
  "failing source": {
    title: "what the source of batches throws comes through as it is",
    async run(trial) {
      for (const { compression } of compressionsOf(trial)) {
        for (const before of [0, 1, 100]) {
          const failure = new Error("the source broke");
          const batches = (async function* () {
            yield* batchesOfRows(FIELDS, orders(before * 10), 10);
            throw failure;
          })();
          const options = trial.test.options ?? {};
          const request = { fields: FIELDS, compression, options };
          const error = await Array.fromAsync(trial.format.write(batches, request)).catch((e) => e);
          assert.equal(error, failure);
        }
      }
    },
  },
} satisfies Record<string, Check>;
