/** Resolves the fields that a stream moves: those of the source, declared ones, generated ones. */
import { ConfigurationError, SchemaError } from "../../core/errors.ts";
import type { Projection } from "../../core/contracts/extractor.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { holdsAll } from "../../core/values/conversion.ts";
import { findWiderType, mayHoldGuess } from "../../core/values/guessed_types.ts";
import type { Field, FieldDeclaration } from "../../models/field.ts";
import type { Stream } from "../../models/stream.ts";
import type { TypeChange } from "./load_settings.ts";
import { formatConstants, generateField, typeField, withoutType } from "./declared_types.ts";
import {
  declaredType,
  excludedFields,
  excludedNames,
  getExpression,
  isGenerated,
  isTaken,
  nameInSource,
} from "./field_declarations.ts";

export interface ResolvedFields {
  /** Fields that the source gives, in the order of the target. */
  readonly projections: readonly Projection[];
  /** Fields that the stream's transforms make of those; unset without any. */
  readonly transformed?: readonly Field[];
  /** Fields that dxt adds after them. */
  readonly generated: readonly Field[];
  /** Text of the values that are the same in each record, by the names of such generated fields. */
  readonly constants?: Readonly<Record<string, string>>;
}

/**
 * Merges the source's fields with the declared ones.
 *
 * Excluded fields are left out. Fields keep the source's order; computed and generated fields follow in
 * the order of the declaration. With `only_declared_fields` the declaration's order is the target's.
 *
 * @throws {SchemaError} that lists, column by column, what the declaration wants and the source
 * does not have
 */
export function resolveFields(stream: Stream, sourceFields: readonly Field[]): ResolvedFields {
  const excluded = excludedFields(stream);
  const declarations = (stream.fields ?? []).filter(({ exclude }) => exclude !== true);
  const taken = declarations.filter(isTaken);
  const problems = [...excluded, ...taken].flatMap((d) => describeMissing(d, sourceFields));
  if (problems.length > 0) {
    const list = problems.map((problem) => `\n  ${problem}`).join("");
    throw new SchemaError(`Cannot resolve the fields of stream "${stream.id}":${list}`);
  }
  const bySource = new Map(taken.map((d) => [nameInSource(d), d]));
  const left = new Set(excludedNames(stream));
  const fromSource = stream.only_declared_fields === true ? [] : sourceFields.flatMap((field) => {
    const declared = bySource.get(field.name);
    if (declared !== undefined) return [project(declared, field)];
    return left.has(field.name) ? [] : [projectField(field)];
  });
  const columns = new Set(sourceFields.map(({ name }) => name));
  // Besides what is computed: a column declared twice, under two names, and a part of a column.
  const isInPlace = (d: FieldDeclaration) =>
    stream.only_declared_fields !== true && getExpression(d) === undefined &&
    columns.has(nameInSource(d)) && bySource.get(nameInSource(d)) === d;
  const added = declarations.filter((d) => !isGenerated(d) && !isInPlace(d)).map((d) =>
    getExpression(d) === undefined ? project(d, findSourceField(d, sourceFields)!) : compute(d)
  );
  const projections = [...fromSource, ...added];
  const generated = declarations.filter(isGenerated).map(generateField);
  refuseSameNames(stream, [...projections.map(({ field }) => field), ...generated]);
  return { projections, generated, constants: formatConstants(declarations, generated) };
}

function describeMissing(declared: FieldDeclaration, fields: readonly Field[]): string[] {
  const wanted = nameInSource(declared);
  if (findSourceField(declared, fields) !== undefined) return [];
  const names = fields.map(({ name }) => name);
  const has = fields.length === 0 ? "no fields" : names.map((name) => `"${name}"`).join(", ");
  const way = fields.every(({ sparse }) => sparse) ? ", or declare its dtype" : "";
  return [
    `column "${wanted}" is declared, the source does not have it${
      suggestWord(wanted, names)
    }; it has ${has}${way}`,
  ];
}

/**
 * Returns a warning for each declared field that none of the sampled records has: later records may
 * have it, or its name is mistyped.
 */
export function describeUnseenFields(stream: Stream, found: readonly Field[]): string[] {
  const names = found.map(({ name }) => name);
  return (stream.fields ?? []).filter(isTaken).flatMap((declared) => {
    const wanted = nameInSource(declared);
    if (names.length === 0 || findField(declared, found) !== undefined) return [];
    return [
      `field "${wanted}" is declared, the first records do not have it${
        suggestWord(wanted, names)
      }; it is NULL for every record that lacks it`,
    ];
  });
}

/**
 * Returns the source's field that a declaration names. Records beyond the sample may have a field that
 * no sampled record has, if the declaration gives its type.
 */
function findSourceField(declared: FieldDeclaration, fields: readonly Field[]): Field | undefined {
  const found = findField(declared, fields);
  const { dtype } = declaredType(declared);
  if (found !== undefined || dtype === undefined) return found;
  return fields.every(({ sparse }) => sparse)
    ? { name: nameInSource(declared), dtype, nullable: true }
    : undefined;
}

/** Returns the column, or `a.b.c` inside a column of JSON, whose type only the declaration gives. */
function findField(declared: FieldDeclaration, fields: readonly Field[]): Field | undefined {
  const wanted = nameInSource(declared);
  const found = fields.find(({ name }) => name === wanted);
  if (found !== undefined || !wanted.includes(".")) return found;
  const outer = fields.find(({ name }) => wanted.startsWith(`${name}.`));
  const holds = outer?.inferred === true && ["object", "json"].includes(outer.dtype);
  return holds ? { name: wanted, dtype: "json", nullable: true } : undefined;
}

function project(declared: FieldDeclaration, found: Field): Projection {
  const { column, guess } = projectField(found);
  const field = typeField(declared, found);
  return declaredType(declared).dtype === undefined && guess !== undefined
    ? { field, column, guess }
    : { field, column };
}

/** A field of the source as it is. */
export function projectField(found: Field): Projection & { readonly column: string } {
  const { sparse: _sparse, ...field } = found;
  const { name: column, dtype, inferred } = field;
  return inferred === true ? { field, column, guess: dtype } : { field, column };
}

function compute(declared: FieldDeclaration): Projection {
  const expression = getExpression(declared)!;
  const { dtype } = declaredType(declared);
  if (dtype === undefined) {
    throw new ConfigurationError(
      `Cannot type field "${declared.id}": an expression needs a dtype`,
    );
  }
  const field = typeField(declared, { name: declared.id, dtype, nullable: true });
  return { field, expression };
}

/**
 * Fields whose types were guessed from values take the types that the target has for them, so
 * that a file fits the table that an earlier file made. Where the target's type cannot hold what was seen, and the load
 * may change it, the field keeps its guess, or takes a type that holds both.
 */
export function withTargetTypes(
  resolved: ResolvedFields,
  targetFields: readonly Field[],
  change: TypeChange,
): ResolvedFields {
  const known = new Map(targetFields.map((field) => [field.name, field]));
  const projections = resolved.projections.map((projection) => {
    const { name, inferred } = projection.field;
    const target = known.get(name);
    // A column of numbers without bounds takes any type of numbers.
    const isFree = target === undefined || target.inferred === true || target.number === true;
    return inferred !== true || isFree
      ? projection
      : { ...projection, field: adoptType(projection.field, target, change) };
  });
  return { ...resolved, projections };
}

function adoptType(guess: Field, target: Field, change: TypeChange): Field {
  const { inferred: _inferred, only_text: _onlyText, ...field } = guess;
  if (change === "none" || mayHoldGuess(guess, target)) {
    return { ...withoutType(field), ...pickType(target) };
  }
  const wider = change === "any" || holdsAll(target, guess)
    ? undefined
    : findWiderType(target, guess);
  return wider === undefined ? guess : { ...guess, ...wider };
}

function pickType({ dtype, precision, scale }: Field) {
  return {
    dtype,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
  };
}

function refuseSameNames(stream: Stream, fields: readonly Field[]): void {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (seen.has(name)) {
      throw new SchemaError(
        `Cannot resolve the fields of stream "${stream.id}": two fields are named "${name}" in the target`,
      );
    }
    seen.add(name);
  }
}
