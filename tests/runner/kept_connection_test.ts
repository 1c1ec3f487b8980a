/** A worker goes on with the connection of an earlier stream, where the provider allows it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "sqlite";
import { ConnectionKeeper } from "../../src/runner/worker/inside/kept_connection.ts";
import type { Connectable } from "../../src/runner/worker/inside/connect.ts";
import { ignoreIf } from "../support/ignore.ts";
import { runWell, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";

function endpointOf(config: object, keepsConnections = true): Connectable {
  const provider = { name: "fake", keepsConnections } as Connectable["provider"];
  return { provider, config, baseDirectory: "/", showValues: false, traces: false };
}

/** A connection that tells when it is closed. */
function fakeConnection() {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  let isOpen = true;
  const connector = {
    [Symbol.asyncDispose]() {
      isOpen = false;
      resolve();
      return Promise.resolve();
    },
  } as never;
  return { connector, stop: new AbortController(), closed, isOpen: () => isOpen };
}

Deno.test("a connection is taken by the next session with the same keys, and once", async () => {
  const keeper = new ConnectionKeeper();
  const one = fakeConnection();
  await keeper.keep(endpointOf({ host: "a" }), one);
  assert.equal((await keeper.take(endpointOf({ host: "a" })))?.connector, one.connector);
  assert.ok(one.isOpen());
  assert.equal(await keeper.take(endpointOf({ host: "a" })), undefined);
});

Deno.test("a session with other keys closes the connection, and so does another connection", async () => {
  const keeper = new ConnectionKeeper();
  const [one, two] = [fakeConnection(), fakeConnection()];
  await keeper.keep(endpointOf({ host: "a" }), one);
  await keeper.keep(endpointOf({ host: "b" }), two);
  assert.deepEqual([one.isOpen(), two.isOpen()], [false, true]);
  assert.equal(await keeper.take(endpointOf({ host: "a" })), undefined);
  assert.equal(two.isOpen(), false);
});

Deno.test("a connection that no session takes is closed after a moment", async () => {
  const keeper = new ConnectionKeeper(5);
  const one = fakeConnection();
  await keeper.keep(endpointOf({}), one);
  await one.closed;
  assert.equal(await keeper.take(endpointOf({})), undefined);
});

Deno.test("a provider that does not allow it keeps no connection", async () => {
  const keeper = new ConnectionKeeper();
  const one = fakeConnection();
  await keeper.keep(endpointOf({}, false), one);
  assert.equal(one.isOpen(), false);
});

const server = postgresTest(15);

/** The server's processes that five streams read from, one stream after the other. */
async function findProcesses(folder: string, url: string): Promise<Set<number>> {
  const ids = ["a", "b", "c", "d", "e"];
  await runWell(folder, {
    version: 1,
    name: "p",
    source: url,
    target: { provider: "sqlite", path: "t.db" },
    streams: ids.map((id) => ({
      id,
      source: { type: "sql", sql: "SELECT pg_backend_pid() AS pid" },
      target: id,
    })),
  }, { threads: 1 });
  using target = new DatabaseSync(join(folder, "t.db"));
  return new Set(
    ids.map((id) => (target.prepare(`SELECT pid FROM ${id}`).get() as { pid: number }).pid),
  );
}

Deno.test({
  ...ignoreIf(server.missing, "small streams share one connection of PostgreSQL"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      assert.equal((await findProcesses(folder, database.url)).size, 1);
    }),
});
