import assert from "node:assert/strict";
import { ConfigurationError, SchemaError } from "../../src/core/errors.ts";
import type { Field } from "../../src/models/field.ts";
import { Stream } from "../../src/models/stream.ts";
import {
  describeUnseenFields,
  resolveFields,
  withTargetTypes,
} from "../../src/runner/plan/resolve_fields.ts";

const SOURCE: Field[] = [
  { name: "id", dtype: "int64", nullable: false, key: true, source_type: "postgres:bigint" },
  { name: "total", dtype: "decimal", precision: 12, scale: 2, nullable: true },
  { name: "note", dtype: "string", nullable: true, source_type: "postgres:tsvector" },
];

function stream(fields?: unknown[], more: Record<string, unknown> = {}): Stream {
  return Stream.parse({
    id: "s",
    source: "t",
    ...(fields === undefined ? {} : { fields }),
    ...more,
  });
}

Deno.test("without a declaration the source's fields are the stream's", () => {
  const { projections, generated } = resolveFields(stream(), SOURCE);
  assert.deepEqual(projections.map(({ field }) => field), SOURCE);
  assert.deepEqual(projections.map(({ column }) => column), ["id", "total", "note"]);
  assert.deepEqual(generated, []);
});

Deno.test("a field by id alone keeps the inferred type", () => {
  const { projections } = resolveFields(stream([{ id: "total" }]), SOURCE);
  assert.deepEqual(projections[1], { field: SOURCE[1], column: "total" });
});

Deno.test("a declared dtype wins over the inferred one and drops its origin", () => {
  const { projections } = resolveFields(stream([{ id: "note", dtype: "json" }]), SOURCE);
  assert.deepEqual(projections[2]!.field, { name: "note", dtype: "json", nullable: true });
});

Deno.test("a decimal keeps the digits that the declaration leaves open", () => {
  const { projections } = resolveFields(stream([{ id: "total", precision: 14 }]), SOURCE);
  assert.deepEqual(projections[1]!.field, {
    name: "total",
    dtype: "decimal",
    precision: 14,
    scale: 2,
    nullable: true,
  });
});

Deno.test("source and target strings rename in place", () => {
  const { projections } = resolveFields(
    stream([{ id: "amount", source: "total", target: "grand total" }]),
    SOURCE,
  );
  assert.deepEqual(projections.map(({ field, column }) => [column, field.name]), [
    ["id", "id"],
    ["total", "grand total"],
    ["note", "note"],
  ]);
});

Deno.test("the full form computes, retypes and refuses NULL", () => {
  const { projections } = resolveFields(
    stream([{
      id: "double",
      source: { expression: "total * 2", dtype: "decimal", precision: 13, scale: 2 },
      target: { name: "twice", dtype: "numeric(20,4)", nullable: false },
      metadata: { owner: "finance" },
    }]),
    SOURCE,
  );
  assert.deepEqual(projections[3], {
    expression: "total * 2",
    field: {
      name: "twice",
      dtype: "decimal",
      precision: 13,
      scale: 2,
      nullable: false,
      target_type: "numeric(20,4)",
      metadata: { owner: "finance" },
    },
  });
});

Deno.test("generated fields follow, typed timestamp_tz unless declared", () => {
  const { generated } = resolveFields(
    stream([{ id: "loaded_at", generator: "current_timestamp" }]),
    SOURCE,
  );
  assert.deepEqual(generated, [{ name: "loaded_at", dtype: "timestamp_tz", nullable: false }]);
});

Deno.test("only_declared_fields moves those, in the declared order", () => {
  const { projections } = resolveFields(
    stream([{ id: "note" }, { id: "id" }], { only_declared_fields: true }),
    SOURCE,
  );
  assert.deepEqual(projections.map(({ column }) => column), ["note", "id"]);
});

Deno.test("declared columns that the source lacks are reported one by one", () => {
  assert.throws(
    () => resolveFields(stream([{ id: "totl" }, { id: "gone" }]), SOURCE),
    (error: unknown) => {
      assert.ok(error instanceof SchemaError);
      assert.match(error.message, /column "totl" is declared.*did you mean "total"/);
      assert.match(error.message, /column "gone" is declared/);
      return true;
    },
  );
});

Deno.test("two fields of one name, an untyped expression, an odd generator are refused", () => {
  assert.throws(
    () => resolveFields(stream([{ id: "note", target: "id" }]), SOURCE),
    /two fields are named "id"/,
  );
  assert.throws(
    () => resolveFields(stream([{ id: "x", source: { expression: "1" } }]), SOURCE),
    ConfigurationError,
  );
  assert.throws(
    () =>
      resolveFields(stream([{ id: "x", generator: "current_timestamp", dtype: "bool" }]), SOURCE),
    /is no bool/,
  );
});

Deno.test("a guessed type gives way to the target's, a declared one does not", () => {
  const guessed: Field[] = ["n", "zip", "d"].map((name) => ({
    name,
    dtype: "int64",
    nullable: true,
    inferred: true,
  }));
  const resolved = resolveFields(stream([{ id: "d", dtype: "int8" }]), guessed);
  const { projections } = withTargetTypes(resolved, [
    { name: "n", dtype: "decimal", precision: 10, scale: 2, nullable: false },
    { name: "d", dtype: "string", nullable: false },
  ], "any");
  assert.deepEqual(projections.map(({ field }) => field), [
    { name: "n", dtype: "decimal", precision: 10, scale: 2, nullable: true },
    { name: "zip", dtype: "int64", nullable: true, inferred: true },
    { name: "d", dtype: "int8", nullable: true },
  ]);
});

Deno.test("a guess that the target's type cannot hold wins where the load may change the type", () => {
  type Type = Pick<Field, "dtype" | "precision" | "scale" | "only_text">;
  const decimal = (precision: number, scale: number): Type => ({
    dtype: "decimal",
    precision,
    scale,
  });
  const text: Type = { dtype: "string", only_text: true };
  const cases: [Type, Type, Type | undefined, Type | undefined][] = [
    // guess, target, the field of a load that widens, the field of one that replaces all
    [decimal(38, 4), { dtype: "int64" }, decimal(38, 4), decimal(38, 4)],
    [decimal(38, 4), decimal(38, 1), decimal(41, 4), decimal(38, 4)],
    [decimal(38, 1), decimal(38, 4), undefined, undefined],
    [{ dtype: "float64" }, { dtype: "int64" }, { dtype: "float64" }, { dtype: "float64" }],
    [{ dtype: "int64" }, { dtype: "int16" }, undefined, undefined],
    [{ dtype: "int64" }, { dtype: "string" }, undefined, undefined],
    [{ dtype: "timestamp" }, { dtype: "date" }, { dtype: "timestamp" }, { dtype: "timestamp" }],
    [{ dtype: "date" }, { dtype: "timestamp" }, undefined, undefined],
    [{ dtype: "int64" }, { dtype: "bool" }, { dtype: "int64" }, { dtype: "int64" }],
    [text, { dtype: "int64" }, text, text],
    [text, { dtype: "date" }, text, text],
    [text, { dtype: "json" }, undefined, undefined],
    [text, { dtype: "binary" }, undefined, undefined],
    [text, { dtype: "array" }, undefined, undefined],
    // A column without values, and a string of JSON that may be a date.
    [{ dtype: "string" }, { dtype: "int64" }, undefined, undefined],
    [{ dtype: "string" }, { dtype: "date" }, undefined, undefined],
  ];
  for (const [guess, target, widened, replaced] of cases) {
    const resolved = resolveFields(stream([{ id: "v" }]), [
      { name: "v", ...guess, nullable: true, inferred: true },
    ]);
    const known: Field[] = [{ name: "v", ...target, nullable: true }];
    const given: Field = { name: "v", ...target, nullable: true };
    const changed = (type: Type | undefined): Field =>
      type === undefined ? given : { name: "v", ...type, nullable: true, inferred: true };
    for (
      const [change, wanted] of [
        ["none", given],
        ["widen", changed(widened)],
        ["any", changed(replaced)],
      ] as const
    ) {
      const { projections } = withTargetTypes(resolved, known, change);
      assert.deepEqual(projections[0]!.field, wanted, `${guess.dtype} ${target.dtype} ${change}`);
    }
  }
});

Deno.test("a projection knows what was guessed for its field, unless a type is declared", () => {
  const guessed: Field[] = ["n", "m", "d"].map((name) => ({
    name,
    dtype: "int64",
    nullable: true,
    inferred: true,
    sparse: true,
  }));
  const resolved = resolveFields(stream([{ id: "m" }, { id: "d", dtype: "int64" }]), guessed);
  const target: Field[] = [{ name: "n", dtype: "string", nullable: true }];
  const { projections } = withTargetTypes(resolved, target, "any");
  assert.deepEqual(projections, [
    { field: { name: "n", dtype: "string", nullable: true }, column: "n", guess: "int64" },
    {
      field: { name: "m", dtype: "int64", nullable: true, inferred: true },
      column: "m",
      guess: "int64",
    },
    { field: { name: "d", dtype: "int64", nullable: true }, column: "d" },
  ]);
});

Deno.test("a declared field that the first records lack is one where others may have it", () => {
  const sparse: Field[] = [
    { name: "customer", dtype: "int64", nullable: true, inferred: true, sparse: true },
  ];
  const declared = stream([{ id: "custmer", dtype: "string" }, { id: "customer" }]);
  const { projections } = resolveFields(declared, sparse);
  assert.deepEqual(projections.map(({ column, field }) => [column, field.dtype]), [
    ["customer", "int64"],
    ["custmer", "string"],
  ]);
  assert.deepEqual(describeUnseenFields(declared, sparse), [
    'field "custmer" is declared, the first records do not have it, did you mean "customer"; it is NULL for every record that lacks it',
  ]);
  assert.deepEqual(describeUnseenFields(stream([{ id: "customer" }]), sparse), []);
  assert.throws(() => resolveFields(stream([{ id: "x" }]), sparse), /, or declare its dtype$/);
  // Nothing is known of a source without records; in a table all columns are.
  assert.equal(resolveFields(stream([{ id: "x", dtype: "date" }]), []).projections.length, 1);
  assert.throws(() => resolveFields(declared, SOURCE), /"custmer" is declared/);
});

Deno.test("a part of a guessed JSON column is a field, of another column it is not", () => {
  const fields: Field[] = [{ name: "address", dtype: "object", nullable: true, inferred: true }];
  const declared = stream([{ id: "city", source: "address.city", dtype: "string" }]);
  const { projections } = resolveFields(declared, fields);
  assert.deepEqual(projections.map(({ column, field }) => [column, field.name, field.dtype]), [
    ["address", "address", "object"],
    ["address.city", "city", "string"],
  ]);
  assert.throws(() => resolveFields(declared, SOURCE), /column "address.city" is declared/);
});

Deno.test("a column may be declared twice, under two names", () => {
  const { projections } = resolveFields(
    stream([{ id: "note" }, { id: "copy", source: "note" }]),
    SOURCE,
  );
  assert.deepEqual(projections.map(({ field }) => field.name).sort(), [
    "copy",
    "id",
    "note",
    "total",
  ]);
});

/** Fields that a stream leaves out, and the columns that it moves then. */
const EXCLUDED: readonly [what: string, fields: Stream["fields"], only: boolean, left: string[]][] =
  [
    [
      "a column",
      [{ id: "note", exclude: true }],
      false,
      SOURCE.map(({ name }) => name).filter((name) => name !== "note"),
    ],
    [
      "a column by its name in the source",
      [{ id: "x", source: "note", exclude: true }],
      false,
      SOURCE.map(({ name }) => name).filter((name) => name !== "note"),
    ],
    [
      "a column of those that are declared",
      [{ id: "total" }, { id: "note", exclude: true }],
      true,
      ["total"],
    ],
    [
      "a column that is moved under another name",
      [{ id: "note", exclude: true }, { id: "text", source: "note" }],
      false,
      SOURCE.map(({ name }) => name === "note" ? "text" : name),
    ],
    [
      "no column by exclude: false",
      [{ id: "note", exclude: false }],
      false,
      SOURCE.map(({ name }) => name),
    ],
  ];

Deno.test("an excluded field is left out", () => {
  for (const [what, fields, only, left] of EXCLUDED) {
    const { projections } = resolveFields(
      { ...stream(fields), only_declared_fields: only },
      SOURCE,
    );
    assert.deepEqual(projections.map(({ field }) => field.name), left, what);
  }
  assert.throws(
    () => resolveFields(stream([{ id: "nota", exclude: true }]), SOURCE),
    /column "nota" is declared, the source does not have it, did you mean "note"/,
  );
});
