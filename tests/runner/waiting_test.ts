/** What a stream waits for, as its events say. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RunEvent } from "../../src/runner/mod.ts";
import { run, runWell, withFolder } from "../support/run.ts";

const pipeline = (streams: readonly string[], more: object = {}) => ({
  version: 1,
  name: "p",
  source: { provider: "local", path: "." },
  target: { provider: "sqlite", path: "t.db" },
  streams: streams.map((id) => ({ id, source: `${id}.csv`, target: id, ...more })),
});

async function writeFiles(folder: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) await Deno.writeTextFile(join(folder, `${id}.csv`), "id\n1\n2\n");
}

/** Collects the reasons of each stream in their order. */
function reasonsOf(): { onEvent(event: RunEvent): void; of(stream: string): string[] } {
  const found: [string, string][] = [];
  return {
    onEvent: (event) => event.type === "waiting" && found.push([event.stream, event.reason]),
    of: (stream) => found.filter(([one]) => one === stream).map(([, reason]) => reason),
  };
}

Deno.test("a stream waits for its source, then for its target, and for those before it", () =>
  withFolder(async (folder) => {
    await writeFiles(folder, ["a", "b"]);
    // The first stream is the longer one: the second has to wait for its load.
    await Deno.writeTextFile(join(folder, "a.csv"), `id\n${"1\n".repeat(300_000)}`);
    const reasons = reasonsOf();
    await runWell(folder, pipeline(["a", "b"]), { threads: 2, ...reasons });
    assert.deepEqual(reasons.of("a"), ["for the source", "for the target"]);
    const b = reasons.of("b");
    assert.equal(b[0], "for the source");
    assert.equal(b.at(-1), "for the target");
    assert.deepEqual(b.slice(1, -1).filter((reason) => reason !== "for a to load"), []);
  }));

Deno.test("a stream whose target is locked waits for a lock", () =>
  withFolder(async (folder) => {
    await writeFiles(folder, ["a"]);
    using holder = new DatabaseSync(join(folder, "t.db"));
    holder.exec("CREATE TABLE a (id integer); BEGIN EXCLUSIVE");
    const reasons = reasonsOf();
    const onEvent = (event: RunEvent) => {
      reasons.onEvent(event);
      if (event.type === "waiting" && event.reason === "for a lock") holder.exec("ROLLBACK");
    };
    await runWell(folder, pipeline(["a"]), { onEvent });
    assert.ok(reasons.of("a").includes("for a lock"), reasons.of("a").join());
  }));

Deno.test("a stream with a transient failure waits for its next attempt", () =>
  withFolder(async (folder) => {
    await writeFiles(folder, ["a"]);
    const reasons = reasonsOf();
    const gone = { ...pipeline(["a"]), target: "postgres://u:p@127.0.0.1:1/db" };
    const retry = { attempts: 2, backoff: 0.01 };
    const result = await run(
      folder,
      { ...gone, streams: gone.streams.map((stream) => ({ ...stream, retry })) },
      { retries: undefined, onEvent: reasons.onEvent },
    );
    assert.equal(result.status, "failed");
    assert.ok(reasons.of("a").includes("for its next attempt"), reasons.of("a").join());
  }));
