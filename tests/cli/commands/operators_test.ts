import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { listOperators } from "../../../src/cli/app/operator_catalog.ts";
import { loadProvider, PROVIDER_NAMES } from "../../../src/providers/resolve.ts";
import { golden } from "../../support/golden.ts";
import { dxt } from "../fakes.ts";

Deno.test("operators list shows each provider, extractor and loader with its options", async () => {
  const { code, out, err } = await dxt("operators list");
  assert.deepEqual([code, err], [0, ""]);
  await golden("operators_table.txt", out);
  assert.equal((await dxt("operators")).out, out);
});

Deno.test("operators list of a category shows no other", async () => {
  const { out } = await dxt("operators list --category relational --output ndjson");
  const operators = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(new Set(operators.map(({ category }) => category)), new Set(["relational"]));
  assert.ok(operators.some(({ name }) => name === "postgres"));
  const { code, err } = await dxt("operators list --category graph");
  assert.deepEqual([code, err], [0, 'warning: no operators of category "graph" exist\n']);
});

Deno.test("every option of every operator that validates is reported, with type and description", async () => {
  for (const name of PROVIDER_NAMES) {
    const provider = await loadProvider(name);
    const told = listOperators([provider]);
    const classes = [...Object.keys(provider.extractors), ...Object.keys(provider.loaders)];
    assert.equal(told.length, 1 + classes.length);
    for (const { name, options } of told) {
      for (const option of options) {
        const hasDefault = option.default !== undefined;
        assert.ok(!hasDefault || option.description.includes("(default: "), option.name);
        assert.notEqual(option.type, "any", `${name} ${option.name}`);
        assert.notEqual(option.description, "", `${name} ${option.name}`);
      }
    }
    assert.ok(told[0]!.options.length > 0, name);
  }
});

Deno.test("as JSON an option has type, default and whether it is required", async () => {
  const { out } = await dxt("operators list --output json");
  const { operators } = JSON.parse(out) as {
    operators: { name: string; options: Record<string, unknown>[] }[];
  };
  const postgres = operators.find(({ name }) => name === "postgres")!;
  const port = postgres.options.find(({ name }) => name === "port")!;
  assert.deepEqual([port["type"], port["required"], port["default"]], [
    "integer | string",
    false,
    5432,
  ]);
});

Deno.test("dxt schema prints the schemas of what programs read, one at a time", async () => {
  const { $defs: result } = JSON.parse((await dxt("schema --result")).out);
  for (const name of ["RunResult", "StreamResult", "FailedResult", "CommandError", "DiffResult"]) {
    assert.ok(name in result, name);
  }
  assert.match((await dxt("schema --log")).out, /"const": "stream_finished"/);
  const { out } = await dxt("schema --log -o ndjson");
  assert.deepEqual(out.match(/\n/g)?.length, 1);
  const both = await dxt("schema --log --project");
  assert.equal(both.code, 2);
  assert.match(both.err, /--project and --log are given, expected at most one/);
});

for (
  const [args, file] of [["schema", "schema.json"], [
    "schema --project",
    "project.schema.json",
  ]] as const
) {
  Deno.test(`dxt ${args} is pipelines/${file}`, async () => {
    const path = fileURLToPath(new URL(`../../../pipelines/${file}`, import.meta.url));
    const { code, out, err } = await dxt(args);
    assert.deepEqual([code, err], [0, ""]);
    assert.deepEqual(JSON.parse(out), JSON.parse(await Deno.readTextFile(path)));
  });
}
