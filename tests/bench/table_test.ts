import assert from "node:assert/strict";
import { formatTable } from "../../scripts/bench/table.ts";
import { createTable, expectedTotals, parseTotals } from "../../scripts/bench/tables.ts";

Deno.test("columns are as wide as their widest cell, numbers to the right", () => {
  const columns = [
    { title: "", align: "left" },
    { title: "seconds", align: "right" },
    { title: "remarks", align: "left" },
  ] as const;
  const text = formatTable(columns, [["dxt", "1.50", ""], ["a → b", "12.25", "slow"], ["c"]]);
  assert.deepEqual(text.split("\n"), [
    "       seconds  remarks",
    "dxt       1.50",
    "a → b    12.25  slow",
    "c",
  ]);
});

Deno.test("totals are read as every database prints them", () => {
  const totals = { rows: 20000, sum: 200010000 };
  for (const text of ["20000|200010000\n", "20000,200010000.0", " 20000  2.0001e8 "]) {
    assert.deepEqual(parseTotals(text), totals);
  }
  assert.deepEqual(expectedTotals(20000), totals);
  assert.ok(Number.isNaN(parseTotals("").rows));
});

Deno.test("both tables have an id, and the wide one 17 columns", () => {
  const names = (table: "wide" | "narrow") =>
    [...createTable(table, 1).matchAll(/ AS (\w+)(?=,|\n? FROM)/g)].map((match) => match[1]!);
  assert.equal(names("wide").length, 17);
  assert.equal(new Set(names("wide")).size, 17);
  for (const table of ["wide", "narrow"] as const) assert.equal(names(table)[0], "id");
});
