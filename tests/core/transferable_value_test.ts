import assert from "node:assert/strict";
import { fromTransferable, toTransferable } from "../../src/core/values/transferable_value.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";

const roundTrip = (data: unknown) => fromTransferable(structuredClone(toTransferable(data)));

Deno.test("values of every type survive a message to another thread", () => {
  for (const record of extremes()) {
    const names = FIELDS_OF_EVERY_TYPE.map(({ name }) => name);
    const was = Object.fromEntries(names.map((name) => [name, record[name] ?? null]));
    const is = roundTrip({ deep: [was] }) as { deep: [typeof was] };
    assert.deepEqual(comparableRecords(is.deep), comparableRecords([was]));
  }
});

Deno.test("what only looks like a value of a message stays what it is", () => {
  const date = Temporal.PlainDate.from("2024-02-29");
  const hostile = { "dxt:value": "JSON", text: "{}", at: date };
  const back = roundTrip({ hostile, list: [undefined, hostile] }) as { hostile: typeof hostile };
  assert.equal(back.hostile["dxt:value"], "JSON");
  assert.equal(back.hostile.text, "{}");
  assert.ok(back.hostile.at.equals(date));
  const other = { type: "PlainDate", text: "2024-02-29", bytes: new Uint8Array([1]) };
  assert.deepEqual(roundTrip(other), other);
  assert.deepEqual(roundTrip({ "dxt:value": "object", object: 1 }), {
    "dxt:value": "object",
    object: 1,
  });
});
