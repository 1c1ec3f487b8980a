import assert from "node:assert/strict";
import fc from "fast-check";
import { describeMadeNames, nameColumns } from "../../src/core/column_names.ts";

const CASES: readonly (readonly [found: readonly string[], names: readonly string[]])[] = [
  [[], []],
  [["a", "b"], ["a", "b"]],
  // Row names of R, the index of pandas.
  [["", "y"], ["column_1", "y"]],
  [["a", ""], ["a", "column_2"]],
  [["", ""], ["column_1", "column_2"]],
  [["a", "a", "a"], ["a", "a_2", "a_3"]],
  // A name that the source has is never given to another column, whichever comes first.
  [["", "column_1"], ["column_1_2", "column_1"]],
  [["a", "a", "a_2"], ["a", "a_3", "a_2"]],
  [["a_2", "a", "a"], ["a_2", "a", "a_3"]],
  [["a", "A"], ["a", "A"]],
  [[" ", " "], [" ", " _2"]],
  [["constructor", "constructor", "__proto__"], ["constructor", "constructor_2", "__proto__"]],
];

for (const [found, names] of CASES) {
  Deno.test(`columns ${JSON.stringify(found)} are named ${JSON.stringify(names)}`, () => {
    assert.deepEqual(nameColumns(found).names, names);
  });
}

Deno.test("names are unique, none is empty, and those that need no change have none", () => {
  const name = fc.constantFrom("", "a", "a_2", "a_2_2", "column_1", "column_2", "column_2_2", "b");
  fc.assert(fc.property(fc.array(name, { maxLength: 12 }), (found) => {
    const { names, made } = nameColumns(found);
    assert.equal(names.length, found.length);
    assert.equal(new Set(names).size, names.length);
    assert.ok(!names.includes(""));
    const changed = names.flatMap((name, i) => name === found[i] ? [] : [i + 1]);
    assert.deepEqual(made.map(({ position }) => position), changed);
    for (const [i, name] of found.entries()) {
      if (name !== "" && found.indexOf(name) === i) assert.equal(names[i], name);
    }
  }));
});

Deno.test("a warning tells of each made name, and counts those beyond five", () => {
  const { made } = nameColumns(["", "a", "a"]);
  assert.equal(
    describeMadeNames('file "x.csv"', made),
    'Made names for columns of file "x.csv": column 1 has no name, and is read as "column_1"; ' +
      'column 3 has the same name as an earlier column, "a", and is read as "a_2"',
  );
  const many = describeMadeNames("the query", nameColumns(Array(7).fill("")).made);
  assert.match(
    many,
    /column 5 has no name, and is read as "column_5"; 2 more columns were renamed$/,
  );
});
