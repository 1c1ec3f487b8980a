/** Full and incremental extraction, append, replace and upsert, from file to exit. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { run, runWell, withFolder } from "../support/run.ts";

interface Databases {
  readonly folder: string;
  source(sql: string): void;
  rows(sql: string): unknown[];
}

function withDatabases(work: (databases: Databases) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "source.db"));
    await work({
      folder,
      source: (sql) => source.exec(sql),
      rows(sql) {
        using target = new DatabaseSync(join(folder, "target.db"));
        return target.prepare(sql).all().map((row) => Object.values(row).join("|"));
      },
    });
  });
}

function yaml(stream: Record<string, unknown>) {
  return {
    version: 1,
    name: "modes",
    source: { provider: "sqlite", path: "source.db" },
    target: { provider: "sqlite", path: "target.db" },
    streams: [{ id: "orders", source: "orders", ...stream }],
  };
}

const ORDERS = `
  CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC(10,2), updated TIMESTAMP);
  INSERT INTO orders VALUES (1, 10.5, '2024-01-01 00:00:00'), (2, 20, '2024-01-02 00:00:00.000001');
`;

Deno.test("append adds on every run, replace does not", () =>
  withDatabases(async ({ folder, source, rows }) => {
    source(ORDERS);
    const append = yaml({ load: { mode: "append" } });
    // The copied primary key would refuse the same orders twice.
    const keyless = {
      ...append,
      streams: [{ ...append.streams[0], source: { type: "sql", sql: "SELECT total FROM orders" } }],
    };
    await runWell(folder, keyless);
    await runWell(folder, keyless);
    assert.deepEqual(rows("SELECT count(*) FROM orders"), ["4"]);
    const replaced = yaml({ target: "replaced", load: { mode: "replace" } });
    await runWell(folder, replaced);
    await runWell(folder, replaced);
    assert.deepEqual(rows("SELECT count(*) FROM replaced"), ["2"]);
  }));

Deno.test("an incremental upsert takes only what is newer, to the microsecond", () =>
  withDatabases(async ({ folder, source, rows }) => {
    source(ORDERS);
    const pipeline = yaml({
      extract: { mode: "incremental", watermark_field: "updated" },
      load: { mode: "upsert", upsert_keys: ["id"] },
    });
    const first = await runWell(folder, pipeline);
    assert.equal(first.streams[0]!.rows_loaded, 2);
    assert.equal(first.streams[0]!.watermark_after, "2024-01-02T00:00:00.000001");
    const again = await runWell(folder, pipeline);
    assert.equal(again.streams[0]!.rows_loaded, 0);
    source(`
      UPDATE orders SET total = 11, updated = '2024-01-02 00:00:00.000002' WHERE id = 1;
      INSERT INTO orders VALUES (3, 30, '2024-01-03 00:00:00');
    `);
    const third = await runWell(folder, pipeline);
    assert.equal(third.streams[0]!.rows_loaded, 2);
    assert.equal(third.streams[0]!.watermark_before, "2024-01-02T00:00:00.000001");
    assert.deepEqual(rows("SELECT id, total FROM orders ORDER BY id"), ["1|11", "2|20", "3|30"]);
  }));

Deno.test("a full refresh takes everything again and replaces", () =>
  withDatabases(async ({ folder, source, rows }) => {
    source(ORDERS);
    const pipeline = yaml({
      extract: { mode: "incremental", watermark_field: "updated" },
      load: { mode: "upsert", upsert_keys: ["id"] },
    });
    await runWell(folder, pipeline);
    source("DELETE FROM orders WHERE id = 1");
    const refreshed = await runWell(folder, pipeline, { fullRefresh: true });
    assert.equal(refreshed.streams[0]!.rows_loaded, 1);
    assert.deepEqual(rows("SELECT id FROM orders"), ["2"]);
  }));

Deno.test("a NULL watermark is an error, unless it is included or excluded", () =>
  withDatabases(async ({ folder, source, rows }) => {
    source(`${ORDERS} INSERT INTO orders VALUES (9, 1, NULL)`);
    const pipeline = (rule?: string) =>
      yaml({
        extract: {
          mode: "incremental",
          watermark_field: "updated",
          ...(rule === undefined ? {} : { null_watermark: rule }),
        },
        load: { mode: "upsert", upsert_keys: ["id"] },
      });
    const refused = await run(folder, pipeline());
    assert.match(
      refused.streams[0]!.error!.message,
      /row 3 is new: watermark field "updated" is NULL/,
    );
    assert.equal((await runWell(folder, pipeline("exclude"))).streams[0]!.rows_loaded, 2);
    const included = (await runWell(folder, pipeline("include"))).streams[0]!;
    assert.equal(included.rows_loaded, 1);
    assert.match(included.warnings[0]!, /1 rows have a NULL in watermark field "updated"/);
    assert.deepEqual(rows("SELECT id FROM orders ORDER BY id"), ["1", "2", "9"]);
  }));

Deno.test("fields are renamed, computed, retyped and generated on the way", () =>
  withDatabases(async ({ folder, source, rows }) => {
    source(ORDERS);
    await runWell(
      folder,
      yaml({
        fields: [
          { id: "id", target: "order_id" },
          { id: "cents", source: { expression: "CAST(total * 100 AS INTEGER)", dtype: "int64" } },
          { id: "updated", dtype: "string" },
          { id: "loaded_at", generator: "current_timestamp" },
        ],
      }),
    );
    assert.deepEqual(rows("SELECT order_id, total, updated, cents FROM orders ORDER BY 1"), [
      "1|10.5|2024-01-01 00:00:00|1050",
      "2|20|2024-01-02 00:00:00.000001|2000",
    ]);
    const [stamp] = rows("SELECT DISTINCT loaded_at FROM orders");
    assert.match(String(stamp), /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/);
  }));

Deno.test("views and queries are sources too", () =>
  withDatabases(async ({ folder, source, rows }) => {
    source(`${ORDERS} CREATE VIEW big AS SELECT * FROM orders WHERE total > 15`);
    await runWell(folder, yaml({ source: "big", target: "a" }));
    await runWell(
      folder,
      yaml({ source: { type: "sql", sql: "SELECT count(*) AS n FROM orders;" }, target: "b" }),
    );
    await runWell(
      folder,
      yaml({ source: { type: "relation", name: "orders", where: "id = 1 -- first" }, target: "c" }),
    );
    assert.deepEqual(
      rows("SELECT id FROM a UNION ALL SELECT n FROM b UNION ALL SELECT id FROM c"),
      [
        "2",
        "2",
        "1",
      ],
    );
  }));

Deno.test("extract stages, load loads, and a success cleans the stage", () =>
  withDatabases(async ({ folder, source, rows }) => {
    source(ORDERS);
    const pipeline = yaml({});
    const extracted = await runWell(folder, pipeline, { phase: "extract" });
    assert.equal(extracted.streams[0]!.rows_extracted, 2);
    const stage = extracted.streams[0]!.stage!;
    assert.ok((await Deno.stat(stage)).isDirectory);
    await runWell(folder, pipeline, { phase: "load" });
    assert.deepEqual(rows("SELECT count(*) FROM orders"), ["2"]);
    await assert.rejects(Deno.stat(stage), Deno.errors.NotFound);
    await assert.rejects(Deno.stat(join(folder, ".dxt")), Deno.errors.NotFound);
    const nothing = await run(folder, pipeline, { phase: "load" });
    assert.equal(
      nothing.streams[0]!.error!.message,
      `Cannot load stream "orders" of pipeline "modes" from "${stage}": nothing is staged there, dxt extract stages it`,
    );
  }));

Deno.test("a cancelled run leaves the target as it was", () =>
  withDatabases(async ({ folder, source, rows }) => {
    source(`${ORDERS}
      INSERT INTO orders SELECT value + 10, 1, NULL FROM (
        WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 400000)
        SELECT value FROM n)`);
    await runWell(
      folder,
      yaml({ source: { type: "relation", name: "orders", where: "id = 1" } }),
    );
    for (const phase of ["extract", "load"] as const) {
      const controller = new AbortController();
      const result = await run(folder, yaml({ load: { mode: "replace" } }), {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.type === "progress" && event.phase === phase) controller.abort();
        },
      });
      assert.equal(result.status, "cancelled", phase);
      assert.deepEqual(rows("SELECT id FROM orders"), ["1"], phase);
    }
  }));
