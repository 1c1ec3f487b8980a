import assert from "node:assert/strict";
import fc from "fast-check";
import type { z } from "zod";
import { fitted, Unfit } from "../../src/config/fit.ts";
import { SHAPES } from "../../src/config/known_shapes.ts";
import { Pipeline, Project } from "../../src/models/pipeline.ts";
import * as rules from "../../src/models/rules.ts";

/** What a shape says of a value; undefined when it leaves it to the schema. */
function byShape(name: string, value: unknown): { made: unknown } | undefined {
  try {
    return { made: fitted(name, value) };
  } catch (error) {
    if (error instanceof Unfit) return undefined;
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
  const arbitrary = (shape: (typeof SHAPES)[string], depth: number): fc.Arbitrary<unknown> => {
    const { $ref, type, rules: asked = [] } = shape;
    const holds = (value: unknown) =>
      asked.every((rule) =>
        (rules as Record<string, (value: never) => boolean>)[rule]!(value as never)
      );
    if ($ref !== undefined) return arbitrary(SHAPES[$ref.replace("#/$defs/", "")]!, depth);
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
    if (type === "integer") return rarely(fc.integer({ min: shape.minimum ?? 0, max: 100_000 }));
    if (type !== "string") return rarely(leaf.filter((value) => typeof value === "string"));
    const pattern = new RegExp(shape.pattern ?? "");
    const texts = ["a", "b_1", "text[]", "PT1H", ",", "\t", "1.5"]
      .filter((text) => pattern.test(text) && holds(text));
    return rarely(fc.constantFrom(...texts));
  };
  return arbitrary(SHAPES[name]!, 0);
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
      { numRuns: 1500 },
    );
    assert.ok(fitting > 50, `only ${fitting} of 1500 fitted`);
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
