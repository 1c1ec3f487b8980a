/** Pipelines that keep the history of their rows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { loadPipeline } from "../../src/config/mod.ts";
import { previewPipeline } from "../../src/runner/mod.ts";
import { run, runWell, withFolder } from "../support/run.ts";

type Keys = Record<string, unknown>;

/** A source with the orders 1 to 4. */
async function withOrders(
  work: (orders: {
    source: DatabaseSync;
    target: DatabaseSync;
    folder: string;
    pipeline: (load?: Keys, stream?: Keys) => Keys;
  }) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    using source = new DatabaseSync(join(folder, "s.db"));
    source.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, updated_at TIMESTAMP);
      INSERT INTO t VALUES (1, 'a', '2026-03-01 10:00:00'), (2, 'b', '2026-03-01 11:00:00'),
        (3, 'c', '2026-03-01 12:00:00'), (4, 'd', '2026-03-01 13:00:00')`);
    using target = new DatabaseSync(join(folder, "t.db"));
    const pipeline = (load: Keys = {}, stream: Keys = {}) => ({
      version: 1,
      name: "p",
      source: { provider: "sqlite", path: "s.db" },
      target: { provider: "sqlite", path: "t.db" },
      streams: [{
        ...{ id: "t", source: "t" },
        load: { mode: "scd2", upsert_keys: ["id"], ...load },
        ...stream,
      }],
    });
    await work({ source, target, folder, pipeline });
  });
}

const listVersions = (target: DatabaseSync) =>
  target.prepare("SELECT id, v, is_current FROM t ORDER BY id, valid_from").all()
    .map(({ id, v, is_current }) => `${id}${v}${is_current ? "" : " ended"}`);

Deno.test("a run keeps the versions of rows, and closes those of rows that are gone", () =>
  withOrders(async ({ source, target, folder, pipeline }) => {
    await runWell(folder, pipeline({ deletes: "soft" }));
    source.exec("UPDATE t SET v = 'B' WHERE id = 2; DELETE FROM t WHERE id = 3");
    for (const closed of [1, 0]) {
      const { streams: [stream] } = await runWell(folder, pipeline({ deletes: "soft" }));
      assert.equal(stream!.rows_deleted, closed);
      assert.equal(stream!.proof!.verified!.level, "full");
      assert.match(stream!.proof!.target.evidence, new RegExp(`${closed} closed$`));
      assert.deepEqual(listVersions(target), ["1a", "2b ended", "2B", "3c ended", "4d"]);
    }
  }));

Deno.test("an incremental run adds versions from the watermark on, a full refresh replaces none", () =>
  withOrders(async ({ source, target, folder, pipeline }) => {
    const incremental = pipeline({ history: { valid_from_field: "updated_at" } }, {
      extract: { mode: "incremental", watermark_field: "updated_at" },
    });
    await runWell(folder, incremental);
    source.exec("UPDATE t SET v = 'A', updated_at = '2026-03-02 09:00:00' WHERE id = 1");
    assert.equal((await runWell(folder, incremental)).streams[0]!.rows_loaded, 1);
    assert.equal((await runWell(folder, incremental)).streams[0]!.rows_loaded, 0);
    const versions = ["1a ended", "1A", "2b", "3c", "4d"];
    assert.deepEqual(listVersions(target), versions);
    const times = target.prepare("SELECT valid_from, valid_to FROM t WHERE v = 'a'").get();
    assert.deepEqual({ ...times }, {
      valid_from: "2026-03-01 10:00:00",
      valid_to: "2026-03-02 09:00:00",
    });
    const all = await runWell(folder, incremental, { fullRefresh: true });
    assert.equal(all.streams[0]!.rows_loaded, 4);
    assert.deepEqual(listVersions(target), versions);
  }));

Deno.test("a file without records adds no version, and needs no field of history", () =>
  withOrders(async ({ target, folder, pipeline }) => {
    await runWell(folder, pipeline());
    await Deno.writeTextFile(join(folder, "t.csv"), "");
    const local = {
      ...pipeline({}, { source: "t.csv" }),
      source: { provider: "local", path: "." },
    };
    const { streams: [stream] } = await runWell(folder, local);
    assert.deepEqual([stream!.status, stream!.rows_loaded], ["succeeded", 0]);
    assert.equal(listVersions(target).length, 4);
  }));

Deno.test("the names of the columns may be set", () =>
  withOrders(async ({ target, folder, pipeline }) => {
    const history = { valid_from: "since", valid_to: "until", is_current: "live" };
    await runWell(folder, pipeline({ history }));
    const rows = target.prepare("SELECT id FROM t WHERE live AND until IS NULL AND since > ''");
    assert.equal(rows.all().length, 4);
  }));

Deno.test("a field that differs in every run is refused before a row is read", () =>
  withOrders(async ({ folder, pipeline }) => {
    const fields = [{ id: "loaded_at", generator: "current_timestamp" }];
    const { streams: [stream] } = await run(folder, pipeline({}, { fields }));
    assert.match(
      stream!.error!.message,
      /field "loaded_at" differs in every run.*leave it out, "valid_from" has the time/,
    );
    const constant = [{ id: "shop", constant: "east" }];
    await runWell(folder, pipeline({}, { fields: constant }));
  }));

Deno.test("settings of history that contradict each other are refused with their place", () =>
  withOrders(async ({ folder, pipeline }) => {
    const path = join(folder, "wrong.yaml");
    const load = async (settings: Keys, stream: Keys = {}) => {
      await Deno.writeTextFile(path, JSON.stringify(pipeline(settings, stream)));
      return await loadPipeline(path, { env: {} });
    };
    const wrong: [Keys, RegExp][] = [
      [{ deletes: "hard" }, /keeps the history of its rows, and would delete it/],
      [{ upsert_keys: undefined }, /has mode scd2 but no upsert_keys/],
      [{ mode: "upsert", history: {} }, /has load.history but mode upsert, expected mode: scd2/],
      [{ history: { valid_from: "x", valid_to: "x" } }, /column "x" of load.history has two/],
      [{ history: { valid_to: "is_current" } }, /column "is_current" of load.history has two/],
      [{ deletes: "soft", deleted_at: "gone" }, /has load.deleted_at but marks no rows/],
    ];
    for (const [settings, message] of wrong) await assert.rejects(load(settings), message);
    const skip = { error_handling: { on_load_error: "skip" } };
    await load({}, skip);
    await assert.rejects(run(folder, pipeline({}, skip)), /Cannot reject rows of a load.*scd2/);
    const files = { ...pipeline(), target: { provider: "local", path: "out" } };
    await assert.rejects(
      run(folder, files),
      /Cannot keep history in local: it can append and replace/,
    );
  }));

Deno.test("a plan has the statements that change the table, and no loss", () =>
  withOrders(async ({ folder, pipeline }) => {
    await runWell(folder, pipeline());
    const path = join(folder, "p.yaml");
    await Deno.writeTextFile(path, JSON.stringify(pipeline({ deletes: "soft" })));
    const { result } = await previewPipeline(await loadPipeline(path, { env: {} }), {
      signal: new AbortController().signal,
    });
    const [stream] = result.streams;
    assert.deepEqual([stream!.status, stream!.problems], ["ready", []]);
    assert.deepEqual(stream!.destructive, []);
    assert.match(stream!.statements.join("\n"), /INSERT INTO .*"valid_from", "valid_to"/);
    assert.equal(stream!.load.guarantee, "transactional");
  }));
