/** Reads the declarations of a stream's fields: their names in source and target, and their kind. */
import type { FieldDeclaration } from "../../models/field.ts";
import type { Stream } from "../../models/stream.ts";

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

export function nameInTarget(declared: FieldDeclaration): string {
  const { target } = declared;
  return (typeof target === "string" ? target : target?.name) ?? declared.id;
}

export function nameInSource(declared: FieldDeclaration): string {
  const { source } = declared;
  return (typeof source === "string" ? source : source?.name) ?? declared.id;
}

export function isGenerated({ generator, constant }: FieldDeclaration): boolean {
  return generator !== undefined || constant !== undefined;
}

/** Whether a declared field is a field of the source. */
export function isTaken(declared: FieldDeclaration): boolean {
  return !isGenerated(declared) && getExpression(declared) === undefined;
}

export function excludedFields({ fields = [] }: Pick<Stream, "fields">): FieldDeclaration[] {
  return fields.filter(({ exclude }) => exclude === true);
}

/** Names in the source of the fields that a stream leaves out. */
export function excludedNames(stream: Pick<Stream, "fields">): string[] {
  return excludedFields(stream).map(nameInSource);
}

export function getExpression({ source }: FieldDeclaration): string | undefined {
  return typeof source === "object" ? source.expression : undefined;
}

/** The type part of a declaration: `source: {dtype}` wins over the short form. */
export function declaredType(declared: FieldDeclaration) {
  const source = typeof declared.source === "object" ? declared.source : {};
  return {
    dtype: source.dtype ?? declared.dtype,
    precision: source.precision ?? declared.precision,
    scale: source.scale ?? declared.scale,
  };
}
