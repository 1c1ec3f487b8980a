import assert from "node:assert/strict";
import { golden } from "../../support/golden.ts";
import { dxt, fakeEngine } from "../fakes.ts";

Deno.test("a list shows each stream's source, target, modes and tags", async () => {
  const { code, out, err } = await dxt("list shop.yaml");
  assert.equal(code, 0);
  assert.equal(err, "");
  await golden("list_table.txt", out);
});

Deno.test("with --quiet a list is one JSON document", async () => {
  const { out } = await dxt("list shop.yaml --quiet");
  assert.equal(JSON.parse(out).streams[1].target.schema, "marts");
  await golden("list_quiet.json", out);
});

Deno.test("a list shows what a selector means", async () => {
  const ids = async (options: string) =>
    JSON.parse((await dxt(`list shop.yaml -q ${options}`)).out).streams
      .map(({ id }: { id: string }) => id);
  assert.deepEqual(await ids("--select tag:daily"), ["orders", "商品"]);
  assert.deepEqual(await ids("--exclude tag:daily"), ["totals"]);
  assert.deepEqual(await ids("-s t*,orders -x orders"), ["totals"]);
});

Deno.test("a wrong selector ends a list with 2 and a caret", async () => {
  assert.deepEqual(await dxt("list shop.yaml --select tag:a+,b"), {
    code: 2,
    out: "",
    err: [
      'error: Cannot parse selector "tag:a+,b": expected a tag after "+"',
      "  tag:a+,b",
      "        ^",
      "",
    ].join("\n"),
  });
  const { code, err } = await dxt("list shop.yaml --select ordres");
  assert.equal(code, 2);
  assert.match(err, /did you mean "orders"\n$/);
});

Deno.test("a list does not ask for the runner", async () => {
  const engine = {
    ...fakeEngine(),
    runner: () => Promise.reject(new Error("the runner was imported")),
  };
  assert.equal((await dxt("list shop.yaml", { engine })).code, 0);
});

Deno.test("every kind of source and target has a name in a list", async () => {
  const sources = [
    [{ type: "relation", name: "a.b", schema: "s" }, "relation s.a.b"],
    [{ type: "relation", name: "t" }, "relation t"],
    [{ type: "function", name: "f" }, "function f"],
    [{ type: "collection", name: "c" }, "collection c"],
    [{ type: "query", collection: "c", filter: {} }, "query c"],
    [{ type: "aggregate", collection: "c", pipeline: [] }, "aggregate c"],
    [{ type: "file", path: "a.csv" }, "file a.csv"],
    [{ type: "directory", path: "d/" }, "directory d/"],
    [{ type: "endpoint", path: "/v1" }, "endpoint /v1"],
    [{ type: "keys", pattern: "k:*" }, "keys k:*"],
    [{ type: "list", key: "k" }, "list k"],
    [{ type: "cypher", query: "MATCH (n) RETURN n" }, "cypher MATCH (n) RETURN n"],
    [{ type: "nodes", label: "L" }, "nodes L"],
    [{ type: "edges", relationship: "R" }, "edges R"],
  ] as const;
  const streams = sources.map(([source], i) => ({ id: `s${i}`, source: structuredClone(source) }));
  const { out } = await dxt("list a.yaml", { engine: fakeEngine({ streams: streams as never }) });
  const lines = out.split("\n").slice(1);
  sources.forEach(([, name], i) => assert.ok(lines[i]!.includes(`  ${name}  `), lines[i]));
});
