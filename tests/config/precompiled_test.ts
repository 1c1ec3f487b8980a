import assert from "node:assert/strict";
import fc from "fast-check";
import type { z } from "zod";
import { parseFast as byShapeOfFile } from "../../src/config/pipeline/parse_fast.ts";
import {
  NeedsFullCheck,
  readShape,
  type Shape,
  validateShape,
} from "../../src/config/validation/precompiled.ts";
import { type LoadedPipeline, LocatedError, parsePipeline } from "../../src/config/mod.ts";
import { Pipeline, Project } from "../../src/models/pipeline.ts";
import * as rules from "../../src/models/rules.ts";

/** What a shape says of a value; undefined when it leaves it to the schema. */
function byShape(name: string, value: unknown): { made: unknown } | undefined {
  try {
    return { made: validateShape(name, value) };
  } catch (error) {
    if (error instanceof NeedsFullCheck) return undefined;
    throw error;
  }
}

/** What fits a shape is what its schema makes of it, to the order of the keys. */
function agree(name: string, schema: z.ZodType, value: unknown): boolean {
  const found = byShape(name, value);
  if (found === undefined) return false;
  const parsed = schema.safeParse(value);
  assert.ok(parsed.success, JSON.stringify(value));
  assert.equal(JSON.stringify(found.made), JSON.stringify(parsed.data));
  assert.deepEqual(found.made, parsed.data);
  return true;
}

const word = fc.oneof(
  fc.constantFrom("", "a", "public.orders", "full", "append", "file", "sql", "relation", "decimal"),
  fc.constantFrom("PT1H", "P", ",", ";;", "text[]", "id with space", "current_timestamp", "csv"),
  fc.string({ maxLength: 5 }),
);
const leaf = fc.oneof(
  word,
  fc.constantFrom<unknown>(0, 1, -1, 2.5, 76, 1e300, Infinity, NaN, null, true, false, [], {}),
);

/** Any value that a shape allows, and now and then one that it does not. */
function valueOf(name: string): fc.Arbitrary<unknown> {
  const arbitrary = (shape: Shape, depth: number): fc.Arbitrary<unknown> => {
    const { $ref, type, rules: asked = [] } = shape;
    const holds = (value: unknown) =>
      asked.every((rule) =>
        (rules as Record<string, (value: never) => boolean>)[rule]!(value as never)
      );
    if ($ref !== undefined) return arbitrary(readShape($ref.replace("#/$defs/", "")), depth);
    const alternatives = shape.anyOf ?? shape.oneOf;
    if (alternatives !== undefined) {
      const known = alternatives.filter((one) => one.unknown !== true);
      return fc.oneof(...known.map((one) => arbitrary(one, depth)));
    }
    if (shape.const !== undefined) return rarely(fc.constant(shape.const));
    if (shape.enum !== undefined) return rarely(fc.constantFrom(...shape.enum));
    if (type === "array") {
      const [min, max] = [shape.minItems ?? 0, 3];
      return rarely(
        fc.array(arbitrary(shape.items!, depth + 1), { minLength: min, maxLength: max }),
      );
    }
    if (type === "object") {
      const { properties = {}, required = [], additionalProperties } = shape;
      const known = fc.record(
        Object.fromEntries(
          Object.entries(properties).map(([key, one]) => [key, arbitrary(one, depth + 1)]),
        ),
        { requiredKeys: [...required] },
      );
      const more = additionalProperties === undefined || additionalProperties === false
        ? fc.constant({})
        : fc.dictionary(word.filter((key) => key !== "__proto__"), leaf, { maxKeys: 2 });
      return rarely(
        fc.tuple(more, known, fc.boolean()).map(([a, b, first]) =>
          first ? { ...a, ...b } : { ...b, ...a }
        ).filter(holds),
      );
    }
    if (type === "boolean") return rarely(fc.boolean());
    const range = { min: shape.minimum ?? 0, max: Math.min(shape.maximum ?? Infinity, 100_000) };
    if (type === "integer") return rarely(fc.integer(range));
    // YAML takes a number of more digits for text.
    if (type === "number") return rarely(fc.integer(range).map((whole) => whole / 4));
    if (type !== "string") return rarely(leaf.filter((value) => typeof value === "string"));
    const pattern = new RegExp(shape.pattern ?? "");
    const texts = ["a", "b_1", "text[]", "PT1H", ",", "\t", "1.5", "1%"]
      .filter((text) => pattern.test(text) && holds(text));
    return rarely(fc.constantFrom(...texts));
  };
  return arbitrary(readShape(name), 0);
}

function rarely(usual: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: usual, weight: 1000 }, { arbitrary: leaf, weight: 1 });
}

for (const [name, schema] of Object.entries({ Pipeline, Project })) {
  Deno.test(`what fits the shape of a ${name} is what its schema makes of it`, () => {
    let fitting = 0;
    fc.assert(
      fc.property(valueOf(name), (value) => {
        if (agree(name, schema, value)) fitting++;
      }),
      { numRuns: 4000 },
    );
    assert.ok(fitting > 100, `only ${fitting} of 4000 fitted`);
  });
}

Deno.test("what a schema refuses never fits", () => {
  fc.assert(
    fc.property(valueOf("Pipeline"), (value) => {
      if (!Pipeline.safeParse(value).success) {
        assert.equal(byShape("Pipeline", value), undefined, JSON.stringify(value));
      }
    }),
    { numRuns: 500 },
  );
});

const BASE = {
  version: 1,
  name: "p",
  source: "sqlite:a.db",
  target: { provider: "sqlite", path: "b.db" },
  streams: [{ id: "s", source: "t" }],
};

/** All that a pipeline's text means, functions aside. */
function meaning(loaded: LoadedPipeline): string {
  return JSON.stringify({ ...loaded, variables: [...loaded.variables] });
}

/** The pipeline, or what is wrong with it. */
function outcome(text: string, read: typeof parsePipeline): string {
  try {
    return meaning(read(text, OPTIONS));
  } catch (error) {
    if (error instanceof LocatedError) return error.message;
    throw error;
  }
}

const OPTIONS = { env: { A: "text", N: "5" }, vars: { UNUSED: "x" }, path: "/folder/p.yaml" };

/** Keys of a stream, whose load has only those keys that its mode takes: more files are valid then. */
function fitMode({ load, ...stream }: Record<string, unknown>): Record<string, unknown> {
  if (load === null || typeof load !== "object") return { ...stream, load };
  const { mode, where, upsert_keys: keys = ["id"], ...rest } = load as Record<string, unknown>;
  const own = mode === "upsert" ? { upsert_keys: keys } : mode === "replace" ? { where } : {};
  return { ...stream, load: { ...rest, mode, ...own } };
}

/** A few keys of a mapping: each key with a rule makes a mapping with all of them less often valid. */
function withFewKeys(mapping: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return mapping.chain((value) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      return fc.constant(value);
    }
    const entries = Object.entries(value);
    const maxLength = Math.min(4, entries.length);
    return fc.subarray(entries, { maxLength }).map((few) => Object.fromEntries(few));
  });
}

Deno.test("a file that is read by its shape means what its schema makes of it", () => {
  let read = 0;
  const streams = fc.array(withFewKeys(valueOf("Stream")), { minLength: 1, maxLength: 2 }).map((
    all,
  ) =>
    all.map((stream, i) => {
      if (stream === null || typeof stream !== "object") return stream;
      const { exclude, include_views, ...rest } = fitMode(stream as Record<string, unknown>);
      return i === 0
        ? { ...rest, id: "s" }
        : { ...rest, exclude, include_views, id: "s_{table}", source: "t_*" };
    })
  );
  const texts = fc.tuple(withFewKeys(valueOf("Defaults")), streams).map(([defaults, streams]) =>
    JSON.stringify({ ...BASE, defaults: fitMode(Object(defaults)), streams })
  );
  fc.assert(
    fc.property(texts, (text) => {
      const found = byShapeOfFile(text, OPTIONS);
      if (found === undefined) return;
      read++;
      assert.equal(meaning(found), outcome(text, parsePipeline), text);
    }),
    { numRuns: 3000 },
  );
  assert.ok(read > 10, `only ${read} files were read`);
});

Deno.test("the example pipelines are read by their shapes, wrong ones are not", async () => {
  const folder = new URL("../../pipelines/", import.meta.url);
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".yaml")) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    const options = { env: { SHOP_URL: "postgres://a:b@c/d", WAREHOUSE_URL: "postgres://h/d" } };
    const found = byShapeOfFile(text, options);
    assert.ok(found !== undefined, name);
    assert.equal(meaning(found), meaning(parsePipeline(text, options)));
  }
  const project = { path: "dxt_project.yaml", text: "defaults: { tags: [a] }" };
  const text = JSON.stringify(BASE);
  const found = byShapeOfFile(text, { env: {}, project });
  assert.deepEqual(found!.pipeline.streams[0]!.tags, ["a"]);
  assert.equal(meaning(found!), meaning(parsePipeline(text, { env: {}, project })));
  for (
    const wrong of ["", "a: [", "version: 2", text.replace("streams", "steams"), `${text}\n---\n{}`]
  ) {
    assert.equal(byShapeOfFile(wrong, { env: {} }), undefined, wrong);
  }
  assert.equal(byShapeOfFile(text + " ".repeat(65_536), { env: {} }), undefined);
  assert.equal(byShapeOfFile(text, { env: {}, project: { ...project, text: "x: 1" } }), undefined);
  assert.equal(byShapeOfFile(text.replace('"t"', '"${UNSET}"'), { env: {} }), undefined);
});

Deno.test("what a schema alone can decide is left to it", () => {
  const one = (stream: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    byShape("Pipeline", { ...BASE, ...more, streams: [{ id: "s", source: "t", ...stream }] });
  assert.ok(one({}) !== undefined);
  assert.ok(one({ extract: { overlap: "PT1H" } }) !== undefined);
  // The schema makes text of it.
  assert.equal(one({ extract: { overlap: 5 } }), undefined);
  assert.equal(one({}, { source: { path: "x" } }), undefined, "no provider, connection or url");
  assert.equal(one({}, { source: { connection: "a", url: "b:c" } }), undefined);
  assert.equal(one({ fields: [{ id: "a", precision: 1, scale: 2 }] }), undefined);
  assert.equal(one({ source: { type: "file", path: "a", options: { quote: "''" } } }), undefined);
  assert.equal(byShape("Project", { permissions: { net: ["host"] } }), undefined);
});
