/** What `dxt test` finds before a run does. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { loadPipeline } from "../../src/config/mod.ts";
import { testPipeline } from "../../src/runner/mod.ts";
import { run, withFolder } from "../support/run.ts";

const { signal } = new AbortController();

async function withDatabases(work: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    for (
      const [name, sql] of Object.entries({
        source: `CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC(10,2), note TEXT);
          INSERT INTO orders VALUES (1, 2.5, 'a')`,
        target: "CREATE TABLE old (id INTEGER PRIMARY KEY); CREATE TABLE narrow (note INTEGER)",
      })
    ) {
      const database = new DatabaseSync(join(folder, `${name}.db`));
      database.exec(sql);
      database.close();
    }
    await work(folder);
  });
}

function pipeline(streams: readonly Record<string, unknown>[], target = {}) {
  return {
    version: 1,
    name: "p",
    source: { provider: "sqlite", path: "source.db" },
    target: { provider: "sqlite", path: "target.db", ...target },
    streams: streams.map((stream) => ({ source: "orders", ...stream })),
  };
}

Deno.test("a test finds what a run would refuse before it reads a row", () =>
  withDatabases(async (folder) => {
    const path = join(folder, "p.yaml");
    const streams = [
      { id: "fine", target: "fine" },
      { id: "changed", target: "old" },
      { id: "evolves", target: "old", load: { schema: "evolve" } },
      {
        id: "lossy",
        target: "narrow",
        fields: [{ id: "note" }],
        only_declared_fields: true,
      },
      { id: "mistyped", target: "x", fields: [{ id: "totl" }] },
      { id: "keyless", target: "y", load: { mode: "upsert", upsert_keys: ["nr"] } },
    ];
    await Deno.writeTextFile(path, JSON.stringify(pipeline(streams)));
    const results = await testPipeline(await loadPipeline(path, { env: {} }), {
      signal,
      onResult() {},
    });
    const problems = Object.fromEntries(
      results.filter((one) => one.problems.length > 0)
        .map(({ check, stream, problems }) => [`${check} ${stream}`, problems.join("\n")]),
    );
    assert.deepEqual(Object.keys(problems), [
      "read mistyped",
      "read keyless",
      "write changed",
      "write lossy",
    ]);
    assert.match(problems["write changed"]!, /no columns "total", "note".*ADD COLUMN/s);
    assert.match(problems["write lossy"]!, /field "note" is string, column is INTEGER/);
    assert.match(problems["read mistyped"]!, /"totl".*did you mean "total"/);
    assert.match(problems["read keyless"]!, /Cannot upsert by "nr"/);
  }));

Deno.test("a run reads nothing for a database or a folder that cannot be written", () =>
  withDatabases(async (folder) => {
    const { streams: [stream] } = await run(folder, pipeline([{ id: "a" }], { readonly: true }));
    assert.match(stream!.error!.message, /Cannot load stream "a" .*target\.db" is readonly$/);
    assert.deepEqual([stream!.rows_extracted, stream!.stage], [0, undefined]);
    await Deno.writeTextFile(join(folder, "file"), "");
    const files = { provider: "local", path: "." };
    const { streams: [other] } = await run(folder, {
      ...pipeline([{ id: "a", target: "file/a.csv" }]),
      target: files,
    });
    assert.match(other!.error!.message, /Cannot load stream "a" .*file/);
    assert.deepEqual([other!.rows_extracted, other!.stage], [0, undefined]);
  }));

Deno.test("a refused change of a column is reported once, without advice that does not help", () =>
  withDatabases(async (folder) => {
    const target = new DatabaseSync(join(folder, "target.db"));
    target.exec("CREATE TABLE checked (note INTEGER CHECK (note > 0))");
    target.close();
    const fields = { fields: [{ id: "note" }], only_declared_fields: true };
    const { streams } = await run(
      folder,
      pipeline([
        { id: "replaced", target: "checked", load: { mode: "replace" }, ...fields },
        { id: "evolved", target: "narrow", load: { schema: "evolve" }, ...fields },
      ]),
    );
    const [replaced, evolved] = streams.map(({ error }) => error!.message);
    assert.match(replaced!, /would lose its CHECK; change the table yourself, or drop it$/);
    assert.match(evolved!, /column is INTEGER/);
    assert.doesNotMatch(evolved!, /schema: evolve/);
  }));

Deno.test("a failed load from memory reports no stage", () =>
  withDatabases(async (folder) => {
    const target = new DatabaseSync(join(folder, "target.db"));
    target.exec("CREATE TABLE full (id INTEGER PRIMARY KEY CHECK (id > 1))");
    target.close();
    const fields = { fields: [{ id: "id" }], only_declared_fields: true };
    const stage = async (format: string) => {
      const buffer = { buffer: { format } };
      const stream = { id: "full", target: "full", load: { mode: "append" }, ...fields };
      const { streams } = await run(folder, { ...pipeline([stream]), ...buffer });
      assert.match(streams[0]!.error!.message, /CHECK constraint failed/);
      return streams[0]!.stage;
    };
    assert.notEqual(await stage("parquet"), undefined);
    assert.equal(await stage("memory"), undefined);
  }));
