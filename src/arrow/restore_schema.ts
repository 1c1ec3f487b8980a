/** Schemas with names and fields that a file's own schema does not have. */
import { Schema } from "apache-arrow";
import type { Field } from "../models/field.ts";
import { arrowSchema, arrowType, sameLayout } from "./schema.ts";

/** The schema with fields in the place of the columns that still have their name and type. */
export function restoreFields(schema: Schema, fields: readonly Field[]): Schema {
  const byName = new Map(fields.map((field) => [field.name, field]));
  return new Schema(schema.fields.map((column) => {
    const field = byName.get(column.name);
    return field !== undefined && sameLayout(column.type, arrowType(field))
      ? arrowSchema([{ ...field, nullable: column.nullable }]).fields[0]!
      : column;
  }));
}

/** The schema with these names of its columns. */
export function withNames(schema: Schema, names: readonly string[]): Schema {
  return new Schema(schema.fields.map((column, i) => column.clone({ name: names[i]! })));
}

/** The schema with fields in the place of some of its columns, by their number. */
export function withFields(schema: Schema, fields: ReadonlyMap<number, Field>): Schema {
  return new Schema(schema.fields.map((column, i) => {
    const field = fields.get(i);
    return field === undefined ? column : arrowSchema([field]).fields[0]!;
  }));
}
