import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePipeline } from "../../../src/config/mod.ts";
import { yamlName } from "../../../src/cli/scaffold/yaml_literals.ts";
import { pipelineText } from "../../../src/cli/scaffold/pipeline_yaml.ts";
import { keyCandidates, watermarkCandidates } from "../../../src/runner/inspect/key_candidates.ts";
import type { DiscoveredStream } from "../../../src/core/contracts/connector.ts";
import type { Field } from "../../../src/models/field.ts";

const HOSTILE = [
  "orders",
  "two words",
  "null",
  "No",
  "1e5",
  "0x1F",
  "-",
  "- a",
  "#x",
  "a: b",
  "a #b",
  "{x}",
  "[x]",
  "*a",
  "&a",
  "!x",
  "%x",
  "@x",
  "`x",
  '"x"',
  "it's",
  "a\nb",
  "a\tb",
  "a\\b",
  "${HOME}",
  "$$",
  "$",
  "a.b",
  'a"b',
  "\u202eabc",
  "\u0085",
  "\u2028",
  "é",
  "商品",
  "😀",
  "; DROP TABLE x; --",
  "constructor",
  "__proto__",
  "~",
  "=",
  "<<",
  "2024-01-01",
];

function readBack(text: string): string {
  const { pipeline } = parsePipeline(
    `version: 1\nname: x\ndescription: ${text}\nsource: sqlite:a.db\ntarget: sqlite:b.db\n` +
      "streams:\n  - { id: a, source: a }\n",
    { env: { HOME: "wrong" } },
  );
  return pipeline.description!;
}

Deno.test("names read back from YAML as they are, on one line", () => {
  for (const name of HOSTILE) {
    assert.equal(readBack(yamlName(name)), name);
    assert.doesNotMatch(yamlName(name), /\p{Cc}/u);
  }
  fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
    assert.equal(readBack(yamlName(name)), name);
  }));
});

const field = (name: string, more: Partial<Field> = {}): Field => ({
  name,
  dtype: "int64",
  nullable: true,
  ...more,
});

const relation = (name: string, fields: readonly Field[]): DiscoveredStream => ({
  name,
  source: { type: "relation", name },
  fields,
});

function textOf(streams: readonly DiscoveredStream[], toFiles = false): string {
  return pipelineText({
    name: "shop",
    about: [],
    source: "postgres://h/shop",
    target: toFiles ? { provider: "local", path: "out" } : { provider: "sqlite", path: "shop.db" },
    toFiles,
    streams,
    keys: keyCandidates,
    watermarks: watermarkCandidates,
  });
}

const ORDERS = relation("public.orders", [
  field("id", { key: true, nullable: false }),
  field("created_at", { dtype: "timestamp_tz" }),
  field("updated_at", { dtype: "timestamp_tz" }),
]);

Deno.test("a discovered pipeline is valid, and with its comments made lines too", () => {
  for (const toFiles of [false, true]) {
    const text = textOf([ORDERS, relation("public.log", [field("n")])], toFiles);
    const { pipeline } = parsePipeline(text, { env: {} });
    assert.deepEqual(pipeline.streams.map(({ load }) => load?.mode), ["replace", "replace"]);
    const made = text.replace(/^(\s*)# (?=extract:|load:)/gm, "$1");
    assert.notEqual(made, text);
    const [orders, log] = parsePipeline(made, { env: {} }).pipeline.streams;
    assert.deepEqual(orders!.extract, { mode: "incremental", watermark_field: "updated_at" });
    assert.deepEqual(
      orders!.load,
      toFiles ? { mode: "append" } : { mode: "upsert", upsert_keys: ["id"] },
    );
    assert.deepEqual(log!.load, { mode: "replace" });
  }
});

Deno.test("hostile names of tables and fields make a valid pipeline, each stream once", () => {
  const streams = HOSTILE.map((name) =>
    relation(`public.${/[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name}`, [
      field(name, { key: true, nullable: false }),
      field(`${name} updated_at`, { dtype: "timestamp" }),
      field("Updated_At", { dtype: "timestamp" }),
    ])
  );
  const text = textOf(streams);
  const made = text.replace(/^(\s*)# (?=extract:|load:)/gm, "$1");
  const { pipeline } = parsePipeline(made, { env: { HOME: "wrong" } });
  assert.equal(pipeline.streams.length, HOSTILE.length);
  pipeline.streams.forEach(({ source, load }, i) => {
    assert.equal(source, streams[i]!.name);
    assert.deepEqual(load?.upsert_keys, [HOSTILE[i]]);
  });
});

Deno.test("tables and fields that differ in case or schema alone get names of their own", () => {
  const text = textOf([
    relation("a.orders", [field("id"), field("ID"), field("Id_2")]),
    relation("b.orders", [field("id")]),
    relation("b.Orders", [field("id")]),
    relation("b.sqlite_master", [field("id")]),
  ]);
  const { streams } = parsePipeline(text, { env: {} }).pipeline;
  const targets = streams.map(({ id, target }) => target ?? id);
  assert.deepEqual(targets, ["orders", "b_orders", "b_Orders_2", "_sqlite_master"]);
  assert.deepEqual(streams[0]!.fields, [{ id: "ID", target: "ID_2" }, {
    id: "Id_2",
    target: "Id_2_2",
  }]);
  assert.equal(new Set(streams.map(({ id }) => id)).size, 4);
});

Deno.test("a stream without fields is left out and told", () => {
  const text = textOf([ORDERS, relation("public.empty", [])]);
  assert.match(text, /# skipped, it has no readable field: public\.empty/);
  assert.equal(parsePipeline(text, { env: {} }).pipeline.streams.length, 1);
});

Deno.test("watermarks are fields with an order named as changing, those never NULL first", () => {
  const named = (...names: [string, Partial<Field>][]) =>
    watermarkCandidates(names.map(([name, more]) => field(name, more)));
  assert.deepEqual(
    named(
      ["created_at", { dtype: "timestamp", nullable: false }],
      ["modified", { dtype: "date", nullable: false }],
      ["UpdatedAt", { dtype: "timestamp" }],
      ["last_update", { dtype: "timestamp_tz", nullable: false }],
      ["updated_by", { dtype: "string" }],
      ["updated_at", { dtype: "json" }],
      ["row_version", {}],
      ["birthday", { dtype: "date" }],
    ),
    ["last_update", "UpdatedAt", "modified", "created_at", "row_version"],
  );
});
