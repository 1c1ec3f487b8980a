import assert from "node:assert/strict";
import { IdleTimeout } from "../../../src/providers/transport/idle_timeout.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

Deno.test("a wait that lasts too long is reported once its time is over", async () => {
  const began = performance.now();
  let told = 0;
  const { promise, reject } = Promise.withResolvers<void>();
  const watchdog = new IdleTimeout(50, () => {
    told = performance.now() - began;
    reject(new Error("silent"));
  });
  await assert.rejects(watchdog.wait(promise), /silent/);
  watchdog.stop();
  assert.ok(told >= 49 && told < 1000, `after ${told} ms`);
});

Deno.test("waits that end in time, and time between them, are no silence", async () => {
  const watchdog = new IdleTimeout(60, () => assert.fail("it was not silent"));
  for (let i = 0; i < 6; i++) await watchdog.wait(sleep(25));
  await sleep(150);
  assert.equal(await watchdog.wait(Promise.resolve(7)), 7);
  watchdog.stop();
});

Deno.test("silence counts from the last sign of life of any wait", async () => {
  const began = performance.now();
  let told = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const watchdog = new IdleTimeout(80, () => {
    told = performance.now() - began;
    resolve();
  });
  const other = (async () => {
    for (let i = 0; i < 3; i++) await watchdog.wait(sleep(40));
  })();
  await Promise.all([watchdog.wait(promise), other]);
  watchdog.stop();
  assert.ok(told >= 195, `after ${told} ms`);
});

Deno.test("nothing is left running by a watchdog that rests or is stopped", async () => {
  const watchdog = new IdleTimeout(20, () => assert.fail("it was not silent"));
  await watchdog.wait(Promise.resolve());
  watchdog.rest();
  await sleep(40);
  watchdog.stop();
  await watchdog.wait(sleep(40));
});
