import assert from "node:assert/strict";
import fc from "fast-check";
import { SelectorError } from "../../src/core/errors.ts";
import type { Stream } from "../../src/models/stream.ts";
import { matches, type Selection, selectStreams } from "../../src/selector/mod.ts";
import { selectorsOf, streams } from "./arbitraries.ts";

const SHOP: readonly Stream[] = [
  { id: "orders", source: "orders", tags: ["daily", "critical"] },
  { id: "sales_eu", source: "sales_eu", tags: ["daily"] },
  { id: "sales_us", source: "sales_us", tags: ["weekly"] },
  { id: "customers", source: "customers" },
];

const idsOf = (selection: Selection, of: readonly Stream[] = SHOP) =>
  selectStreams(of, selection).map(({ id }) => id);

function refused(selection: Selection, message: string, of: readonly Stream[] = SHOP): void {
  assert.throws(() => selectStreams(of, selection), (error) => {
    assert.ok(error instanceof SelectorError);
    assert.equal(error.message, message);
    return true;
  });
}

Deno.test("streams are selected by id, pattern, tag, tags together, and all of them", () => {
  assert.deepEqual(idsOf({}), ["orders", "sales_eu", "sales_us", "customers"]);
  assert.deepEqual(idsOf({ select: "all" }), ["orders", "sales_eu", "sales_us", "customers"]);
  assert.deepEqual(idsOf({ select: "customers" }), ["customers"]);
  assert.deepEqual(idsOf({ select: "sales_*" }), ["sales_eu", "sales_us"]);
  assert.deepEqual(idsOf({ select: "sales_u?" }), ["sales_us"]);
  assert.deepEqual(idsOf({ select: "tag:daily" }), ["orders", "sales_eu"]);
  assert.deepEqual(idsOf({ select: "tag:daily+critical" }), ["orders"]);
});

Deno.test("the order is the pipeline's, and a stream that is meant twice comes once", () => {
  assert.deepEqual(idsOf({ select: "customers, sales_*, tag:daily, orders" }), [
    "orders",
    "sales_eu",
    "sales_us",
    "customers",
  ]);
});

Deno.test("excluded streams are left out, in the same language", () => {
  assert.deepEqual(idsOf({ exclude: "sales_*" }), ["orders", "customers"]);
  assert.deepEqual(idsOf({ select: "tag:daily", exclude: "tag:critical" }), ["sales_eu"]);
  assert.deepEqual(idsOf({ select: "orders", exclude: "customers" }), ["orders"]);
});

Deno.test("a token that means no stream is refused with the nearest one", () => {
  refused(
    { select: "orders,costumers" },
    'Cannot select "costumers": no stream has this id, did you mean "customers"',
  );
  refused(
    { select: "tag:dialy" },
    'Cannot select "tag:dialy": no stream has the tag "dialy", did you mean "daily"',
  );
  refused(
    { exclude: "oders" },
    'Cannot select "oders": no stream has this id, did you mean "orders"',
  );
});

Deno.test("an id for a tag and a tag for an id are told apart", () => {
  refused(
    { select: "daily" },
    'Cannot select "daily": no stream has this id, did you mean "tag:daily"',
  );
  refused(
    { select: "tag:orders" },
    'Cannot select "tag:orders": no stream has the tag "orders", did you mean "orders"',
  );
});

Deno.test("where nothing is near, the known names are listed", () => {
  refused(
    { select: "xxxxxxxxxxxx" },
    'Cannot select "xxxxxxxxxxxx": no stream has this id, ids are "orders", "sales_eu", "sales_us", "customers"',
  );
  refused(
    { select: "z*" },
    'Cannot select "z*": no stream\'s id matches, ids are "orders", "sales_eu", "sales_us", "customers"',
  );
  refused(
    { select: "tag:x" },
    'Cannot select "tag:x": no stream has the tag "x", there are no tags',
    [{ id: "a", source: "a" }],
  );
  const many = Array.from({ length: 11 }, (_, i) => ({ id: `s${i}`, source: "t" }));
  assert.throws(() => selectStreams(many, { select: "q*" }), /"s7" and 3 more$/);
});

Deno.test("tags that no stream has together are refused", () => {
  refused(
    { select: "tag:weekly+critical" },
    'Cannot select "tag:weekly+critical": no stream has all of these tags',
  );
});

Deno.test("excluding everything is refused", () => {
  refused({ exclude: "all" }, 'Cannot exclude "all" from "all": no stream is left');
  refused(
    { select: "orders", exclude: "o*" },
    'Cannot exclude "o*" from "orders": no stream is left',
  );
});

Deno.test("all means every stream where one has the id all, a pattern means that one", () => {
  const of = [{ id: "all", source: "a", tags: ["x"] }, { id: "b", source: "b" }];
  assert.deepEqual(idsOf({ select: "all" }, of), ["all", "b"]);
  assert.deepEqual(idsOf({ select: "al?" }, of), ["all"]);
  assert.deepEqual(idsOf({ select: "tag:x" }, of), ["all"]);
});

Deno.test("a pattern matches what the same regular expression matches", () => {
  const unit = (units: string) => ({ unit: fc.constantFrom(...units.split("")), maxLength: 8 });
  fc.assert(
    fc.property(fc.string(unit("ab*?.")), fc.string(unit("ab.")), (pattern, id) => {
      const source = pattern.replaceAll(".", "\\.").replaceAll("?", ".").replaceAll("*", ".*");
      assert.equal(
        matches({ kind: "pattern", pattern }, { id }),
        new RegExp(`^${source}$`, "su").test(id),
      );
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a hostile pattern does not take long", () => {
  const start = performance.now();
  assert.equal(
    matches({ kind: "pattern", pattern: `${"a*".repeat(500)}b` }, { id: "a".repeat(5000) }),
    false,
  );
  assert.ok(performance.now() - start < 2000);
});

const selections = streams().chain((of) =>
  fc.tuple(fc.constant(of), selectorsOf(of), selectorsOf(of))
);

Deno.test("a selector means the union of its tokens", () => {
  fc.assert(fc.property(selections, ([of, a, b]) => {
    const each = new Set([...idsOf({ select: a }, of), ...idsOf({ select: b }, of)]);
    const expected = of.map(({ id }) => id).filter((id) => each.has(id));
    assert.deepEqual(idsOf({ select: `${a},${b}` }, of), expected);
    assert.deepEqual(idsOf({ select: `${b} , ${a}` }, of), expected);
    assert.deepEqual(idsOf({ select: `${a},${a}` }, of), idsOf({ select: a }, of));
    assert.deepEqual(idsOf({ select: `${a},all` }, of), of.map(({ id }) => id));
  }));
});

Deno.test("select without exclude and exclude split the pipeline in two", () => {
  fc.assert(fc.property(selections, ([of, select, exclude]) => {
    const left = (selection: Selection) => {
      try {
        return idsOf(selection, of);
      } catch (error) {
        assert.match(String(error), /no stream is left/);
        return [];
      }
    };
    const selected = idsOf({ select }, of);
    const excluded = new Set(idsOf({ select: exclude }, of));
    assert.deepEqual(left({ select, exclude }), selected.filter((id) => !excluded.has(id)));
    assert.deepEqual(
      [...left({ exclude }), ...excluded].sort(),
      of.map(({ id }) => id).sort(),
    );
    assert.deepEqual(left({ select, exclude: select }), []);
  }));
});

Deno.test("a wildcard is selected where one of its streams may be, until they are known", () => {
  const of = [
    { id: "orders", source: "orders", tags: ["a"] },
    { id: "raw_{table}", source: "sales.*", tags: ["b"] },
  ];
  const table: [Selection, string[]][] = [
    [{ select: "raw_items" }, ["raw_{table}"]],
    [{ select: "raw_*" }, ["raw_{table}"]],
    [{ select: "orders" }, ["orders"]],
    [{ select: "o*" }, ["orders", "raw_{table}"]],
    [{ select: "tag:b" }, ["raw_{table}"]],
    [{ select: "all", exclude: "raw_items" }, ["orders", "raw_{table}"]],
    [{ select: "all", exclude: "tag:b" }, ["orders"]],
  ];
  for (const [selection, ids] of table) assert.deepEqual(idsOf(selection, of), ids);
  assert.throws(() => idsOf({ select: "tag:c" }, of), /no stream has the tag "c"/);
});
