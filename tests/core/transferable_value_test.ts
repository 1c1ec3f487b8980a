import assert from "node:assert/strict";
import { fromTransferable, toTransferable } from "../../src/core/values/transferable_value.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";

Deno.test("a value that was cloned as plain data is the value that it was", () => {
  for (const record of extremes()) {
    const names = FIELDS_OF_EVERY_TYPE.map(({ name }) => name);
    const back = Object.fromEntries(
      names.map((name) => [
        name,
        fromTransferable(structuredClone(toTransferable(record[name] ?? null))),
      ]),
    );
    const [was, is] = [{ ...Object.fromEntries(names.map((n) => [n, record[n] ?? null])) }, back];
    assert.deepEqual(comparableRecords([is]), comparableRecords([was]));
  }
});
