import assert from "node:assert/strict";
import { ProgressThrottle } from "../../src/runner/worker/inside/progress_throttle.ts";

Deno.test("all is reported, the first at once and the rest now and then", async () => {
  const told: { rows: number; bytes: number }[] = [];
  {
    using tally = new ProgressThrottle((news) => told.push(news));
    tally.add(1, 10);
    assert.deepEqual(told, [{ rows: 1, bytes: 10 }]);
    for (let i = 0; i < 1000; i++) tally.add(2, 20);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const before = told.length;
    tally.add(3, 30);
    assert.equal(told.length, before + 1);
    tally.add(4, 40);
  }
  const sum = (of: "rows" | "bytes") => told.reduce((sum, news) => sum + news[of], 0);
  assert.deepEqual([sum("rows"), sum("bytes")], [2008, 20080]);
  assert.ok(told.length < 20, `${told.length} times`);
});

Deno.test("nothing is reported of nothing", () => {
  const told: unknown[] = [];
  new ProgressThrottle((news) => told.push(news))[Symbol.dispose]();
  assert.deepEqual(told, []);
});
