import assert from "node:assert/strict";
import type { StagedData } from "../../src/core/contracts/buffer.ts";
import { PartSequencer, StagedFileQueue } from "../../src/runner/worker/staged_file_queue.ts";

const STAGED = { count: 3 } as StagedData;

Deno.test("each item goes to one reader, and all hear of the end", async () => {
  const feed = new StagedFileQueue<number>();
  const readers = Array.from({ length: 3 }, async () => {
    const read: number[] = [];
    for (let item = await feed.next(); item !== undefined; item = await feed.next()) {
      read.push(item);
    }
    return read;
  });
  for (let i = 0; i < 50; i++) {
    feed.push(i);
    if (i % 7 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  feed.end(STAGED);
  const read = (await Promise.all(readers)).flat();
  assert.deepEqual(read.toSorted((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  assert.equal(feed.staged, STAGED);
});

Deno.test("who waits long enough gets nothing, and may ask again", async () => {
  const feed = new StagedFileQueue<string>();
  assert.equal(await feed.next(5), undefined);
  const later = feed.next(10_000);
  feed.push("a");
  assert.equal(await later, "a");
  feed.push("b");
  assert.equal(await feed.next(0), "b");
  assert.equal(await feed.next(0), undefined);
});

Deno.test("a feed tells when somebody waits for more, and not when there is some", async () => {
  let asked = 0;
  const feed = new StagedFileQueue<string>(() => {
    asked++;
    if (asked < 3) feed.push(`${asked}`);
    else feed.end(STAGED);
  });
  feed.push("0");
  const read: string[] = [];
  for (let item = await feed.next(); item !== undefined; item = await feed.next()) read.push(item);
  assert.deepEqual(read, ["0", "1", "2"]);
  assert.equal(asked, 3);
});

Deno.test("a failure reaches who waits and who comes later, before what is left", async () => {
  const feed = new StagedFileQueue<string>();
  const waiting = assert.rejects(feed.next(), /disk/);
  const patient = assert.rejects(feed.next(10_000), /disk/);
  feed.fail(new Error("disk"));
  feed.push("late");
  await Promise.all([waiting, patient, assert.rejects(feed.next(), /disk/)]);
  assert.throws(() => feed.staged, /still being written/);
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
