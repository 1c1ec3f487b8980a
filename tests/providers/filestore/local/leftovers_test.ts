/** The hidden files and folders that killed loads leave beside their targets. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { StreamTarget } from "../../../../src/models/source.ts";
import { ConcurrentRunError } from "../../../../src/core/errors.ts";
import { lockFile } from "../../../../src/core/files/file_lock.ts";
import { claimOf } from "../../../support/claim.ts";
import { type Store, withStore } from "./support.ts";

const { signal } = new AbortController();
const FILE: StreamTarget = { type: "file", path: "orders.csv" };
const FOLDER: StreamTarget = { type: "directory", path: "orders" };
const OWN: StreamTarget = { type: "directory", path: "." };

const request = (name: string) => ({ name, claim: claimOf(), signal });

async function listNames({ connector }: Store, target: StreamTarget): Promise<string[]> {
  return (await connector.listLeftovers(target)).map(({ name }) => name).sort();
}

async function putFolder({ folder }: Store, name: string): Promise<void> {
  await Deno.mkdir(join(folder, name), { recursive: true });
  await Deno.writeTextFile(join(folder, name, "part-1.csv"), "id\n1\n");
}

Deno.test("the new file and the lock of a killed load are listed with size and time, and removed", () =>
  withStore(async (store) => {
    await store.put("orders.csv", "id\n1\n");
    assert.deepEqual(await listNames(store, FILE), []);
    await store.put(".orders.csv.dxt-new", "id\n1\n2\n");
    await store.put(".orders.csv.dxt-lock", "{}");
    await store.put(".orders.csv.bak", "theirs");
    assert.deepEqual(await listNames(store, FILE), [".orders.csv.dxt-lock", ".orders.csv.dxt-new"]);
    const [left] = await store.connector.listLeftovers(FILE);
    assert.equal(left!.bytes, 7);
    assert.ok(Date.now() - Date.parse(left!.changed!) < 60_000);
    const { connector } = store;
    for (const name of [".orders.csv.bak", "orders.csv", "../orders.csv"]) {
      assert.equal(await connector.removeLeftover(FILE, request(name)), false);
    }
    await store.put(".orders.csv.dxt-lock", "{}");
    for (const name of await listNames(store, FILE)) {
      // Both need the lock, which goes with the first.
      assert.equal(await connector.removeLeftover(FILE, request(name)), true, name);
    }
    assert.deepEqual(await store.names(), [".orders.csv.bak", "orders.csv"]);
  }));

Deno.test("what a load writes is not listed or removed while it goes on, but its lock is", () =>
  withStore(async (store) => {
    await store.put(".orders.csv.dxt-new", "id\n1\n");
    const lock = join(store.folder, ".orders.csv.dxt-lock");
    {
      await using _lock = await lockFile(lock, "it", claimOf(), signal);
      const [held, ...more] = await store.connector.listLeftovers(FILE);
      assert.deepEqual([held!.kind, held!.name, more], ["lock", "orders.csv", []]);
      assert.match(held!.holder!, /^process 4711 on "test-host" \(run/);
      await assert.rejects(
        store.connector.removeLeftover(FILE, request(".orders.csv.dxt-new")),
        ConcurrentRunError,
      );
    }
    assert.deepEqual(await listNames(store, FILE), [".orders.csv.dxt-new"]);
  }));

Deno.test("the old folder of a killed swap is a remainder only if the new one is in its place", () =>
  withStore(async (store) => {
    await putFolder(store, ".orders.dxt-old");
    await putFolder(store, ".orders.dxt-new");
    // The target is now the old folder, which the next load restores.
    assert.deepEqual(await listNames(store, FOLDER), [".orders.dxt-new"]);
    const { connector } = store;
    assert.equal(await connector.removeLeftover(FOLDER, request(".orders.dxt-old")), false);
    await putFolder(store, "orders");
    await putFolder(store, "orders/.dxt-new");
    const names = await listNames(store, FOLDER);
    assert.deepEqual(names, [".orders.dxt-new", ".orders.dxt-old", "orders/.dxt-new"]);
    for (const name of names) {
      assert.equal(await connector.removeLeftover(FOLDER, request(name)), true, name);
    }
    assert.deepEqual(await store.names(), ["orders"]);
    assert.deepEqual(await store.names("orders"), ["part-1.csv"]);
  }));

Deno.test("the connection's own folder has its remainders inside", () =>
  withStore(async (store) => {
    await putFolder(store, ".dxt-new");
    await store.put(".dxt-lock", "{}");
    assert.deepEqual(await listNames(store, OWN), [".dxt-lock", ".dxt-new"]);
    assert.equal(await store.connector.removeLeftover(OWN, request(".dxt-new")), true);
    assert.deepEqual(await store.names(), []);
  }));

Deno.test("a target whose folder does not exist has no remainders, and removing makes none", () =>
  withStore(async (store) => {
    const target: StreamTarget = { type: "file", path: "none/orders.csv" };
    assert.deepEqual(await listNames(store, target), []);
    const name = "none/.orders.csv.dxt-new";
    assert.equal(await store.connector.removeLeftover(target, request(name)), false);
    assert.deepEqual(await store.names(), []);
  }));
