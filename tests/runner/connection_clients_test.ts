/** Connections of a stream, and the workers that they share. */
import assert from "node:assert/strict";
import type { ConnectionClient } from "../../src/runner/worker/connection_client.ts";
import { ClientGroup } from "../../src/runner/worker/connection_clients.ts";

/** A client that counts the workers that were started, and those that ended. */
function countWorkers() {
  const workers = { started: 0, ended: 0 };
  const client = (): ConnectionClient => ({
    again() {
      workers.started++;
      return client();
    },
    [Symbol.asyncDispose]() {
      workers.ended++;
      return Promise.resolve();
    },
  } as unknown as ConnectionClient);
  return { workers, first: client() };
}

Deno.test("connections share a worker as far as it serves them, and start another one on first use", async () => {
  const { workers, first } = countWorkers();
  const clients = new ClientGroup(first, 2);
  assert.equal(clients.open(0), first);
  assert.equal(clients.open(1), first);
  assert.equal(workers.started, 0);
  const second = clients.open(3);
  assert.notEqual(second, first);
  assert.equal(clients.open(2), second);
  assert.equal(clients.open(2), second);
  assert.equal(workers.started, 1);
  // The caller owns the first.
  await clients.close(0);
  await clients.close(1);
  await clients.close(3);
  assert.equal(workers.ended, 0);
  await clients.close(2);
  assert.equal(workers.ended, 1);
  await clients.close(2);
  assert.equal(workers.ended, 1);
});

Deno.test("a connection that has a worker for itself ends it", async () => {
  const { workers, first } = countWorkers();
  const clients = new ClientGroup(first, 1);
  const connections = [0, 1, 2].map((connection) => clients.open(connection));
  assert.equal(new Set(connections).size, 3);
  await clients.close(2);
  assert.deepEqual(workers, { started: 2, ended: 1 });
});
