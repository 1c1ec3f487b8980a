/** Resolves the fields that a stream moves: those of the source, declared ones, generated ones. */
import { ConfigurationError, SchemaError, ValueError } from "../../core/errors.ts";
import type { Projection } from "../../core/contracts/extractor.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { orderKind } from "../../core/values/value_order.ts";
import { parseText } from "../../core/values/values.ts";
import { MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";
import type { Field, FieldDeclaration } from "../../models/field.ts";
import type { Stream } from "../../models/stream.ts";

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

/** The name that a field has in stage and target, by the id that the pipeline gives it. */
export function targetName(stream: Stream, id: string): string {
  const declared = stream.fields?.find((field) => field.id === id);
  return declared === undefined ? id : nameInTarget(declared);
}

/** The id by which the pipeline names a column of the source. */
export function fieldId({ fields = [] }: Pick<Stream, "fields">, column: string): string {
  const declared = fields.find((field) => isTaken(field) && nameInSource(field) === column);
  return declared?.id ?? column;
}

function nameInTarget(declared: FieldDeclaration): string {
  const { target } = declared;
  return (typeof target === "string" ? target : target?.name) ?? declared.id;
}

function nameInSource(declared: FieldDeclaration): string {
  const { source } = declared;
  return (typeof source === "string" ? source : source?.name) ?? declared.id;
}

/**
 * Merges the source's fields with the declared ones.
 *
 * Excluded fields are left out. Fields keep the source's order; computed and generated fields follow in the order of the
 * declaration. With `only_declared_fields` the declaration's order is the target's.
 *
 * @throws {SchemaError} that lists, column by column, what the declaration wants and the source
 * does not have
 */
export function resolveFields(stream: Stream, sourceFields: readonly Field[]): ResolvedFields {
  const excluded = excludedFields(stream);
  const declarations = (stream.fields ?? []).filter(({ exclude }) => exclude !== true);
  const taken = declarations.filter(isTaken);
  const problems = [...excluded, ...taken].flatMap((d) => problemOf(d, sourceFields));
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
    stream.only_declared_fields !== true && expressionOf(d) === undefined &&
    columns.has(nameInSource(d)) && bySource.get(nameInSource(d)) === d;
  const added = declarations.filter((d) => !isGenerated(d) && !isInPlace(d)).map((d) =>
    expressionOf(d) === undefined ? project(d, fieldInSource(d, sourceFields)!) : compute(d)
  );
  const projections = [...fromSource, ...added];
  const generated = declarations.filter(isGenerated).map(generate);
  refuseSameNames(stream, [...projections.map(({ field }) => field), ...generated]);
  return { projections, generated, constants: constantsOf(declarations, generated) };
}

function isGenerated({ generator, constant }: FieldDeclaration): boolean {
  return generator !== undefined || constant !== undefined;
}

/** @throws {ConfigurationError} for a constant that is no value of its field */
function constantsOf(
  declarations: readonly FieldDeclaration[],
  generated: readonly Field[],
): Record<string, string> {
  const fields = new Map(generated.map((field) => [field.name, field]));
  const constant = declarations.filter((declared) => declared.constant !== undefined);
  return Object.fromEntries(constant.map((declared) => {
    const field = fields.get(nameInTarget(declared))!;
    const value = String(declared.constant);
    try {
      parseText(value, field);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new ConfigurationError(
        `Cannot use constant "${value}" for field "${declared.id}": ${error.detail}`,
        { cause: error },
      );
    }
    return [field.name, value];
  }));
}

function excludedFields({ fields = [] }: Pick<Stream, "fields">): FieldDeclaration[] {
  return fields.filter(({ exclude }) => exclude === true);
}

/** Names in the source of the fields that a stream leaves out. */
export function excludedNames(stream: Pick<Stream, "fields">): string[] {
  return excludedFields(stream).map(nameInSource);
}

function expressionOf({ source }: FieldDeclaration): string | undefined {
  return typeof source === "object" ? source.expression : undefined;
}

function problemOf(declared: FieldDeclaration, fields: readonly Field[]): string[] {
  const wanted = nameInSource(declared);
  if (fieldInSource(declared, fields) !== undefined) return [];
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
 * Warnings for declared fields that only records which were not looked at may have: a mistyped name
 * looks the same.
 */
export function describeUnseenFields(stream: Stream, found: readonly Field[]): string[] {
  const names = found.map(({ name }) => name);
  return (stream.fields ?? []).filter(isTaken).flatMap((declared) => {
    const wanted = nameInSource(declared);
    if (names.length === 0 || foundField(declared, found) !== undefined) return [];
    return [
      `field "${wanted}" is declared, the first records do not have it${
        suggestWord(wanted, names)
      }; it is NULL for every record that lacks it`,
    ];
  });
}

/** Whether a declared field is one of the source's own. */
function isTaken(declared: FieldDeclaration): boolean {
  return !isGenerated(declared) && expressionOf(declared) === undefined;
}

/**
 * The source's field that a declaration means. Records that were not looked at may have one that no
 * other has, where the declaration tells its type.
 */
function fieldInSource(declared: FieldDeclaration, fields: readonly Field[]): Field | undefined {
  const found = foundField(declared, fields);
  const { dtype } = typed(declared);
  if (found !== undefined || dtype === undefined) return found;
  return fields.every(({ sparse }) => sparse)
    ? { name: nameInSource(declared), dtype, nullable: true }
    : undefined;
}

/**
 * A column that was found, or `a.b.c` inside a column of JSON, whose type only the declaration can
 * tell.
 */
function foundField(declared: FieldDeclaration, fields: readonly Field[]): Field | undefined {
  const wanted = nameInSource(declared);
  const found = fields.find(({ name }) => name === wanted);
  if (found !== undefined || !wanted.includes(".")) return found;
  const outer = fields.find(({ name }) => wanted.startsWith(`${name}.`));
  const holds = outer?.inferred === true && ["object", "json"].includes(outer.dtype);
  return holds ? { name: wanted, dtype: "json", nullable: true } : undefined;
}

function project(declared: FieldDeclaration, found: Field): Projection {
  const { column, guess } = projectField(found);
  const field = declaredField(declared, found);
  return typed(declared).dtype === undefined && guess !== undefined
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
  const expression = expressionOf(declared)!;
  const { dtype } = typed(declared);
  if (dtype === undefined) {
    throw new ConfigurationError(
      `Cannot type field "${declared.id}": an expression needs a dtype`,
    );
  }
  const field = declaredField(declared, { name: declared.id, dtype, nullable: true });
  return { field, expression };
}

function generate(declared: FieldDeclaration): Field {
  if (declared.constant !== undefined) {
    const dtype = declared.dtype ?? typeOfConstant(declared.constant);
    return declaredField(declared, { name: declared.id, dtype, nullable: false });
  }
  const dtype = declared.dtype ?? "timestamp_tz";
  if (!["timestamp_tz", "timestamp", "date", "time", "string"].includes(dtype)) {
    throw new ConfigurationError(
      `Cannot generate field "${declared.id}": current_timestamp is no ${dtype}`,
    );
  }
  return declaredField(declared, { name: declared.id, dtype, nullable: false });
}

function typeOfConstant(constant: string | number | boolean): Field["dtype"] {
  if (typeof constant === "boolean") return "bool";
  if (typeof constant === "string") return "string";
  return Number.isSafeInteger(constant) ? "int64" : "float64";
}

/** The type part of a declaration: `source: {dtype}` wins over the short form. */
function typed(declared: FieldDeclaration) {
  const source = typeof declared.source === "object" ? declared.source : {};
  return {
    dtype: source.dtype ?? declared.dtype,
    precision: source.precision ?? declared.precision,
    scale: source.scale ?? declared.scale,
  };
}

function declaredField(declared: FieldDeclaration, inferred: Field): Field {
  const { source_type, inferred: guessed, sparse: _sparse, number, order, ...field } = inferred;
  const type = typed(declared);
  const target = typeof declared.target === "object" ? declared.target : {};
  const source = typeof declared.source === "object" ? declared.source : {};
  const nullable = [inferred.nullable, declared.nullable, source.nullable, target.nullable]
    .every((allowed) => allowed ?? true);
  const dtype = type.dtype ?? inferred.dtype;
  const sameType = dtype === inferred.dtype && type.precision === undefined &&
    type.scale === undefined;
  return {
    ...withoutType(field),
    name: nameInTarget(declared),
    dtype,
    ...(dtype === "decimal" ? digits(declared, type, inferred) : {}),
    nullable,
    ...orderOf(dtype, inferred, sameType ? order : undefined),
    ...(sameType && source_type !== undefined ? { source_type } : {}),
    ...(sameType && type.dtype === undefined && guessed === true ? { inferred: true } : {}),
    // Who declares a string wants text, whatever it spells.
    ...(sameType && type.dtype === undefined && number === true ? { number } : {}),
    ...(target.dtype === undefined ? {} : { target_type: target.dtype }),
    ...(declared.metadata === undefined ? {} : { metadata: declared.metadata }),
  };
}

/** Text of a column of numbers compares as these. */
function orderOf(dtype: Field["dtype"], { dtype: from, inferred }: Field, own: Field["order"]) {
  const isNumber = dtype === "string" && inferred !== true &&
    orderKind({ dtype: from }) === "number";
  const order = isNumber ? "number" : own;
  return order === undefined ? {} : { order };
}

function withoutType({ precision: _precision, scale: _scale, ...field }: Field): Field {
  return field;
}

function digits(
  declared: FieldDeclaration,
  type: { precision: number | undefined; scale: number | undefined },
  inferred: Field,
) {
  const known = inferred.dtype === "decimal" ? inferred : undefined;
  const precision = type.precision ?? known?.precision ?? 38;
  const scale = type.scale ?? known?.scale ?? 0;
  if (scale > precision || precision > MAX_DECIMAL_PRECISION) {
    throw new ConfigurationError(
      `Cannot type field "${declared.id}": decimal(${precision},${scale}) has a scale above its precision`,
    );
  }
  return { precision, scale };
}

/**
 * Fields whose types were guessed from values take the types that the target has for them, so
 * that a file fits the table that an earlier file made.
 */
export function withTargetTypes(
  resolved: ResolvedFields,
  targetFields: readonly Field[],
): ResolvedFields {
  const known = new Map(targetFields.map((field) => [field.name, field]));
  const projections = resolved.projections.map((projection) => {
    const { inferred, ...field } = projection.field;
    const target = known.get(field.name);
    if (inferred !== true) return projection;
    return {
      ...projection,
      // A column of numbers without bounds takes any type of numbers.
      field: target === undefined || target.inferred === true || target.number === true
        ? field
        : { ...withoutType(field), ...typeOf(target) },
    };
  });
  return { ...resolved, projections };
}

function typeOf({ dtype, precision, scale }: Field) {
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
