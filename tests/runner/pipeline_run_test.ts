/** What the streams of a run share. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { runWell, withFolder } from "../support/run.ts";

/** Calls `work`; returns how many workers this process started meanwhile. */
async function countWorkers(work: () => Promise<unknown>): Promise<number> {
  const { Worker: Original } = globalThis;
  let started = 0;
  globalThis.Worker = class extends Original {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      started++;
    }
  };
  try {
    await work();
  } finally {
    globalThis.Worker = Original;
  }
  return started;
}

Deno.test("small streams share the workers of source and target", async () => {
  await withFolder(async (folder) => {
    {
      using database = new DatabaseSync(join(folder, "source.db"));
      for (let i = 0; i < 12; i++) {
        database.exec(`CREATE TABLE t${i} (id INTEGER); INSERT INTO t${i} VALUES (1), (2)`);
      }
    }
    const pipeline = {
      version: 1,
      name: "p",
      source: { provider: "sqlite", path: "source.db" },
      target: { provider: "sqlite", path: "target.db" },
      streams: Array.from({ length: 12 }, (_, i) => ({ id: `t${i}`, source: `t${i}` })),
    };
    assert.equal(await countWorkers(() => runWell(folder, pipeline, { threads: 1 })), 2);
  });
});
