/** What a pipeline's text means: streams, fields, ends, defaults, projects. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findProject, loadPipeline, parsePipeline } from "../../src/config/mod.ts";
import type { Stream } from "../../src/models/stream.ts";
import type { StreamSource } from "../../src/models/source.ts";

const HEAD = "version: 1\nname: p\nsource: sqlite:a.db\ntarget: sqlite:b.db\nstreams:\n";

function streamOf(yaml: string): Stream {
  const lines = yaml.split("\n").map((line) => `    ${line}`).join("\n");
  return parsePipeline(`${HEAD}  - id: a\n${lines}\n`, { env: {} }).pipeline.streams[0]!;
}

async function withFiles(
  files: Record<string, string>,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-config-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(join(folder, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the design's example means what it says", () => {
  const yaml = `version: 1
name: shop_to_warehouse
source: { provider: postgres, url: "\${SHOP_URL}" }     # or connection: name-or-URL
target: { provider: sqlite, path: warehouse.db }
buffer: { format: parquet, compression: zstd }          # optional
streams:
  - id: orders
    source: public.orders             # string = the category's default source type
    target: orders
    tags: [critical, daily]
    extract: { mode: incremental, watermark_field: updated_at }
    load: { mode: upsert, upsert_keys: [order_id] }
  - id: totals
    source: { type: sql, sql: "select …" }
    target: order_totals
    load: { mode: replace }
`;
  const url = "postgres://me:pw@host/shop";
  const loaded = parsePipeline(yaml, {
    env: { SHOP_URL: url },
    path: "shop/shop.yaml",
    directory: "/data/shop",
  });
  assert.deepEqual(loaded.pipeline, {
    version: 1,
    name: "shop_to_warehouse",
    source: { provider: "postgres", url },
    target: { provider: "sqlite", path: "warehouse.db" },
    buffer: { format: "parquet", compression: "zstd" },
    streams: [
      {
        id: "orders",
        source: "public.orders",
        target: "orders",
        tags: ["critical", "daily"],
        extract: { mode: "incremental", watermark_field: "updated_at" },
        load: { mode: "upsert", upsert_keys: ["order_id"] },
      },
      {
        id: "totals",
        source: { type: "sql", sql: "select …" },
        target: "order_totals",
        load: { mode: "replace" },
      },
    ],
  });
  assert.deepEqual(loaded.source, {
    provider: "postgres",
    url,
    config: {},
    origin: { path: ["source"] },
    baseDirectory: "/data/shop",
  });
  assert.deepEqual(loaded.target, {
    provider: "sqlite",
    config: { path: "warehouse.db" },
    origin: { path: ["target"] },
    baseDirectory: "/data/shop",
  });
  assert.equal(loaded.path, "shop/shop.yaml");
  assert.equal(loaded.directory, "/data/shop");
  assert.equal(loaded.logging, undefined);
});

const SOURCES: StreamSource[] = [
  { type: "relation", name: "a.b", schema: "s", where: "x > 1" },
  { type: "sql", sql: "select 1" },
  { type: "function", name: "f", args: ["a", 1, true, null] },
  { type: "collection", name: "c" },
  { type: "query", collection: "c", filter: { a: { $gt: 1 } }, projection: { a: 1 }, sort: {} },
  { type: "aggregate", collection: "c", pipeline: [{ $match: { a: 1 } }] },
  {
    type: "file",
    path: "a.csv",
    format: "csv",
    compression: "gzip",
    options: { delimiter: ";", header: false, encoding: "latin-1", line_end: "\r\n" },
  },
  { type: "glob", pattern: "*.parquet", format: "parquet" },
  { type: "directory", path: "in/", recursive: true },
  { type: "endpoint", path: "/v1", method: "POST", body: { a: [1] }, records: "data.items" },
  {
    type: "paginated",
    path: "/v1",
    params: { a: 1 },
    headers: { "x-a": "b" },
    pagination: { style: "cursor", param: "after", size_param: "limit", size: 10, cursor: "next" },
  },
  { type: "keys", pattern: "user:*" },
  { type: "hash", pattern: "user:*" },
  { type: "list", key: "k" },
  { type: "set", key: "k" },
  { type: "cypher", query: "MATCH (n) RETURN n", params: { a: 1 } },
  { type: "nodes", label: "Person" },
  { type: "edges", relationship: "KNOWS" },
];

for (const source of SOURCES) {
  Deno.test(`a source of type ${source.type} is read as written`, () => {
    assert.deepEqual(streamOf(`source: ${JSON.stringify(source)}`).source, source);
  });
}

Deno.test("fields are declared at four levels: id, type, source and target, metadata", () => {
  const { fields } = streamOf(`source: t
fields:
  - id: a
  - { id: b, dtype: decimal, precision: 12, scale: 2, nullable: false }
  - { id: c, source: C, target: c2 }
  - id: d
    source: { name: D, dtype: int64, nullable: true }
    target: { name: d2, dtype: "numeric(20,0)", nullable: false }
    metadata: { owner: finance, tags: [pii] }
  - { id: e, source: { expression: "x + 1", dtype: int32 } }
  - { id: f, generator: current_timestamp }`);
  assert.deepEqual(fields, [
    { id: "a" },
    { id: "b", dtype: "decimal", precision: 12, scale: 2, nullable: false },
    { id: "c", source: "C", target: "c2" },
    {
      id: "d",
      source: { name: "D", dtype: "int64", nullable: true },
      target: { name: "d2", dtype: "numeric(20,0)", nullable: false },
      metadata: { owner: "finance", tags: ["pii"] },
    },
    { id: "e", source: { expression: "x + 1", dtype: "int32" } },
    { id: "f", generator: "current_timestamp" },
  ]);
});

Deno.test("an overlap may be written as a number", () => {
  const extract = (overlap: string) =>
    streamOf(`source: t
extract: { mode: incremental, watermark_field: u, overlap: ${overlap} }`).extract!.overlap;
  assert.equal(extract("100"), "100");
  assert.equal(extract("0.5"), "0.5");
  assert.equal(extract("PT1H"), "PT1H");
  assert.equal(extract("PT0.000001S"), "PT0.000001S");
  assert.equal(extract('"100"'), "100");
});

Deno.test("a number that a double would change stays the text that is written", () => {
  const initial = (value: string) =>
    streamOf(`source: t
extract: { mode: incremental, watermark_field: u, initial_value: ${value} }`).extract!
      .initial_value;
  assert.equal(initial("9007199254740991"), 9007199254740991);
  assert.equal(initial("9007199254740993"), "9007199254740993");
  assert.equal(initial("-12345678901234567890"), "-12345678901234567890");
  assert.equal(initial("0.12345678901234567"), "0.12345678901234567");
  assert.equal(initial("1.5"), 1.5);
  assert.equal(initial("2024-01-01"), "2024-01-01");
  assert.equal(initial("true"), true);
});

Deno.test("anchors, merge keys and block text mean what YAML says", () => {
  const { streams } = parsePipeline(
    `${HEAD}  - &first
    id: a
    source: { type: sql, sql: "select 1" }
    load: &load { mode: upsert, upsert_keys: [id] }
    tags: [x]
  - <<: *first
    id: b
    tags: [y]
    source:
      type: sql
      sql: |
        select '#', ":"
          from t
  - <<: [{ id: c, tags: [z] }, *first]
    load: { <<: *load, upsert_keys: [k] }
`,
    { env: {} },
  ).pipeline;
  assert.deepEqual(streams.slice(1), [
    {
      id: "b",
      source: { type: "sql", sql: "select '#', \":\"\n  from t\n" },
      load: { mode: "upsert", upsert_keys: ["id"] },
      tags: ["y"],
    },
    {
      id: "c",
      source: { type: "sql", sql: "select 1" },
      load: { mode: "upsert", upsert_keys: ["k"] },
      tags: ["z"],
    },
  ]);
});

Deno.test("a file may be JSON, start with a byte order mark and end its lines with CR LF", () => {
  const value = {
    version: 1,
    name: "p",
    source: "sqlite:a.db",
    target: "sqlite:b.db",
    streams: [{ id: "a", source: 't\t"x"\u2028' }],
  };
  const text = `\ufeff${JSON.stringify(value, null, "\t").replaceAll("\n", "\r\n")}`;
  assert.deepEqual(parsePipeline(text, { env: {} }).pipeline, value);
});

Deno.test("files that grow without bounds are refused at once", () => {
  const laughs = ["a: &x0 [l, l, l, l, l, l, l, l, l, l]"];
  for (let i = 1; i < 12; i++) {
    laughs.push(`a${i}: &x${i} [${Array(10).fill(`*x${i - 1}`).join(", ")}]`);
  }
  const chain = ["a: &x0 [l]"];
  for (let i = 1; i < 5000; i++) chain.push(`a${i}: &x${i} [*x${i - 1}]`);
  const cases: [string, RegExp][] = [
    [laughs.join("\n"), /aliases make more than 500000 values/],
    [chain.join("\n"), /nested deeper than 64 levels/],
    [`a: ${"[".repeat(100)}${"]".repeat(100)}`, /nested deeper than 64 levels/],
    [`a: ${"[".repeat(50_000)}`, /1:\d+: |nested deeper/],
    [`a: ${"{a: ".repeat(20_000)}${"}".repeat(20_000)}`, /nested deeper than 64 levels/],
    [`a: ${"x".repeat(9_000_000)}`, /larger than 8388608 bytes/],
  ];
  for (const [text, message] of cases) {
    const start = performance.now();
    assert.throws(() => parsePipeline(text, { env: {} }), message);
    assert.ok(performance.now() - start < 5_000);
  }
});

Deno.test("a key named like a property of every object is a key like any other", () => {
  const { fields } = streamOf(`source: t
fields: [{ id: f, metadata: { constructor: 2, toString: 3 } }]`);
  assert.deepEqual(Object.entries(fields![0]!.metadata!), [["constructor", 2], ["toString", 3]]);
  assert.throws(() => streamOf("source: t\nconstructor: 1"), /8:5: unknown key "constructor"/);
  assert.throws(
    () => streamOf("source: t\nfields: [{ id: f, metadata: { __proto__: 1 } }]"),
    /8:35: a key must not be "__proto__"/,
  );
});

const PROJECT = `
connections:
  shop: { provider: postgres, host: db, port: "\${PORT}", user: me }
  lake: sqlite:lake.db
  alias: { connection: shop, user: other }
  unused: { provider: postgres, password: "\${NOT_SET}" }
  round: { connection: trip }
  trip: round
  no_provider: { url: "postgresql+psycopg://me@h/db", schema: s }
`;

function ends(source: string, target = '"sqlite:b.db"') {
  const yaml = `version: 1\nname: p\nsource: ${source}\ntarget: ${target}\n` +
    "streams: [{ id: a, source: t }]\n";
  return parsePipeline(yaml, {
    env: { PORT: "5432" },
    path: "/home/x/sub/p.yaml",
    project: { path: "/home/x/dxt_project.yaml", text: PROJECT },
  });
}

Deno.test("an end is a connection's name, a URL, or a provider with its keys", () => {
  const origin = { path: ["source"] };
  const [here, there] = ["/home/x/sub", "/home/x"];
  const table: [string, unknown][] = [
    ["shop", {
      provider: "postgres",
      config: { host: "db", port: "5432", user: "me" },
      origin,
      baseDirectory: there,
    }],
    ["lake", { provider: "", url: "sqlite:lake.db", config: {}, origin, baseDirectory: there }],
    ["{ connection: shop, user: you, password: x }", {
      provider: "postgres",
      config: { host: "db", port: "5432", user: "you", password: "x" },
      origin,
      baseDirectory: there,
    }],
    ["alias", {
      provider: "postgres",
      config: { host: "db", port: "5432", user: "other" },
      origin,
      baseDirectory: there,
    }],
    ['"sqlite:x.db"', {
      provider: "",
      url: "sqlite:x.db",
      config: {},
      origin,
      baseDirectory: here,
    }],
    ['"PostgreSQL+psycopg2://u:a+b:c@h/d?x=a+b:"', {
      provider: "",
      url: "PostgreSQL://u:a+b:c@h/d?x=a+b:",
      config: {},
      origin,
      baseDirectory: here,
    }],
    ['{ connection: "sqlite:x.db", timeout: 1 }', {
      provider: "",
      url: "sqlite:x.db",
      config: { timeout: 1 },
      origin,
      baseDirectory: here,
    }],
    ['{ provider: dxt.providers.postgres, url: "postgres://h/d", schema: s }', {
      provider: "dxt.providers.postgres",
      url: "postgres://h/d",
      config: { schema: s() },
      origin,
      baseDirectory: here,
    }],
    ['{ url: "postgres://h/d" }', {
      provider: "",
      url: "postgres://h/d",
      config: {},
      origin,
      baseDirectory: here,
    }],
    ["{ connection: no_provider, provider: postgres }", {
      provider: "postgres",
      url: "postgresql://me@h/db",
      config: { schema: s() },
      origin,
      baseDirectory: there,
    }],
    ['{ provider: "./acme.ts", path: data }', {
      provider: "./acme.ts",
      config: { path: "data" },
      origin,
      baseDirectory: here,
    }],
  ];
  for (const [source, spec] of table) assert.deepEqual(ends(source).source, spec, source);
});

const s = () => "s";

Deno.test("a connection that cannot be found is reported with what is near", () => {
  const file = "/home/x/dxt_project.yaml";
  assert.throws(
    () => ends("shpo", "laek"),
    new RegExp(
      `p.yaml:3:9: unknown connection "shpo" in ${file}, did you mean "shop"\\n[^]*` +
        `p.yaml:4:9: unknown connection "laek" in ${file}, did you mean "lake"`,
    ),
  );
  assert.throws(() => ends("warehouse"), /known are shop, lake, alias, unused, round, trip, no_pr/);
  assert.throws(
    () => ends("round"),
    /dxt_project.yaml:8:9: connections refer to each other: round → trip → round/,
  );
  assert.throws(() => ends("unused"), /dxt_project.yaml:6:44: variable "NOT_SET" is not set/);
  assert.throws(
    () => ends("{ connection: shop, provider: sqlite }"),
    /p.yaml:3:39: connection "shop" has provider "postgres", not "sqlite"/,
  );
});

Deno.test("an error about a project's connection points into the project's file", () => {
  const loaded = ends("{ connection: shop, user: you }");
  const first = (key: string) => loaded.errorAt(["source", key], "x").message.split("\n")[0];
  assert.equal(first("host"), "/home/x/dxt_project.yaml:3:37: x");
  assert.equal(first("user"), "/home/x/sub/p.yaml:3:35: x");
  assert.equal(first("nowhere"), "/home/x/sub/p.yaml:3:9: x");
});

Deno.test("a project's defaults give way to the pipeline's, these to the stream's", () => {
  const project = `
buffer: { format: csv, compression: gzip, options: { delimiter: ";" }, location: stage }
logging: { level: debug, file: logs/dxt.jsonl }
defaults:
  extract: { mode: incremental, watermark_field: updated, batch_rows: 10 }
  load: { mode: upsert, upsert_keys: [id] }
  tags: [project]
  loader: { class: "./acme.ts#Loader", config: { a: 1 } }
`;
  const yaml = `version: 1
name: p
source: sqlite:a.db
target: sqlite:b.db
buffer: { cleanup_on_success: false }
defaults:
  extract: { batch_rows: 20, batch_bytes: 4096 }
  tags: [pipeline]
streams:
  - { id: inherits, source: t }
  - { id: overrides, source: t, extract: { batch_rows: 30 }, load: { upsert_keys: [k] }, tags: [] }
  - { id: replaces, source: t, extract: { mode: full }, load: { mode: replace }, loader: L }
`;
  const options = { env: {}, path: "/x/sub/p.yaml" };
  const file = { path: "/x/dxt_project.yaml", text: project };
  const { pipeline, logging } = parsePipeline(yaml, { ...options, project: file });
  const loader = { class: "/x/acme.ts#Loader", config: { a: 1 } };
  assert.deepEqual(pipeline.streams, [
    {
      id: "inherits",
      source: "t",
      tags: ["pipeline"],
      extract: {
        mode: "incremental",
        watermark_field: "updated",
        batch_rows: 20,
        batch_bytes: 4096,
      },
      load: { mode: "upsert", upsert_keys: ["id"] },
      loader,
    },
    {
      id: "overrides",
      source: "t",
      tags: [],
      extract: {
        mode: "incremental",
        watermark_field: "updated",
        batch_rows: 30,
        batch_bytes: 4096,
      },
      load: { mode: "upsert", upsert_keys: ["k"] },
      loader,
    },
    {
      id: "replaces",
      source: "t",
      tags: ["pipeline"],
      extract: { mode: "full", batch_rows: 20, batch_bytes: 4096 },
      load: { mode: "replace" },
      loader: "L",
    },
  ]);
  assert.equal(pipeline.defaults, undefined);
  assert.deepEqual(pipeline.buffer, {
    format: "csv",
    compression: "gzip",
    options: { delimiter: ";" },
    location: "/x/stage",
    cleanup_on_success: false,
  });
  assert.deepEqual(logging, { level: "debug", file: "/x/logs/dxt.jsonl" });
  const other = parsePipeline(yaml.replace("cleanup_on_success: false", "format: parquet"), {
    ...options,
    project: file,
  });
  assert.deepEqual(other.pipeline.buffer, { format: "parquet", location: "/x/stage" });
});

Deno.test("an inherited contradiction points at the file that it stands in", () => {
  const yaml = `${HEAD}  - { id: a, source: t, load: { mode: replace } }\n`;
  const text = "defaults: { extract: { mode: incremental } }\n";
  assert.throws(
    () => parsePipeline(yaml, { env: {}, path: "p.yaml", project: { path: "q.yaml", text } }),
    /p.yaml:6:39: stream "a" extracts only new records but replaces[^]*q.yaml:1:30: stream "a" has mode/,
  );
});

Deno.test("a project's mistakes are reported with the pipeline's", () => {
  const yaml = `${HEAD}  - { id: a, source: t, x: 1 }\n`;
  const text = 'conections: {}\nlogging: { level: loud, file: "${NO}" }\n';
  assert.throws(
    () => parsePipeline(yaml, { env: {}, path: "p.yaml", project: { path: "q.yaml", text } }),
    new RegExp(
      'p.yaml:6:25: unknown key "x"[^]*q.yaml:1:1: unknown key "conections", did you mean ' +
        '"connections"[^]*q.yaml:2:19: "level" is "loud", expected[^]*variable "NO" is not set',
    ),
  );
});

Deno.test("a file is loaded with the project above it and the .env files beside both", () =>
  withFiles({
    "dxt_project.yaml": 'connections: { shop: { provider: sqlite, path: "${A}-${B}-${C}.db" } }',
    ".env": "A=project\nB=project\nC=project\n",
    "sub/deep/.env": "A=pipeline\nB=pipeline\n",
    "sub/deep/p.yaml": `${HEAD.replace("sqlite:a.db", "shop")}  - { id: a, source: t }\n`,
  }, async (folder) => {
    const path = join(folder, "sub/deep/p.yaml");
    assert.equal(await findProject(join(folder, "sub/deep")), join(folder, "dxt_project.yaml"));
    const loaded = await loadPipeline(path, { env: { A: "env" } });
    assert.deepEqual(loaded.source.config, { path: "env-pipeline-project.db" });
    assert.equal(loaded.source.baseDirectory, folder);
    assert.equal(loaded.target.baseDirectory, join(folder, "sub/deep"));
    assert.equal(loaded.directory, join(folder, "sub/deep"));
    const other = await loadPipeline(path, {
      env: {},
      envFile: join(folder, ".env"),
      vars: { C: "option" },
    });
    assert.deepEqual(other.source.config, { path: "project-project-option.db" });
  }));

Deno.test("a file that cannot be read is named", () =>
  withFiles({ "folder/x": "", "latin.yaml": "" }, async (folder) => {
    await Deno.writeFile(join(folder, "latin.yaml"), new Uint8Array([0x61, 0x3a, 0x20, 0xe9]));
    const fails = (name: string, message: RegExp, envFile?: string) =>
      assert.rejects(
        loadPipeline(join(folder, name), {
          env: {},
          ...(envFile === undefined ? {} : { envFile: join(folder, envFile) }),
        }),
        { name: "ConfigurationError", message },
      );
    await fails("no.yaml", /^Cannot read pipeline ".*no\.yaml": no such file$/);
    await fails("folder", /^Cannot read pipeline ".*folder": it is a folder$/);
    await fails("latin.yaml", /^Cannot read pipeline ".*latin\.yaml": it is not UTF-8$/);
    await Deno.writeTextFile(join(folder, "p.yaml"), `${HEAD}  - { id: a, source: t }\n`);
    await fails("p.yaml", /^Cannot read variables file ".*no\.env": no such file/, "no.env");
  }));
