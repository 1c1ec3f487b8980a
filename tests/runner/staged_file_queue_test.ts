import assert from "node:assert/strict";
import type { StagedFiles } from "../../src/core/contracts/buffer.ts";
import { PartSequencer, StagedFileQueue } from "../../src/runner/worker/staged_file_queue.ts";

const STAGED = { count: 3 } as StagedFiles;

Deno.test("each item goes to one reader, and the end reaches all of them", async () => {
  const queue = new StagedFileQueue<number>();
  const readers = Array.from({ length: 3 }, () => Array.fromAsync(queue));
  for (let i = 0; i < 50; i++) {
    queue.push(i);
    if (i % 7 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  queue.end(STAGED);
  const read = (await Promise.all(readers)).flat();
  assert.deepEqual(read.toSorted((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  assert.equal(await queue.committed(), STAGED);
});

Deno.test("a reader whose patience ends gets nothing, and may ask again", async () => {
  const queue = new StagedFileQueue<string>();
  assert.equal(await queue.next(5), undefined);
  const later = queue.next(10_000);
  queue.push("a");
  assert.equal(await later, "a");
  queue.push("b");
  assert.equal(await queue.next(0), "b");
  assert.equal(await queue.next(0), undefined);
});

Deno.test("onEmpty is called when a reader blocks, and not when an item is left", async () => {
  let calls = 0;
  const queue = new StagedFileQueue<string>(() => {
    calls++;
    if (calls < 3) queue.push(`${calls}`);
    else queue.end(STAGED);
  });
  queue.push("0");
  assert.deepEqual(await Array.fromAsync(queue), ["0", "1", "2"]);
  assert.equal(calls, 3);
});

Deno.test("a failure reaches readers that wait or come later, before items that are left", async () => {
  const queue = new StagedFileQueue<string>();
  const waiting = assert.rejects(queue.next(), /disk/);
  const patient = assert.rejects(queue.next(10_000), /disk/);
  queue.fail(new Error("disk"));
  queue.push("late");
  await Promise.all([waiting, patient, assert.rejects(queue.next(), /disk/)]);
  await assert.rejects(queue.committed(), /disk/);
});

Deno.test("items come in the order of their parts, each as soon as those before have ended", () => {
  const came: string[] = [];
  const order = new PartSequencer<string>((item) => came.push(item));
  order.push("b1", 1);
  order.push("a1", 0);
  order.push("c1", 2);
  assert.deepEqual(came, ["a1"]);
  order.end(1);
  order.push("a2", 0);
  order.end(0);
  assert.deepEqual(came, ["a1", "a2", "b1", "c1"]);
  order.push("c2", 2);
  order.end(2);
  assert.deepEqual(came, ["a1", "a2", "b1", "c1", "c2"]);
});
