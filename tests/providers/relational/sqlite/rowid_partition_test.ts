/** Parts of a SQLite table for several threads. */
import assert from "node:assert/strict";
import { createExtractTask as asTask } from "../../../../src/arrow/mod.ts";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ExtractTask, RecordExtractor } from "../../../../src/core/contracts/extractor.ts";
import type { Field } from "../../../../src/models/field.ts";
import sqlite from "../../../../src/providers/relational/sqlite/mod.ts";
import { withFolder } from "../../../support/run.ts";
import { connectContext } from "../../../support/connect_context.ts";

const signal = new AbortController().signal;
const ROWS = 120_000;
const FIELDS: Field[] = [{ name: "n", dtype: "int64", nullable: true }];
const TASK = asTask({
  source: { type: "relation", name: "t" },
  projections: FIELDS.map((field) => ({ field, column: field.name })),
  batchRows: 16_384,
  batchBytes: 1 << 22,
  signal,
});

/** About 75 MB; row numbers with gaps, negative ones and the extremes too. */
function fill(path: string, pragma = ""): void {
  using database = new DatabaseSync(path);
  database.exec(`PRAGMA synchronous = off; ${pragma};
    CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, note TEXT); BEGIN;
    WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ${ROWS - 2})
    INSERT INTO t SELECT (n * n % 1000003) * 1000000 + n - 500000000000, n, printf('%.600c', 'x') FROM i;
    INSERT INTO t VALUES (-9223372036854775808, 0, ''), (9223372036854775807, -5, ''); COMMIT`);
}

const SUM = ((ROWS - 2) * (ROWS - 1)) / 2 - 5;

async function withDatabase(
  work: (extractor: RecordExtractor, path: string) => Promise<void>,
  pragma?: string,
): Promise<void> {
  await withFolder(async (folder) => {
    const path = join(folder, "t.db");
    fill(path, pragma);
    const config = sqlite.config.parse({ path });
    await using connector = await sqlite.connect(config, connectContext(folder, signal));
    await work(
      await sqlite.extractors["SqliteExtractor"]!.create(connector, {}) as RecordExtractor,
      path,
    );
  });
}

/** Rows and sum of each part. */
async function read(extractor: RecordExtractor, tasks: readonly ExtractTask[]) {
  return await Promise.all(tasks.map(async (task) => {
    let [rows, sum] = [0, 0];
    for await (const batch of extractor.extract(task)) {
      rows += batch.numRows;
      for (const value of batch.data.children[0]!.values as BigInt64Array) sum += Number(value);
    }
    return { rows, sum };
  }));
}

Deno.test("sqlite: parts of a large table are all of it, as many rows in each", () =>
  withDatabase(async (extractor) => {
    await using partition = await extractor.partition(TASK, { most: 2 });
    assert.equal(partition.parts.length, 2);
    const parts = await read(extractor, partition.parts.map((part) => ({ ...TASK, part })));
    assert.deepEqual(parts.map(({ rows }) => rows), [ROWS / 2, ROWS / 2]);
    assert.equal(parts.reduce((sum, part) => sum + part.sum, 0), SUM);
  }));

Deno.test("sqlite: while there are parts nobody commits, so that all see the same", () =>
  withDatabase(async (extractor, path) => {
    using writer = new DatabaseSync(path, { timeout: 0 });
    {
      await using partition = await extractor.partition(TASK, { most: 2 });
      assert.equal(partition.parts.length, 2);
      assert.throws(() => writer.exec("DELETE FROM t WHERE n % 2 = 0"), /locked/);
      const parts = await read(extractor, partition.parts.map((part) => ({ ...TASK, part })));
      assert.equal(parts.reduce((sum, { rows }) => sum + rows, 0), ROWS);
    }
    writer.exec("DELETE FROM t WHERE n = 7");
  }));

for (
  const [what, task, pragma] of [
    ["a write-ahead log", TASK, "PRAGMA journal_mode = wal"],
    ["a condition", { ...TASK, source: { ...TASK.source, where: "n > 0" } }, ""],
    ["a query", { ...TASK, source: { type: "sql", sql: "SELECT n FROM t" } }, ""],
  ] as [string, ExtractTask, string][]
) {
  Deno.test(`sqlite: with ${what} a table is one part`, () =>
    withDatabase(async (extractor) => {
      await using partition = await extractor.partition(task, { most: 2 });
      assert.equal(partition.parts.length, 1);
      const [all] = await read(extractor, [task]);
      assert.ok(all!.rows >= ROWS - 2);
    }, pragma));
}
