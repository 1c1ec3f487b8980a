/** Queries whose columns have no name, or the same one twice. */
import assert from "node:assert/strict";
import { readRecords } from "../../../../src/arrow/mod.ts";
import { PostgresCopyExtractor } from "../../../../src/providers/relational/postgres/copy_extractor.ts";
import type { StreamSource } from "../../../../src/models/source.ts";
import { connect, never, onServers } from "./support.ts";

const CASES: readonly [sql: string, record: Record<string, unknown>, warning?: RegExp][] = [
  ["SELECT 1, 2", { column_1: 1, column_2: 2 }, /column 1 has no name, and is read as "column_1"/],
  [
    "SELECT 1 AS a, 2 AS a",
    { a: 1, a_2: 2 },
    /column 2 has the same name as an earlier column, "a".*"a_2"/,
  ],
  ["SELECT max(n), max(n + 1) FROM t; -- both", { max: 1, max_2: 2 }, /"max_2"/],
  ["SELECT n, n + 1 FROM t", { n: 1, column_2: 2 }, /column 2 has no name/],
  ["SELECT 5 AS column_2, 6", { column_2: 5, column_2_2: 6 }, /"column_2_2"/],
  ["SELECT l.n, r.n FROM t l JOIN t r ON l.n = r.n", { n: 1, n_2: 1 }, /"n_2"/],
  ["SELECT * FROM t a CROSS JOIN t b", { n: 1, n_2: 1 }, /"n_2"/],
  ["VALUES (1, 2)", { column1: 1, column2: 2 }],
  ['SELECT n AS "?", 2 AS "A", 3 AS a FROM t', { "?": 1, A: 2, a: 3 }],
  ["WITH w AS (SELECT 7) TABLE w", { column_1: 7 }, /column 1 has no name/],
];

onServers("columns without a name of their own get one, and that is told", async (database) => {
  await database.sql("CREATE TABLE t AS SELECT 1 AS n");
  for (const [sql, record, warning] of CASES) {
    const warnings: string[] = [];
    await using connector = await connect(database.url, {}, never, warnings);
    const source: StreamSource = { type: "sql", sql };
    const fields = (await connector.getStreamFields(source))!;
    assert.deepEqual(fields.map(({ name }) => name), Object.keys(record), sql);
    assert.equal(warnings.length, warning === undefined ? 0 : 1, sql);
    if (warning !== undefined) assert.match(warnings[0]!, warning);
    const task = {
      source,
      projections: fields.map((field) => ({ field, column: field.name })),
      batchRows: 10,
      batchBytes: 1 << 20,
      signal: never,
    };
    const extractor = new PostgresCopyExtractor(connector);
    const read = async (part?: Record<string, string | number | null>) => {
      const found: unknown[] = [];
      const one = part === undefined ? task : { ...task, part };
      for await (const batch of extractor.extract(one)) found.push(...readRecords(batch));
      return found;
    };
    assert.deepEqual(await read(), [record], sql);
    const field = Object.keys(record).at(-1)!;
    await using moment = await extractor.partition(task, { most: 2, field });
    assert.equal(moment.parts.length, 1);
    assert.deepEqual((await connector.checkRead(source)).problems, [], sql);
    assert.equal((await connector.estimate(source)).kind, "query", sql);
  }
  await using connector = await connect(database.url);
  const source: StreamSource = { type: "sql", sql: "SELECT i, i * 2 FROM generate_series(1, 9) i" };
  const fields = (await connector.getStreamFields(source))!;
  const task = {
    source,
    projections: fields.map((field) => ({ field, column: field.name })),
    batchRows: 10,
    batchBytes: 1 << 20,
    signal: never,
  };
  const extractor = new PostgresCopyExtractor(connector);
  await using moment = await extractor.partition(task, { most: 3, field: "column_2" });
  let rows = 0;
  for (const part of moment.parts) {
    for await (const batch of extractor.extract({ ...task, part })) rows += batch.numRows;
  }
  assert.equal(rows, 9);
});
