/** The generated files: what editors complete and check pipelines with, and the registry. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv";
import { main, update } from "../../scripts/gen.ts";
import { Issues } from "../../src/config/text/issues.ts";
import { SourceText } from "../../src/config/text/source_text.ts";
import { toValue } from "../../src/config/text/tree.ts";
import { parseYAML } from "../../src/config/text/yaml.ts";
import { findProject, LocatedError, parsePipeline } from "../../src/config/mod.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

async function validator(name: string) {
  const schema = JSON.parse(await Deno.readTextFile(join(ROOT, "pipelines", name)));
  const options = { allErrors: true, strict: true, strictTypes: false, strictRequired: false };
  // A word of editors.
  return new Ajv2020(options).addKeyword("enumDescriptions").compile(schema);
}

const VALID: unknown[] = [
  {
    version: 1,
    name: "p",
    source: { provider: "postgres", host: "h", user: "u", port: "${PORT}" },
    target: { provider: "sqlite", path: "b.db" },
    buffer: { format: "${FORMAT:-parquet}", file_bytes: "${BYTES}", cleanup_on_success: false },
    on_error: "fail_fast",
    streams: [{
      id: "a",
      source: { type: "sql", sql: "select 1" },
      fields: [{ id: "f", dtype: "decimal", precision: 3 }, { id: "g", source: { dtype: "int8" } }],
      extract: { mode: "incremental", watermark_field: "f", overlap: 5, initial_value: "x" },
      load: { mode: "upsert", upsert_keys: ["f"] },
      extractor: { class: "https://host/acme.ts#A", config: { a: 1 } },
    }],
  },
  {
    version: 1,
    name: "p",
    source: { provider: "postgres", url: "postgres://h/d", schema: "s" },
    target: { connection: "warehouse", schema: "s" },
    streams: [{ id: "a", source: "t" }],
  },
  {
    version: 1,
    name: "p",
    source: { url: "postgres://h/d" },
    target: { provider: "./acme.ts", anything: 1 },
    streams: [{ id: "a", source: "t" }],
  },
];

const stream = (more: object) => ({
  version: 1,
  name: "p",
  source: "sqlite:a",
  target: "sqlite:b",
  streams: [{ id: "a", source: "t", ...more }],
});

const INVALID: Record<string, unknown> = {
  "an unknown key": { ...stream({}), schedule: "daily" },
  "a mistyped key of a stream": stream({ tag: ["x"] }),
  "a wrong source type": stream({ source: { type: "sqll", sql: "x" } }),
  "a key of another source type": stream({ source: { type: "sql", sql: "x", where: "y" } }),
  "a wrong mode": stream({ load: { mode: "upser" } }),
  "a count that is text": stream({ extract: { batch_rows: "10" } }),
  "an unknown key of a provider": {
    ...stream({}),
    source: { provider: "postgres", host: "h", user: "u", hots: "x" },
  },
  "a provider without its keys": { ...stream({}), source: { provider: "postgres" } },
  "an end without a provider": { ...stream({}), source: { host: "h" } },
  "no streams": { ...stream({}), streams: [] },
};

Deno.test("the JSON Schema takes what the program takes", async () => {
  const valid = await validator("schema.json");
  for (const pipeline of VALID) {
    assert.ok(valid(pipeline), JSON.stringify(valid.errors));
    const env = { PORT: "1", BYTES: "70000" };
    const text = "connections: { warehouse: sqlite:b.db }";
    parsePipeline(JSON.stringify(pipeline), { env, project: { path: "dxt_project.yaml", text } });
  }
});

for (const [name, pipeline] of Object.entries(INVALID)) {
  Deno.test(`the JSON Schema refuses ${name}`, async () => {
    const valid = await validator("schema.json");
    assert.equal(valid(pipeline), false);
  });
}

Deno.test("the example pipelines fit the JSON Schema, and the program reads them", async () => {
  const valid = await validator("schema.json");
  const folder = join(ROOT, "pipelines");
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
    .filter((name) => name.endsWith(".yaml") && !name.startsWith("dxt_project"));
  assert.ok(names.length > 0);
  const found = await findProject(folder);
  const project = found === undefined
    ? {}
    : { project: { path: found, text: await Deno.readTextFile(found) } };
  for (const name of names) {
    const text = await Deno.readTextFile(join(folder, name));
    // What a variable holds is of no matter here: every one that is asked for is there.
    const env = Object.fromEntries(
      [...text.matchAll(/\$\{(\w+)(?::\?|\})/g)].map(([, key]) => [key!, "sqlite:x.db"]),
    );
    parsePipeline(text, { env, path: name, ...project });
    const written = toValue(parseYAML(new SourceText(name, text), new Issues())!);
    assert.ok(valid(written), `${name}: ${JSON.stringify(valid.errors)}`);
  }
});

Deno.test("the project's JSON Schema takes a project and refuses a mistyped one", async () => {
  const valid = await validator("project.schema.json");
  assert.ok(
    valid({
      name: "shop",
      connections: { shop: { provider: "sqlite", path: "a.db" }, lake: "file:///x" },
      defaults: { load: { mode: "replace" } },
      logging: { level: "${LEVEL}", file: "x" },
    }),
    JSON.stringify(valid.errors),
  );
  assert.equal(valid({ conections: {} }), false);
  assert.equal(valid({ connections: { shop: { provider: "sqlite", pth: "a.db" } } }), false);
});

interface Node {
  readonly $ref?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly enumDescriptions?: readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly $defs?: Readonly<Record<string, Node>>;
  readonly not?: unknown;
}

/** Every property and every schema with an enum, by path. */
function* nodes(
  schema: unknown,
  path = "",
): Generator<readonly [string, Node, isProperty: boolean]> {
  if (typeof schema !== "object" || schema === null) return;
  const node = schema as Node;
  if (node.enum !== undefined) yield [path, node, false];
  for (const [key, inside] of Object.entries(schema)) {
    if (key === "not") continue;
    if (key !== "properties") {
      yield* nodes(inside, `${path}/${key}`);
      continue;
    }
    for (const [name, property] of Object.entries(inside as Record<string, Node>)) {
      yield [`${path}/${name}`, property, true];
      yield* nodes(property, `${path}/${name}`);
    }
  }
}

/** A default that a description tells word by word, not "the id", "none" or "16 MiB". */
const TOLD = /\(default: (true|false|[\d.]+|(?!none)[a-z][\w./-]*)\)$/;

for (const file of ["schema.json", "project.schema.json"]) {
  Deno.test(`every key, value and default of ${file} is described`, async () => {
    const schema = JSON.parse(await Deno.readTextFile(join(ROOT, "pipelines", file))) as Node;
    const described = ({ $ref, description }: Node) =>
      description ?? schema.$defs![$ref?.replace("#/$defs/", "") ?? ""]?.description;
    const faults: string[] = [];
    let count = 0;
    for (const [path, node, isProperty] of nodes(schema)) {
      count++;
      if (isProperty && described(node) === undefined) faults.push(`${path}: no description`);
      if (!isProperty && node.enumDescriptions?.length !== node.enum!.length) {
        faults.push(`${path}: no description of each value`);
      }
      const told = TOLD.exec(node.description ?? "")?.[1];
      if (told !== undefined && String(node.default) !== told) {
        faults.push(`${path}: the default is ${node.default}, the description says ${told}`);
      }
      if (isProperty && node.default !== undefined && !node.description!.includes("(default: ")) {
        faults.push(`${path}: the description lacks the default`);
      }
    }
    assert.deepEqual(faults, []);
    assert.ok(count > 100, String(count));
  });
}

Deno.test("the JSON Schema has the datasets of the providers that exist, and no others", async () => {
  const { $defs } = JSON.parse(await Deno.readTextFile(join(ROOT, "pipelines/schema.json")));
  const types = (name: string) =>
    ($defs[name].oneOf as Node[]).map(({ properties }) =>
      (properties!["type"] as { const?: string }).const
    );
  assert.deepEqual(
    types("StreamSource"),
    ["relation", "sql", "function", "file", "glob", "directory"],
  );
  assert.deepEqual(types("StreamTarget"), ["relation", "file", "directory"]);
});

Deno.test("the generated files are current", async () => {
  assert.deepEqual(await update(ROOT, true), []);
});

const PROVIDER = (name: string, category: string, schemes: string[]) => `
import { z } from ${JSON.stringify(import.meta.resolve("zod"))};
export default {
  name: ${JSON.stringify(name)}, category: ${JSON.stringify(category)}, description: "The ${name}",
  urls: { schemes: ${JSON.stringify(schemes)} },
  config: z.strictObject({ host: z.string().describe("Host"), port: z.int().default(1) }),
};
`;

async function withProviders(
  modules: Record<string, string>,
  work: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "dxt-gen-" });
  try {
    for (const [path, text] of Object.entries(modules)) {
      await Deno.mkdir(join(root, "src/providers", path), { recursive: true });
      await Deno.writeTextFile(join(root, "src/providers", path, "mod.ts"), text);
    }
    await work(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("the registry and the schemas are made of the providers' folders, once", () =>
  withProviders({
    "relational/zebra": PROVIDER("zebra", "relational", ["zebra", "zebras"]),
    "keyvalue/ape": PROVIDER("ape", "keyvalue", ["ape"]),
  }, async (root) => {
    const paths = [
      "src/providers/registry.ts",
      "src/config/validation/precompiled.gen.ts",
      "pipelines/schema.json",
      "pipelines/project.schema.json",
    ];
    assert.deepEqual(await update(root, true), paths);
    assert.deepEqual(await update(root, false), paths);
    assert.deepEqual(await update(root, true), []);
    assert.equal(
      await Deno.readTextFile(join(root, paths[0]!)),
      `// Generated by \`deno task gen\` from the folders of src/providers. Do not edit.
export const REGISTRY = {
  ape: {
    category: "keyvalue",
    description: "The ape",
    schemes: ["ape"],
    load: () => import("./keyvalue/ape/mod.ts"),
  },
  zebra: {
    category: "relational",
    description: "The zebra",
    schemes: ["zebra", "zebras"],
    load: () => import("./relational/zebra/mod.ts"),
  },
} as const;
`,
    );
    const schema = JSON.parse(await Deno.readTextFile(join(root, paths[2]!)));
    const ape = schema.$defs.Endpoint.anyOf.find((one: { description?: string }) =>
      one.description === "The ape"
    );
    assert.deepEqual(ape.properties.provider, { const: "ape", description: "The ape" });
    assert.equal(ape.properties.host.description, "Host");
    await Deno.writeTextFile(join(root, paths[1]!), "{}");
    assert.deepEqual(await update(root, true), [paths[1]]);
  }));

Deno.test("a provider in the wrong folder, or with another's scheme, is not registered", async () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ "graph/a": PROVIDER("a", "relational", []) }, /"graph\/a\/mod\.ts": its category is/],
    [{ "graph/a": PROVIDER("b", "graph", []) }, /its name is "b", unlike its folder/],
    [{ "graph/a": "export default 1" }, /it has no provider as its default export/],
    [
      { "graph/a": PROVIDER("a", "graph", ["x"]), "graph/b": PROVIDER("b", "graph", ["x"]) },
      /Cannot register "b": URL scheme "x" is that of "a"/,
    ],
  ];
  for (const [modules, message] of cases) {
    await withProviders(modules, async (root) => {
      await assert.rejects(update(root, true), message);
    });
  }
});

Deno.test("gen --check names the files that are not current, writes none and fails", () =>
  withProviders({ "graph/a": PROVIDER("a", "graph", []) }, async (root) => {
    const lines: string[] = [];
    const run = (...args: string[]) => main(root, args, (line) => lines.push(line));
    assert.equal(await run("--check"), 1);
    assert.equal(lines[0], "not current: src/providers/registry.ts, run deno task gen");
    await assert.rejects(Deno.stat(join(root, "pipelines")), Deno.errors.NotFound);
    assert.equal(await run(), 0);
    lines.length = 0;
    assert.equal(await run("--check"), 0);
    assert.deepEqual(lines, []);
  }));

Deno.test("what the JSON Schema refuses, the program refuses with a place", () => {
  for (const [name, pipeline] of Object.entries(INVALID)) {
    // Keys of a connection are the provider's to check.
    if (name.includes("provider")) continue;
    assert.throws(() => parsePipeline(JSON.stringify(pipeline), { env: {} }), LocatedError, name);
  }
});
