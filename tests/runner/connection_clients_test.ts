/** Lanes of a stream, and the threads that they share. */
import assert from "node:assert/strict";
import type { ConnectionClient } from "../../src/runner/worker/connection_client.ts";
import { ClientGroup } from "../../src/runner/worker/connection_clients.ts";

/** An end that counts the threads that were started, and those that ended. */
function counted() {
  const threads = { started: 0, ended: 0 };
  const end = (): ConnectionClient => ({
    again() {
      threads.started++;
      return end();
    },
    [Symbol.asyncDispose]() {
      threads.ended++;
      return Promise.resolve();
    },
  } as unknown as ConnectionClient);
  return { threads, first: end() };
}

Deno.test("lanes share a thread as far as it serves them, and start another when they want it", async () => {
  const { threads, first } = counted();
  const ends = new ClientGroup(first, 2);
  assert.equal(ends.of(0), first);
  assert.equal(ends.of(1), first);
  assert.equal(threads.started, 0);
  const second = ends.of(3);
  assert.notEqual(second, first);
  assert.equal(ends.of(2), second);
  assert.equal(ends.of(2), second);
  assert.equal(threads.started, 1);
  // The first was not started here.
  await ends.done(0);
  await ends.done(1);
  await ends.done(3);
  assert.equal(threads.ended, 0);
  await ends.done(2);
  assert.equal(threads.ended, 1);
  await ends.done(2);
  assert.equal(threads.ended, 1);
});

Deno.test("a lane may have its thread for itself, and ends it", async () => {
  const { threads, first } = counted();
  const ends = new ClientGroup(first, 1);
  const lanes = [0, 1, 2].map((lane) => ends.of(lane));
  assert.equal(new Set(lanes).size, 3);
  await ends.done(2);
  assert.deepEqual(threads, { started: 2, ended: 1 });
});
