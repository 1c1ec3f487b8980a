/** What a run and a plan say of watermarks that are not what they should be. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { loadPipeline } from "../../src/config/mod.ts";
import { previewPipeline } from "../../src/runner/mod.ts";
import { run, runWell, withFolder } from "../support/run.ts";

type Keys = Record<string, unknown>;

/** A source with one table, and a pipeline from it into another file. */
function pipelineOf(folder: string, table: string, keys: Keys = {}, extract: Keys = {}) {
  const path = join(folder, "source.db");
  using database = new DatabaseSync(path);
  database.exec(table);
  return {
    sql(text: string) {
      using again = new DatabaseSync(path);
      again.exec(text);
    },
    pipeline: {
      ...{ version: 1, name: "warned", source: { provider: "sqlite", path } },
      target: { provider: "sqlite", path: join(folder, "target.db") },
      streams: [{
        ...{ id: "s", source: "s", target: "t" },
        extract: { mode: "incremental", watermark_field: "at", ...extract },
        ...keys,
      }],
    },
  };
}

async function warnings(folder: string, pipeline: Keys): Promise<readonly string[]> {
  return (await runWell(folder, pipeline)).streams[0]!.warnings;
}

async function planned(folder: string, pipeline: Keys): Promise<readonly string[]> {
  const path = join(folder, "plan.yaml");
  await Deno.writeTextFile(path, JSON.stringify(pipeline));
  const loaded = await loadPipeline(path, { env: {} });
  const { signal } = new AbortController();
  return (await previewPipeline(loaded, { signal })).result.streams[0]!.warnings;
}

const UPSERT = { load: { mode: "upsert", upsert_keys: ["id"] } };

/** Type, a value of the past and one of the far future, and the settings that name the row. */
const FUTURE: readonly [string, string, string, Keys, RegExp][] = [
  [
    "TIMESTAMPTZ",
    "2024-01-01 00:00:00+00:00",
    "2999-01-01 00:00:00+00:00",
    UPSERT,
    /in the row with id "2"/,
  ],
  ["TIMESTAMP", "2024-01-01 00:00:00", "2999-01-01 00:00:00", UPSERT, /in the row with id "2"/],
  ["DATE", "2024-01-01", "2999-01-01", {}, /in the row with id "2"/],
];

for (const [type, past, future, keys, wanted] of FUTURE) {
  Deno.test(`a ${type} of the future is reported with its row, as long as it is the highest`, () =>
    withFolder(async (folder) => {
      const { pipeline, sql } = pipelineOf(
        folder,
        `CREATE TABLE s (id INTEGER PRIMARY KEY, at ${type}); INSERT INTO s VALUES (1, '${past}')`,
        keys,
      );
      assert.deepEqual(await warnings(folder, pipeline), []);
      sql(`INSERT INTO s VALUES (2, '${future}')`);
      const [first] = await warnings(folder, pipeline);
      assert.match(first!, /highest "at" of the source is "2999-01-01.*later than now/);
      assert.match(first!, wanted);
      sql(`INSERT INTO s VALUES (3, '${past}')`);
      const [second] = await warnings(folder, pipeline);
      assert.match(second!, /highest "at" of t is "2999-01-01.*later than now/);
      assert.deepEqual(await planned(folder, pipeline), [second]);
    }));
}

Deno.test("a row without a key is reported by its value", () =>
  withFolder(async (folder) => {
    const { pipeline } = pipelineOf(
      folder,
      "CREATE TABLE s (at DATE); INSERT INTO s VALUES ('2999-01-01')",
    );
    const [told] = await warnings(folder, pipeline);
    assert.match(told!, /^the highest "at" of the source is "2999-01-01", later than now/);
  }));

Deno.test("a number is of no time", () =>
  withFolder(async (folder) => {
    const { pipeline } = pipelineOf(
      folder,
      "CREATE TABLE s (at INTEGER); INSERT INTO s VALUES (99999999999999)",
    );
    assert.deepEqual(await warnings(folder, pipeline), []);
  }));

/** A target whose highest value is another's: what is changed in it, and the streams' settings. */
const ABOVE: readonly [string, Keys][] = [
  ["an idle run", {}],
  ["a run with an overlap", { overlap: 5 }],
];

for (const [label, extract] of ABOVE) {
  Deno.test(`a target above its source is reported with both values: ${label}`, () =>
    withFolder(async (folder) => {
      const { pipeline, sql } = pipelineOf(
        folder,
        "CREATE TABLE s (id INTEGER PRIMARY KEY, at INTEGER); INSERT INTO s VALUES (1, 7), (2, 8)",
        UPSERT,
        extract,
      );
      assert.deepEqual(await warnings(folder, pipeline), []);
      assert.deepEqual(await warnings(folder, pipeline), [], "the same value is no higher");
      assert.deepEqual(await planned(folder, pipeline), []);
      {
        using target = new DatabaseSync(join(folder, "target.db"));
        target.exec("UPDATE t SET at = at + 4");
      }
      sql("INSERT INTO s VALUES (3, 9)");
      const [told] = await warnings(folder, pipeline);
      assert.match(told!, /^the highest "at" of t is "12", above the source's own "9"/);
      // An overlap reads the lower rows again, and so lowers what the target has by their keys.
      const later = "overlap" in extract ? [] : [told];
      assert.deepEqual(await planned(folder, pipeline), later);
      // What is above the target's value is read, and nothing is to be told.
      sql("INSERT INTO s VALUES (4, 13)");
      assert.deepEqual(await warnings(folder, pipeline), []);
    }));
}

/** Values that count as NULL, as they are written into a column of a type. */
const PLACELESS: readonly [string, string, string, string][] = [
  ["DOUBLE", "1.5", "'NaN'", "NaN"],
  ["DOUBLE", "1.5", "-9e999", "-Infinity"],
  ["DATE", "'2024-01-01'", "'infinity'", "infinity"],
  ["TIMESTAMPTZ", "'2024-01-01 00:00:00Z'", "'infinity'", "infinity"],
];

Deno.test("NaN and infinity follow the rule for NULL, and end no stream", () =>
  withFolder(async (folder) => {
    for (const [at, [type, finite, word, shown]] of PLACELESS.entries()) {
      const own = join(folder, String(at));
      await Deno.mkdir(own);
      const { pipeline, sql } = pipelineOf(
        own,
        `CREATE TABLE s (id INTEGER PRIMARY KEY, at ${type});
         INSERT INTO s VALUES (1, ${finite}), (2, ${word})`,
        UPSERT,
      );
      const under = (null_watermark: string) => ({
        ...pipeline,
        streams: pipeline.streams.map((stream) => ({
          ...stream,
          extract: { ...stream.extract, null_watermark },
        })),
      });
      const refused = await run(own, pipeline);
      assert.match(
        refused.streams[0]!.error!.message,
        new RegExp(
          `whether row 2 is new: watermark field "at" is "${shown}", which counts as NULL`,
        ),
      );
      assert.equal((await runWell(own, under("exclude"))).streams[0]!.rows_loaded, 1, shown);
      sql(`INSERT INTO s SELECT 3, max(at) FROM s WHERE id = 1`);
      sql(`UPDATE s SET at = ${finite.replace("1.5", "2.5").replace("2024", "2025")} WHERE id = 3`);
      const { streams: [included] } = await runWell(own, under("include"));
      assert.equal(included!.rows_loaded, 2, shown);
      assert.match(included!.warnings[0]!, /^1 rows have NULL, NaN or infinity/);
      assert.equal((await runWell(own, under("include"))).streams[0]!.rows_loaded, 1, shown);
    }
  }));
