/** What a wildcard becomes, and what it refuses; tests/conformance has it for each provider. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  loadArguments,
  type LoadedPipeline,
  loadPipeline,
  LocatedError,
} from "../../src/config/mod.ts";
import {
  checkPipeline,
  permissionsOfPipeline,
  previewPipeline,
  previewPipelineRows,
  testPipeline,
} from "../../src/runner/mod.ts";
import { exceedingGrants } from "../../src/core/permissions.ts";
import { expandWildcards } from "../../src/runner/inspect/wildcards.ts";
import { type PipelineRun, run, runWell, withFolder } from "../support/run.ts";

const TABLES = `
  CREATE TABLE orders (id INTEGER PRIMARY KEY, changed INTEGER NOT NULL);
  INSERT INTO orders VALUES (1, 10), (2, 20);
  CREATE TABLE items (id INTEGER PRIMARY KEY, changed INTEGER NOT NULL);
  INSERT INTO items VALUES (1, 5);
  CREATE TABLE notes (text TEXT);
  CREATE TABLE "odd, name" (id INTEGER PRIMARY KEY);
  CREATE TABLE "a.b/c" (id INTEGER PRIMARY KEY);
  CREATE VIEW broken AS SELECT * FROM missing;
`;

type Settings = Readonly<Record<string, unknown>>;

function pipelineOf(streams: readonly Settings[], settings: Settings = {}) {
  return {
    version: 1,
    name: "wild",
    source: { provider: "sqlite", path: "source.db" },
    target: { provider: "sqlite", path: "target.db" },
    defaults: { load: { mode: "replace" } },
    ...settings,
    streams,
  };
}

async function withTables(work: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const database = new DatabaseSync(join(folder, "source.db"));
    database.exec(TABLES);
    database.close();
    await work(folder);
  });
}

async function load(
  folder: string,
  streams: readonly Settings[],
  settings?: Settings,
): Promise<LoadedPipeline> {
  const path = join(folder, "p.yaml");
  await Deno.writeTextFile(path, JSON.stringify(pipelineOf(streams, settings), null, 1));
  return await loadPipeline(path, { env: {} });
}

const { signal } = new AbortController();

/** The streams that a run would have, as `id: source → target`. */
async function expand(folder: string, streams: readonly Settings[], settings?: Settings) {
  const { pipeline } = await expandWildcards(await load(folder, streams, settings), { signal });
  return pipeline.streams.map(({ id, source, target }) =>
    `${id}: ${textOf(source)} → ${textOf(target)}`
  );
}

function textOf(ref: unknown): unknown {
  if (typeof ref === "string" || ref === undefined) return ref;
  const { schema, name, path } = ref as Record<string, string>;
  return path ?? (schema === undefined ? name : `${schema}/${name}`);
}

/** The messages with which a pipeline is refused, and their lines. */
async function refusals(folder: string, streams: readonly Settings[], settings?: Settings) {
  try {
    await expandWildcards(await load(folder, streams, settings), { signal });
  } catch (error) {
    assert.ok(error instanceof LocatedError, String(error));
    return error.issues.map(({ message }) => message);
  }
  return assert.fail("the wildcard was expanded");
}

Deno.test("a wildcard is a stream for each table but those with their own stream", () =>
  withTables(async (folder) => {
    assert.deepEqual(await expand(folder, [{ source: "*" }]), [
      'a.b/c: "a.b/c" → "a.b/c"',
      "items: items → items",
      "notes: notes → notes",
      "odd_name: odd, name → odd, name",
      "orders: orders → orders",
    ]);
    const own = { id: "mine", source: { type: "relation", name: "ITEMS" } };
    assert.deepEqual(
      await expand(folder, [
        { source: "?????*", exclude: ["odd*", "a.*", "*.a*"], target: "raw_{table}" },
        own,
        {
          id: "{schema}.{table}",
          source: "main.n*",
          target: { type: "relation", schema: "main", name: "{schema}_{table}" },
        },
      ]),
      [
        "notes: notes → raw_notes",
        "orders: orders → raw_orders",
        "mine: ITEMS → undefined",
        "main.notes: notes → main/main_notes",
      ],
    );
  }));

Deno.test("names of tables become safe names of files and quoted names of tables", () =>
  withTables(async (folder) => {
    const target = { provider: "local", path: "out" };
    assert.deepEqual(
      await expand(folder, [{ source: "a*", target: "x/{table}.csv" }], { target }),
      ['a.b/c: "a.b/c" → x/a.b_c.csv'],
    );
    assert.deepEqual(await expand(folder, [{ source: "a*", target: "main.raw_{table}" }]), [
      'a.b/c: "a.b/c" → main."raw_a.b/c"',
    ]);
  }));

Deno.test("an error names all tables that lack a key or field of the wildcard", () =>
  withTables(async (folder) => {
    const advice = "exclude these tables, or give them their own streams";
    const incremental = {
      extract: { mode: "incremental", watermark_field: "changed" },
      load: { mode: "upsert" },
    };
    assert.deepEqual(await refusals(folder, [{ source: "*", ...incremental }]), [
      `Cannot upsert stream "{table}": no primary key in "notes"; ${advice}`,
      `Cannot read new rows of stream "{table}": no watermark field "changed" in "a.b/c", "notes", "odd, name"; ${advice}`,
    ]);
    const keyed = { load: { mode: "upsert", upsert_keys: ["id", "changed"] } };
    assert.deepEqual(await refusals(folder, [{ source: "o*", ...keyed }]), [
      `Cannot upsert stream "{table}": no key field "changed" in "odd, name"; ${advice}`,
    ]);
  }));

Deno.test("an upsert takes each table's primary key, by the ids of declared fields", () =>
  withTables(async (folder) => {
    const fields = [{ id: "number", source: "id" }];
    const streams = [{ source: "item*", fields, load: { mode: "upsert" } }];
    const { pipeline } = await expandWildcards(await load(folder, streams), { signal });
    assert.deepEqual(pipeline.streams[0]!.load, { mode: "upsert", upsert_keys: ["number"] });
    const { streams: [result] } = await runWell(folder, pipelineOf(streams));
    assert.equal(result!.rows_loaded, 1);
  }));

Deno.test("a wildcard without a table is an error that lists tables", () =>
  withTables(async (folder) => {
    assert.deepEqual(
      await refusals(folder, [{ source: "order_*" }, { source: "*s", exclude: ["*"] }]),
      [
        'Cannot expand stream "{table}": no table matches "order_*", or the login may not read it, did you mean "orders"',
        'Cannot expand stream "{table}": each table that matches "*s" is excluded or has its own stream: "items", "notes", "orders"',
      ],
    );
    assert.match(
      (await refusals(folder, [{ source: "sales.*" }]))[0]!,
      /no table matches "sales\.\*".*; there are "a\.b\/c", "items", "notes"/,
    );
  }));

Deno.test("streams of the same id or target are refused, with their tables", () =>
  withTables(async (folder) => {
    assert.deepEqual(
      await refusals(folder, [{ source: "o*s" }, { source: "*rs" }, {
        id: "items",
        source: "notes",
      }, {
        source: "it*",
        target: "t_{table}",
      }]),
      [
        'Cannot name several streams "orders": table "orders", table "orders"; expected an id such as {schema}.{table}',
        'Cannot name several streams "items": stream "items", table "items"; expected an id such as {schema}.{table}',
      ],
    );
    const database = new DatabaseSync(join(folder, "source.db"));
    database.exec('CREATE TABLE "x/y" (a); CREATE TABLE "x_y" (a)');
    database.close();
    const target = { provider: "local", path: "out" };
    assert.deepEqual(
      await refusals(folder, [{ source: "x*", target: "{table}.csv" }], { target }),
      [
        'Cannot load several tables into one target: table "x/y", table "x_y"; expected a target such as {schema}_{table}',
      ],
    );
  }));

Deno.test("errors of the streams that a wildcard makes name its place in the file", () =>
  withTables(async (folder) => {
    const streams = [
      { id: "one", source: "notes", target: "all" },
      { id: "x_{table}", source: "it*", target: "all" },
    ];
    const loaded = await expandWildcards(await load(folder, streams), { signal });
    await assert.rejects(checkPipeline(loaded), (error: Error) => {
      assert.ok(error instanceof LocatedError);
      assert.match(error.issues[0]!.message, /Cannot replace the target of stream "x_items"/);
      assert.match(error.issues[0]!.excerpt, /"target": "all"/);
      return true;
    });
  }));

Deno.test("plan, test, head and a selector know the streams that a wildcard makes", () =>
  withTables(async (folder) => {
    const loaded = await load(folder, [{ source: "*s", target: "raw_{table}" }]);
    const { result: plan } = await previewPipeline(loaded, { signal, select: "o*" });
    assert.deepEqual(plan.streams.map(({ stream, status }) => `${stream} ${status}`), [
      "orders ready",
    ]);
    const checks = await testPipeline(loaded, { signal, exclude: "items", onResult() {} });
    assert.deepEqual(checks.map(({ check, stream }) => [check, stream].join(" ")), [
      "source ",
      "read notes",
      "read orders",
      "target ",
      "write notes",
      "write orders",
    ]);
    const showing = { rows: 5, mayExplore: true, signal };
    const head = await previewPipelineRows(loaded, "items", "source", showing);
    assert.deepEqual(head.rows, [[1n, 5n]]);
    await assert.rejects(
      previewPipeline(loaded, { signal, select: "ordrs" }),
      /no stream has this id, did you mean "orders"/,
    );
  }));

Deno.test("a load takes the tables of a wildcard from their stages, without the source", () =>
  withTables(async (folder) => {
    const streams = [
      { source: "?????*", exclude: ["odd*"], target: "raw_{table}" },
      {
        id: "up_{table}",
        source: "it*",
        fields: [{ id: "number", source: "id" }],
        load: { mode: "upsert" },
      },
      { id: "more_{schema}_{table}", source: "main.n*", tags: ["more"] },
    ];
    // The value of a variable is part of a table's name, and hidden in the manifest's source.
    const pipeline = pipelineOf(streams, { source: { provider: "sqlite", path: "${DB}.db" } });
    const env = { DB: "orders" };
    await Deno.rename(join(folder, "source.db"), join(folder, "orders.db"));
    await runWell(folder, pipeline, { phase: "extract", env, exclude: "tag:more" });
    await Deno.remove(join(folder, "orders.db"));
    const targets = async (options: PipelineRun) => {
      const { streams } = await run(folder, pipeline, { phase: "load", env, ...options });
      return streams.map(({ stream, target, rows_loaded, error }) =>
        error?.message ?? `${stream} → ${target}: ${rows_loaded}`
      );
    };
    assert.deepEqual(await targets({ select: "orders" }), ["orders → raw_orders: 2"]);
    const nothing =
      /^Cannot load stream "more_\{schema\}_\{table\}" .* from ".*\/\.dxt\/stage\/wild": nothing is staged there, dxt/;
    const [first, second, third, up, none, ...rest] = await targets({});
    assert.deepEqual([first, second, third, up, rest], [
      'a.b/c → "raw_a.b/c": 0',
      "items → raw_items: 1",
      "notes → raw_notes: 0",
      "up_items → up_items: 1",
      [],
    ]);
    assert.match(none!, nothing);
  }));

Deno.test("the permissions of a wildcard cover all tables that it may find", () =>
  withTables(async (folder) => {
    const target = { provider: "local", path: "." };
    await Deno.mkdir(join(folder, "out"));
    const loaded = await load(folder, [{ source: "*", target: "out/{table}.csv" }], { target });
    for (const purpose of ["run", "extract", "load", "look"] as const) {
      const known = await permissionsOfPipeline(loaded, { purpose, select: "orders" });
      const expanded = await expandWildcards(loaded, { signal });
      const needed = await permissionsOfPipeline(expanded, { purpose });
      assert.deepEqual(exceedingGrants(known, needed), [], purpose);
      assert.ok(!known.write.includes(folder), "more than the folder of the targets");
    }
  }));

Deno.test("a one-off run takes a wildcard of tables, too", () =>
  withTables(async (folder) => {
    const argument = (option: string, text: string) => ({ option, text });
    const tables = {
      from: argument("--from", "sqlite:source.db"),
      source: argument("--source", "*s"),
    };
    for (
      const [to, targets] of [
        ["sqlite:copy.db", ["items", "notes", "orders"]],
        ["out/", ["items.parquet", "notes.parquet", "orders.parquet"]],
      ] as const
    ) {
      const streams = { ...tables, to: argument("--to", to) };
      const loaded = await loadArguments(streams, folder, { env: {} });
      const { pipeline } = await expandWildcards(loaded, { signal });
      assert.deepEqual(pipeline.streams.map(({ target }) => textOf(target)), targets);
    }
  }));

Deno.test("what a wildcard cannot mean is refused before anything connects", () =>
  withTables(async (folder) => {
    const check = async (stream: Settings, settings?: Settings) =>
      await checkPipeline(await load(folder, [stream], settings));
    const files = { source: { provider: "local", path: "." } };
    const table: [Settings, RegExp, Settings?][] = [
      [{ id: "a", source: "main.*" }, /stream "a": it matches several tables, expected an id/],
      [{ id: "{table}", source: "orders" }, /id "{table}" stands for several tables, expected a/],
      [{ id: "{table}", source: { type: "sql", sql: "SELECT 1" } }, /expected a source with \*/],
      [
        { id: "a", source: "orders", exclude: ["x"] },
        /stream "a" has exclude but is not a wildcard/,
      ],
      [{ source: "*.csv" }, /a stream for each glob: .* expected an id without {table}/, files],
    ];
    for (const [stream, message, settings] of table) {
      await assert.rejects(check(stream, settings), message, JSON.stringify(stream));
    }
    await check({ id: "a", source: 'main."a*"' });
    await check({ source: "*", load: { mode: "upsert" } });
  }));
