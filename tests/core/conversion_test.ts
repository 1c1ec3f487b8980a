import assert from "node:assert/strict";
import {
  convert,
  isAccepted,
  lossy,
  refuseLosses,
  typeText,
  WIDER,
} from "../../src/core/values/conversion.ts";
import { LossyConversionError } from "../../src/core/errors.ts";
import {
  type DXTRecord,
  formatValue,
  parseText,
  type Value,
} from "../../src/core/values/values.ts";
import { DXT_TYPES } from "../../src/models/dtype.ts";
import type { Field } from "../../src/models/field.ts";
import { extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";
import { golden } from "../support/golden.ts";

/** A type of each dtype, decimals in several sizes. */
const TARGETS: readonly Field[] = [
  ...DXT_TYPES.filter((dtype) => dtype !== "decimal").map((dtype) => ({ dtype })),
  ...[[3, 0], [10, 0], [12, 2], [20, 0], [20, 4], [38, 10], [76, 0]].map((
    [precision, scale],
  ) => ({ dtype: "decimal" as const, precision: precision!, scale: scale! })),
].map((type) => ({ ...type, name: "f", nullable: true }));

Deno.test("every pair of types is as reviewed", async () => {
  const types = FIELDS_OF_EVERY_TYPE.filter(({ uuid }) => uuid !== true);
  const lines = types.map((from) => {
    const kinds = (["exact", "widened"] as const).map((kind) => {
      const found = TARGETS.filter((to) => convert(from, to).kind === kind).map(typeText);
      return `${kind} ${found.join(" ")}`;
    });
    return `${typeText(from)}: ${kinds.join("; ")}\n`;
  });
  await golden("conversions.txt", lines.join(""));
});

Deno.test("a type is exact in itself, and every dtype has its row", () => {
  for (const field of FIELDS_OF_EVERY_TYPE) assert.equal(convert(field, field).kind, "exact");
  assert.deepEqual(Object.keys(WIDER).sort(), [...DXT_TYPES].sort());
});

/** The value with what another type's text adds to it: a date's midnight, a decimal's zeros. */
function backFrom(text: string, to: Field, from: Field): string {
  if (from.dtype === "date" && to.dtype === "timestamp") return text.replace(/T00:00:00$/, "");
  if (to.dtype === "decimal" && from.dtype !== "decimal") return text.replace(/\.0+$/, "");
  return text;
}

Deno.test("what is exact or widened holds the extremes of its type, and reads back as them", () => {
  let held = 0;
  for (const record of extremes() as DXTRecord[]) {
    for (const from of FIELDS_OF_EVERY_TYPE) {
      const value: Value = record[from.name]!;
      if (value === null) continue;
      for (const to of TARGETS.filter((type) => convert(from, type).kind !== "lossy")) {
        const there = parseText(formatValue(value), to);
        const back = parseText(backFrom(formatValue(there), to, from), from);
        assert.equal(formatValue(back), formatValue(value), `${typeText(from)} in ${typeText(to)}`);
        held++;
      }
    }
  }
  assert.ok(held > 400, String(held));
});

Deno.test("what is lossy between numbers refuses an extreme of its type", () => {
  const numeric = /int|decimal/;
  let refused = 0;
  for (const from of FIELDS_OF_EVERY_TYPE.filter(({ dtype }) => numeric.test(dtype))) {
    for (const to of TARGETS.filter(({ dtype }) => numeric.test(dtype))) {
      if (convert(from, to).kind !== "lossy") continue;
      const fits = extremes().map((record) => record[from.name]).filter((value) => value !== null)
        .every((value) => {
          try {
            parseText(formatValue(value!), to);
            return true;
          } catch {
            return false;
          }
        });
      assert.equal(fits, false, `${typeText(from)} in ${typeText(to)}`);
      refused++;
    }
  }
  assert.ok(refused > 80, String(refused));
});

const column = (field: Partial<Field>, limit?: true) => ({
  field: { name: "total", dtype: "int64" as const, nullable: true, ...field },
  type: "integer",
  conversion: { ...lossy("a value is no int32"), ...(limit && { limit }) },
});

Deno.test("a loss is refused with its field, both types and the way to accept it", () => {
  assert.throws(() => refuseLosses('"t"', [column({})], "stop"), (error: unknown) => {
    assert.ok(error instanceof LossyConversionError);
    assert.match(
      error.message,
      /"t" .*\n {2}field "total" is int64, column is integer: refused when a value is no int32\n/,
    );
    assert.match(error.message, /load: \{ lossy: accept \}/);
    assert.doesNotMatch(error.message, /evolve/);
    return true;
  });
});

Deno.test("advice names only what would help", () => {
  const widening = [{ ...column({}), widens: true }];
  assert.throws(() => refuseLosses('"t"', widening, "stop"), /schema: evolve/);
  assert.throws(
    () => refuseLosses('"t"', widening, "stop", "evolve"),
    (error: Error) => !/evolve/.test(error.message),
  );
});

Deno.test("a loss is accepted by the pipeline, by a declared type, and as a column's limit", () => {
  assert.equal(isAccepted(column({}), "stop"), false);
  assert.equal(isAccepted(column({}), "accept"), true);
  assert.equal(isAccepted(column({}), undefined), true);
  assert.equal(isAccepted(column({ target_type: "integer" }), "stop"), true);
  assert.equal(isAccepted(column({}, true), "stop"), true);
});
