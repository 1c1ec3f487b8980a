/** `--max-memory`: a run that holds more memory than it may stops before its targets change. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "sqlite";
import { ConfigurationError, ExpectationError } from "../../src/core/errors.ts";
import {
  checkMemoryBound,
  guardMemory,
  isStoppedForMemory,
  LEAST_MEMORY,
} from "../../src/runner/memory_guard.ts";
import { program } from "../cli/program.ts";
import { withFolder } from "../support/run.ts";

const MIB = 1024 ** 2;
const USE = { holder: 'stream "a" with 2 workers', advice: "--threads 1 takes less" };

Deno.test("the first reading above the bound stops the streams, and says what holds the memory", async () => {
  const readings = [400 * MIB, 512 * MIB, 512.5 * MIB];
  const { promise, resolve } = Promise.withResolvers<void>();
  using guard = guardMemory(512 * MIB, () => USE, () => readings.shift()!);
  guard.signal.addEventListener("abort", () => resolve());
  await promise;
  assert.deepEqual(readings, []);
  assert.ok(isStoppedForMemory(guard.signal));
  assert.ok(guard.signal.reason instanceof ExpectationError);
  assert.equal(
    guard.signal.reason.message,
    'dxt holds 512.5 MiB of memory for stream "a" with 2 workers, expected at most 512 MiB (--max-memory); --threads 1 takes less',
  );
});

Deno.test("without a bound nothing is read", () => {
  using guard = guardMemory(undefined, () => USE, () => assert.fail());
  assert.equal(isStoppedForMemory(guard.signal), false);
});

Deno.test("a bound below what a small stream takes is refused", () => {
  checkMemoryBound(undefined);
  checkMemoryBound(LEAST_MEMORY);
  assert.throws(() => checkMemoryBound(LEAST_MEMORY - 1), ConfigurationError);
});

/** Two streams of half a million rows, which are staged in memory and take more than 50 MB there. */
async function withLargeStreams(
  work: (run: (...options: string[]) => ReturnType<typeof program>, out: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "source.db"));
    source.exec(`
      CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
      INSERT INTO a SELECT i, hex(randomblob(40)) FROM n;
      CREATE VIEW b AS SELECT * FROM a`);
    const pipeline = {
      version: 1,
      name: "p",
      source: { provider: "sqlite", path: "source.db" },
      target: { provider: "local", path: "out" },
      buffer: { format: "memory" },
      streams: ["a", "b"].map((id) => ({ id, source: id, target: `${id}.csv` })),
    };
    await Deno.writeTextFile(join(folder, "p.yaml"), JSON.stringify(pipeline));
    const run = (...options: string[]) =>
      program(folder, ["run", "p.yaml", "--threads", "1", "--quiet", ...options]);
    await work(run, join(folder, "out"));
  });
}

Deno.test("a run above --max-memory ends with exit code 5 and writes nothing; one below it loads", () =>
  withLargeStreams(async (run, out) => {
    const over = await run("--max-memory", "192MiB");
    assert.equal(over.code, 5, over.err);
    const [first, second] = JSON.parse(over.out).streams;
    assert.equal(first.error.type, "ExpectationError");
    assert.match(
      first.error.message,
      /^Cannot \w+ stream "a" of pipeline "p" \w+ \w+: dxt holds [\d.]+ MiB of memory for stream "a" with \d workers?, expected at most 192 MiB \(--max-memory\); a stage on disk, load\.early: false or a smaller extract\.batch_bytes takes less; /,
    );
    // The second stream did not begin.
    assert.deepEqual([second.status, second.rows_extracted], ["failed", 0]);
    assert.match(second.error.message, /the target is unchanged$/);
    await assert.rejects(Deno.stat(join(out, "a.csv")), Deno.errors.NotFound);

    const below = await run("--max-memory", "2GB");
    assert.equal(below.code, 0, below.err);
    assert.equal(JSON.parse(below.out).streams[1].rows_loaded, 500_000);
  }));

Deno.test("a bound that is no size, or too small for any run, is refused before anything is read", () =>
  withLargeStreams(async (run) => {
    const cases = [
      ["512", /Cannot bound memory to "512": expected a size with its unit such as 512MiB or 2GB/],
      ["100MiB", /Cannot run within 100 MiB of memory: expected --max-memory of at least 192 MiB/],
    ] as const;
    for (const [size, message] of cases) {
      const { code, err } = await run("--max-memory", size);
      assert.equal(code, 2);
      assert.match(err, message);
    }
  }));
