/** Values that are taken back from columns leave nothing behind. */
import assert from "node:assert/strict";
import {
  arrowSchema,
  buildBatch,
  createColumn,
  nullCounts,
  readRecords,
  valuePusher,
} from "../../src/arrow/mod.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";

const FIELDS = FIELDS_OF_EVERY_TYPE;

Deno.test("a row that was pushed in part, or as a whole, and taken back is not in the batch", () => {
  const good = [...extremes(), {}, ...extremes()];
  const schema = arrowSchema(FIELDS);
  for (const bad of [{}, ...extremes().slice(0, 3)]) {
    for (const width of [1, Math.floor(FIELDS.length / 2), FIELDS.length]) {
      const columns = FIELDS.map(createColumn);
      const pushers = FIELDS.map((field, i) => valuePusher(field, columns[i]!));
      const push = (record: Record<string, unknown>, to: number) => {
        for (let i = 0; i < to; i++) pushers[i]!((record[FIELDS[i]!.name] ?? null) as never);
      };
      good.forEach((record, row) => {
        for (let times = 0; times < row % 3; times++) {
          push(bad, width);
          for (const column of columns) column.discard(row);
        }
        push(record, FIELDS.length);
      });
      const batch = buildBatch(schema, columns);
      const expected = good.map((record) =>
        Object.fromEntries(FIELDS.map(({ name }) => [name, record[name] ?? null]))
      );
      assert.deepEqual(comparableRecords(readRecords(batch)), comparableRecords(expected));
      assert.deepEqual(
        nullCounts(batch),
        FIELDS.map(({ name }) => expected.filter((record) => record[name] === null).length),
      );
    }
  }
});
