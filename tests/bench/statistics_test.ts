import assert from "node:assert/strict";
import fc from "fast-check";
import { median, pairedRatio, rotated } from "../../scripts/bench/statistics.ts";

Deno.test("as many values are below a median as above it", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  fc.assert(fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
    const middle = median(values);
    const below = values.filter((value) => value < middle).length;
    const above = values.filter((value) => value > middle).length;
    assert.ok(below <= values.length / 2 && above <= values.length / 2);
  }));
});

Deno.test("in as many rounds as there are items each comes first once", () => {
  const items = ["a", "b", "c"];
  const rounds = [0, 1, 2].map((round) => rotated(items, round).join(""));
  assert.deepEqual(rounds, ["abc", "bca", "cab"]);
  assert.deepEqual(rotated(items, 3), items);
  assert.deepEqual(rotated([], 2), []);
});

Deno.test("a ratio is the median of the rounds that have both", () => {
  const ours = new Map([[1, 2], [2, 30], [3, 8]]);
  assert.equal(pairedRatio(ours, new Map([[1, 1], [2, 10], [3, 8]])), 2);
  assert.equal(pairedRatio(ours, new Map([[2, 15]])), 2);
  assert.equal(pairedRatio(ours, new Map()), undefined);
});

Deno.test("a slow moment that meets both does not change the ratio", () => {
  const slow = fc.array(fc.double({ min: 0.1, max: 100, noNaN: true }), { minLength: 1 });
  fc.assert(fc.property(slow, (factors) => {
    const series = (seconds: number) =>
      new Map(factors.map((factor, round) => [round, seconds * factor]));
    assert.ok(Math.abs(pairedRatio(series(3), series(2))! - 1.5) < 1e-9);
  }));
});
