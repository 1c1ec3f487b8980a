/** Rows that the source no longer has: a run deletes or marks them, if it read all keys of the source. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { loadPipeline } from "../../src/config/mod.ts";
import { previewPipeline } from "../../src/runner/mod.ts";
import { runExitCode } from "../../src/cli/terminal/exit_codes.ts";
import { run, withFolder } from "../support/run.ts";

type Keys = Record<string, unknown>;

/** A source with the keys 1 to 4, and a pipeline that has loaded them. */
async function withOrders(
  load: Keys,
  work: (
    source: DatabaseSync,
    target: DatabaseSync,
    go: (options?: Keys, stream?: Keys) => ReturnType<typeof run>,
    folder: string,
  ) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "s.db"));
    source.exec(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')",
    );
    const go = (options: Keys = {}, stream: Keys = {}) =>
      run(folder, {
        version: 1,
        name: "p",
        source: { provider: "sqlite", path: "s.db" },
        target: { provider: "sqlite", path: "t.db" },
        streams: [{
          ...{ id: "t", source: "t" },
          load: { mode: "upsert", upsert_keys: ["id"], ...load },
          ...stream,
        }],
      }, options);
    const first = await go();
    assert.deepEqual([first.status, first.streams[0]!.rows_deleted], ["succeeded", 0]);
    using target = new DatabaseSync(join(folder, "t.db"));
    await work(source, target, go, folder);
  });
}

const listIds = (target: DatabaseSync, where = "true") =>
  target.prepare(`SELECT id FROM t WHERE ${where} ORDER BY id`).all().map(({ id }) => id);

Deno.test("hard deletes remove what the source no longer has, and the result has their number", () =>
  withOrders({ deletes: "hard" }, async (source, target, go) => {
    source.exec("DELETE FROM t WHERE id = 2");
    for (const gone of [1, 0]) {
      const { streams: [stream] } = await go();
      assert.deepEqual([stream!.status, stream!.rows_deleted], ["succeeded", gone]);
      assert.match(stream!.proof!.target.evidence, new RegExp(`${gone} deleted$`));
      assert.deepEqual(listIds(target), [1, 3, 4]);
    }
  }));

Deno.test("soft deletes mark rows in the column that the pipeline names", () =>
  withOrders({ deletes: "soft", deleted_at: "gone" }, async (source, target, go) => {
    source.exec("DELETE FROM t WHERE id = 2");
    assert.equal((await go()).streams[0]!.rows_deleted, 1);
    assert.deepEqual([listIds(target), listIds(target, "gone IS NULL")], [[1, 2, 3, 4], [1, 3, 4]]);
    source.exec("INSERT INTO t VALUES (2, 'back')");
    assert.equal((await go()).streams[0]!.rows_deleted, 0);
    assert.deepEqual(listIds(target, "gone IS NULL"), [1, 2, 3, 4]);
  }));

Deno.test("an empty source empties no target unless the pipeline allows it", () =>
  withOrders({ deletes: "hard" }, async (source, target, go) => {
    source.exec("DELETE FROM t");
    const result = await go();
    assert.match(
      result.streams[0]!.error!.message,
      /no longer has the keys of 4 of the target's 4 rows, 100 %, expected at most 50 % to delete/,
    );
    assert.equal(runExitCode(result), 5);
    assert.deepEqual(listIds(target), [1, 2, 3, 4]);
    const refreshed = await go({ fullRefresh: true });
    assert.match(
      refreshed.streams[0]!.error!.message,
      /would leave 0 of the target's 4 rows, 100 % fewer, expected at most 50 % fewer/,
    );
    assert.equal(runExitCode(refreshed), 5);
    assert.deepEqual(listIds(target), [1, 2, 3, 4]);
    assert.equal((await go({}, { expect: { max_delete_pct: 100 } })).streams[0]!.rows_deleted, 4);
    assert.deepEqual(listIds(target), []);
  }));

Deno.test("a run that reads a part of the source deletes nothing", () =>
  withOrders({ deletes: "hard" }, async (_source, target, go, folder) => {
    await assert.rejects(go({ limit: 3 }), /Cannot limit stream "t": load.deletes would delete/);
    const upsert = { load: { mode: "upsert", upsert_keys: ["id"] } };
    await go({ phase: "extract", limit: 3 }, upsert);
    const { streams: [stream] } = await go({ phase: "load" });
    assert.match(stream!.error!.message, /the stage holds a limited number of rows/);
    assert.deepEqual(listIds(target), [1, 2, 3, 4]);
    await Deno.remove(join(folder, ".dxt"), { recursive: true });
    const part = { type: "relation", name: "t", where: "id < 3" };
    await assert.rejects(
      go({}, { source: part }),
      /would delete all others: expected .* load.where/,
    );
    const load = { ...upsert.load, deletes: "hard", where: "id < 3" };
    assert.equal((await go({}, { source: part, load })).streams[0]!.rows_deleted, 0);
    assert.deepEqual(listIds(target), [1, 2, 3, 4]);
  }));

const INCREMENTAL = { extract: { mode: "incremental", watermark_field: "id" } };

Deno.test("an incremental run reads the keys of the source, and deletes what they lack", () =>
  withOrders({ deletes: "hard" }, async (source, target, go) => {
    source.exec("DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (5, 'e')");
    for (const [loaded, gone] of [[1, 1], [0, 0]] as const) {
      const { streams: [stream] } = await go({}, INCREMENTAL);
      assert.deepEqual([stream!.rows_loaded, stream!.rows_deleted], [loaded, gone]);
      assert.match(stream!.proof!.target.evidence, new RegExp(`${gone} deleted by keys: .*4`));
      assert.deepEqual(listIds(target), [1, 3, 4, 5]);
    }
    source.exec("DELETE FROM t WHERE id > 1");
    const result = await go({}, INCREMENTAL);
    assert.match(
      result.streams[0]!.error!.message,
      /no longer has the keys of 3 of the target's 4/,
    );
    assert.equal(runExitCode(result), 5);
    assert.deepEqual(listIds(target), [1, 3, 4, 5]);
  }));

Deno.test("a row that comes to the source between the records and the keys is not deleted", () =>
  withOrders({ deletes: "hard" }, async (source, target, go) => {
    source.exec("PRAGMA journal_mode = WAL; INSERT INTO t VALUES (5, 'e')");
    let writes = 0;
    const onEvent = ({ type }: { readonly type: string }) => {
      if (type !== "progress" || writes++ > 0) return;
      // The records were read in a snapshot of their own.
      source.exec("INSERT INTO t VALUES (6, 'f'); DELETE FROM t WHERE id IN (1, 5)");
    };
    const { streams: [stream] } = await go({ onEvent }, INCREMENTAL);
    assert.ok(writes > 0);
    assert.deepEqual([stream!.rows_loaded, stream!.rows_deleted], [1, 1]);
    assert.deepEqual(listIds(target), [2, 3, 4, 5]);
    assert.equal((await go({}, INCREMENTAL)).streams[0]!.rows_deleted, 1);
    assert.deepEqual(listIds(target), [2, 3, 4, 6]);
  }));

Deno.test("keys are staged for dxt load, and a stage without them is refused", () =>
  withOrders({ deletes: "soft" }, async (source, target, go, folder) => {
    source.exec("DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (5, 'e')");
    const isLeft = "_dxt_deleted_at IS NULL";
    const stage = join(folder, ".dxt", "stage", "p", "t");
    await go({ phase: "extract" }, INCREMENTAL);
    source.exec("DELETE FROM t");
    await Deno.rename(join(stage, "keys"), join(folder, "keys"));
    const { streams: [failed] } = await go({ phase: "load" }, INCREMENTAL);
    assert.match(failed!.error!.message, /the keys of the source are not staged there.*dxt run/);
    assert.deepEqual(listIds(target, isLeft), [1, 2, 3, 4]);
    await Deno.rename(join(folder, "keys"), join(stage, "keys"));
    const { streams: [loaded] } = await go({ phase: "load" }, INCREMENTAL);
    assert.equal(loaded!.rows_deleted, 1);
    assert.deepEqual(listIds(target, isLeft), [1, 3, 4, 5]);
    await assert.rejects(Deno.stat(stage), Deno.errors.NotFound);
  }));

Deno.test("the keys of a transformed stream cannot be read by themselves", () =>
  withOrders({ deletes: "hard" }, async (_source, _target, go) => {
    const transforms = ["./t.ts#T"];
    await assert.rejects(
      go({}, { ...INCREMENTAL, transforms }),
      /reads its keys besides, which pass no transforms/,
    );
  }));

Deno.test("a plan says which rows would be deleted", () =>
  withFolder(async (folder) => {
    using target = new DatabaseSync(join(folder, "t.db"));
    target.exec(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, _dxt_deleted_at TIMESTAMP); INSERT INTO t VALUES (1, NULL)",
    );
    using source = new DatabaseSync(join(folder, "s.db"));
    source.exec("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    const path = join(folder, "p.yaml");
    for (const deletes of ["hard", "soft"]) {
      const load = { mode: "upsert", upsert_keys: ["id"], deletes };
      await Deno.writeTextFile(
        path,
        JSON.stringify({
          ...{ version: 1, name: "p", source: "sqlite:s.db", target: "sqlite:t.db" },
          streams: [{ id: "t", source: "t", load }],
        }),
      );
      const { result: plan } = await previewPipeline(await loadPipeline(path, { env: {} }), {
        signal: new AbortController().signal,
      });
      const [{ status, destructive, load: planned, warnings, problems }] = plan.streams as [
        typeof plan.streams[0],
      ];
      assert.deepEqual([status, problems, planned.deletes], ["ready", [], deletes]);
      // Only soft deletes fill the column.
      assert.equal(warnings.length, deletes === "hard" ? 1 : 0);
      // What is marked is not lost.
      const lost =
        'rows of "t" whose keys the source no longer has are deleted, at most 50 % of 1 row';
      assert.deepEqual(destructive, deletes === "hard" ? [lost] : []);
    }
  }));
