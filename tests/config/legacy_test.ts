/** Older shapes mean the same as today's, and their mistakes are told where they stand. */
import assert from "node:assert/strict";
import { type LoadedPipeline, parsePipeline } from "../../src/config/mod.ts";
import type { Stream } from "../../src/models/stream.ts";

const HEAD = "version: 1\nname: p\nsource: sqlite:a.db\ntarget: sqlite:b.db\n";

const load = (text: string): LoadedPipeline => parsePipeline(text, { env: { KIND: "query" } });

const streamOf = (text: string): Stream =>
  load(`${HEAD}streams:\n  - { id: a, ${text} }\n`).pipeline.streams[0]!;

Deno.test("a kind says what a string source is", () => {
  const table: [string, unknown][] = [
    ["kind: table, source: s.t", { type: "relation", name: "s.t" }],
    ["kind: view, source: v", { type: "relation", name: "v" }],
    ["kind: query, source: select 1", { type: "sql", sql: "select 1" }],
    ['kind: "${KIND}", source: select 1', { type: "sql", sql: "select 1" }],
    ["kind: file, source: a.csv", { type: "file", path: "a.csv" }],
    ['kind: file, source: "in/*.csv"', { type: "glob", pattern: "in/*.csv" }],
    ["kind: file, source: in/", { type: "directory", path: "in/" }],
    ["kind: api, source: /v1/users", { type: "endpoint", path: "/v1/users" }],
  ];
  for (const [text, source] of table) {
    assert.deepEqual(streamOf(text), { id: "a", source }, text);
  }
});

Deno.test("criteria.where narrows a table or view", () => {
  const source = { type: "relation", name: "t", where: "x > 1" };
  for (
    const text of [
      "source: t, criteria: { where: x > 1 }",
      "kind: table, source: t, criteria: { where: x > 1 }",
      "source: { type: relation, name: t }, criteria: { where: x > 1 }",
    ]
  ) {
    assert.deepEqual(streamOf(text), { id: "a", source }, text);
  }
  assert.deepEqual(streamOf("source: t, criteria: {}"), { id: "a", source: "t" });
});

Deno.test("connections are named by key, by name or by URL", () => {
  const { source, target } = load(`version: 1
name: p
source_connection: postgresql+psycopg://u@h/d
target_connection: { provider: sqlite, path: b.db }
streams: [{ id: a, source: t }]
`);
  assert.equal(source.url, "postgresql://u@h/d");
  assert.deepEqual(target.config, { path: "b.db" });
  const inner = load(`version: 1
name: p
source: { connection: "postgresql+psycopg://u@h/d" }
target: { connection: "sqlite:b.db" }
streams: [{ id: a, source: t }]
`);
  assert.equal(inner.source.url, "postgresql://u@h/d");
  assert.equal(inner.target.url, "sqlite:b.db");
});

Deno.test("extractor and loader are classes with their configuration", () => {
  const stream = streamOf(
    "source: t, extractor: { class: dxt.providers.postgres.PostgresCopyExtractor, " +
      "config: { binary: true } }, loader: dxt.providers.sqlite.SqliteLoader",
  );
  assert.deepEqual(stream.extractor, {
    class: "dxt.providers.postgres.PostgresCopyExtractor",
    config: { binary: true },
  });
  assert.equal(stream.loader, "dxt.providers.sqlite.SqliteLoader");
});

Deno.test("a buffer's class says its format", () => {
  const buffer = (text: string) =>
    load(`${HEAD}buffer: ${text}\nstreams: [{ id: a, source: t }]\n`).pipeline.buffer;
  assert.deepEqual(
    buffer("{ class: dxt.buffers.ParquetBuffer, config: { compression: zstd }, location: s }"),
    { compression: "zstd", location: "s", format: "parquet" },
  );
  assert.deepEqual(buffer("{ class: CsvBuffer }"), { format: "csv" });
  assert.deepEqual(buffer("{ class: memory }"), { format: "memory" });
});

const STEPS = `pipeline:
  name: daily_orders
  description: yesterday's orders
  source:
    type: postgres
    config: { host: db, port: 5432, schema: shop, table: orders }
  transforms:
    - { type: rename, config: { columns: { o_id: id, o_total: total } } }
    - { type: select, columns: [total, id, day] }
    - cast: { total: "decimal(12, 2)", day: date }
    - rename: { day: order_day }
  destination:
    type: sqlite
    config: { path: out.db, table: orders, mode: upsert, upsert_keys: [id] }
  error_handling: { on_error: stop }
`;

Deno.test("the pipeline of steps is a pipeline of one stream", () => {
  const { pipeline, source, target } = load(STEPS);
  assert.deepEqual(pipeline, {
    version: 1,
    name: "daily_orders",
    description: "yesterday's orders",
    source: { provider: "postgres", host: "db", port: 5432 },
    target: { provider: "sqlite", path: "out.db" },
    on_error: "fail_fast",
    streams: [{
      id: "daily_orders",
      source: { type: "relation", name: "orders", schema: "shop" },
      target: { type: "relation", name: "orders" },
      load: { mode: "upsert", upsert_keys: ["id"] },
      only_declared_fields: true,
      fields: [
        { id: "total", source: "o_total", dtype: "decimal", precision: 12, scale: 2 },
        { id: "id", source: "o_id" },
        { id: "order_day", source: "day", dtype: "date" },
      ],
    }],
  });
  assert.equal(source.provider, "postgres");
  assert.deepEqual(target.config, { path: "out.db" });
});

function steps(source: string, destination: string, rest = ""): LoadedPipeline {
  return load(
    `pipeline:\n  name: p\n  source: ${source}\n  destination: ${destination}\n${rest}`,
  );
}

Deno.test("steps know queries, collections, endpoints, URLs and files", () => {
  const sqlite = "{ type: sqlite, config: { path: b.db, table: t } }";
  const table: [string, unknown, unknown][] = [
    [
      '{ type: postgres, config: { connection_string: "postgres://h/d", query: select 1 } }',
      { type: "sql", sql: "select 1" },
      { provider: "postgres", url: "postgres://h/d" },
    ],
    [
      "{ type: mongodb, config: { host: h, collection: c } }",
      { type: "collection", name: "c" },
      { provider: "mongodb", host: "h" },
    ],
    [
      '{ type: http, config: { base_url: "https://h", endpoint: /v1 } }',
      { type: "endpoint", path: "/v1" },
      { provider: "http", base_url: "https://h" },
    ],
    [
      '{ type: csv, config: { path: in/a.txt, options: { delimiter: ";" } } }',
      { type: "file", path: "in/a.txt", format: "csv", options: { delimiter: ";" } },
      { provider: "local" },
    ],
    [
      "{ type: file, config: { path: a.parquet } }",
      { type: "file", path: "a.parquet" },
      { provider: "local" },
    ],
  ];
  for (const [text, source, end] of table) {
    const { pipeline } = steps(text, sqlite);
    assert.deepEqual([pipeline.streams[0]!.source, pipeline.source], [source, end], text);
  }
  const written = steps(sqlite, "{ type: json, config: { path: out.json, mode: replace } }");
  const [stream] = written.pipeline.streams;
  assert.deepEqual(stream!.target, { type: "file", path: "out.json", format: "json" });
  assert.deepEqual(stream!.load, { mode: "replace" });
});

Deno.test("renames of one step happen at once", () => {
  const { pipeline } = load(
    STEPS.replace(
      / {2}transforms:[^]*? {2}destination/,
      `  transforms:
    - rename: { a: b, b: a }
    - cast: { a: int64 }
    - rename: { b: c }
  destination`,
    ),
  );
  const [stream] = pipeline.streams;
  assert.deepEqual(stream!.fields, [
    { id: "c", source: "a" },
    { id: "a", source: "b", dtype: "int64" },
  ]);
  assert.equal(stream!.only_declared_fields, undefined);
});

for (
  const [word, rule] of [["continue", "continue"], ["skip", "continue"], ["fail", "fail_fast"]]
) {
  Deno.test(`error_handling ${word} is on_error ${rule}`, () => {
    const end = "{ type: sqlite, config: { path: b.db, table: t } }";
    const { pipeline } = steps(end, end, `  error_handling: ${word}\n`);
    assert.equal(pipeline.on_error, rule);
  });
}

Deno.test("mistakes in older shapes are reported where they stand", () => {
  const stream = (text: string) => `${HEAD}streams:\n  - { id: a, ${text} }\n`;
  const swap = (from: string, to: string) => STEPS.replace(from, to);
  const table: [string, RegExp][] = [
    [
      stream("kind: tabel, source: t"),
      /^<text>:6:20: "kind" is "tabel", expected .*, did you mean "table"$/m,
    ],
    [
      stream("kind: table, source: { name: t }"),
      /^<text>:6:20: "kind" needs a source that is text/m,
    ],
    [
      stream("source: t, criteria: { were: x }"),
      /^<text>:6:37: unknown key "were", did you mean "where"$/m,
    ],
    [
      stream("kind: query, source: x, criteria: { where: y }"),
      /^<text>:6:50: "criteria.where" needs a table or a view, but the source is sql$/m,
    ],
    [
      stream("source: { type: relation, name: t, where: a }, criteria: { where: b }"),
      /^<text>:6:73: "where" is set twice/m,
    ],
    [stream("source: t, criteria: x > 1"), /^<text>:6:35: "criteria" is not a mapping/m],
    [
      stream("kind: table, source: t, criteria: { where: 5 }"),
      /^<text>:6:57: "where" is the number/m,
    ],
    [
      `${HEAD}source_connection: x\nstreams: [{ id: a, source: t }]\n`,
      /^<text>:5:1: "source_connection" and "source" are both set/m,
    ],
    [
      `${HEAD}buffer: { class: dxt.buffers.ParqetBuffer }\nstreams: [{ id: a, source: t }]\n`,
      /^<text>:5:18: unknown buffer class "dxt\.buffers\.ParqetBuffer", .*did you mean "parquet"$/m,
    ],
    [
      swap("type: rename", "type: renam"),
      /^<text>:8:15: cannot convert transform "renam": known are rename, select, cast, did you mean "rename"$/m,
    ],
    [swap("type: rename", "type: filter"), /^<text>:8:15: cannot convert transform "filter"/m],
    [
      swap("[total, id, day]", "[totl, id, day]"),
      /^<text>:10:15: no column "total" is left by the previous steps, did you mean "totl"$/m,
    ],
    [
      swap("day: date", "o_id: date"),
      /^<text>:10:40: no column "o_id" is left by the previous steps/m,
    ],
    [
      swap("day: date", "day: dat"),
      /^<text>:10:45: "dtype" is "dat", expected .*, did you mean "date"$/m,
    ],
    [swap("columns: {", "colums: {"), /^<text>:8:31: rename has no columns, expected columns$/m],
    [
      swap("table: orders }\n  transforms", "tabel: orders }\n  transforms"),
      /^<text>:6:13: no dataset is given, expected one of table, view/m,
    ],
    [swap("schema: shop", "query: x"), /^<text>:6:37: two datasets are given/m],
    [
      swap("on_error: stop", "on_error: explode"),
      /^<text>:15:31: "error_handling" is "explode", expected/m,
    ],
    [
      swap("on_error: stop", "retries: 3"),
      /^<text>:15:21: .*"retries"/m,
    ],
    [
      swap("destination:", "destinaton:"),
      /^<text>:12:3: unknown key "destinaton", did you mean "destination"$/m,
    ],
    [
      `version: 1\nname: x\n${STEPS}`,
      /^<text>:2:1: "name" is next to "pipeline", expected inside it$/m,
    ],
    ["pipeline: x\n", /^<text>:1:11: "pipeline" is not a mapping/m],
  ];
  for (const [text, message] of table) {
    assert.throws(() => load(text), { name: "LocatedError", message }, text);
  }
});
