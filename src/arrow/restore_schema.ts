/** Gives schemas names and fields that the file's own schema lacks. */
import { Schema } from "apache-arrow";
import type { Field } from "../models/field.ts";
import { arrowSchema, arrowType, hasSameLayout } from "./schema.ts";

/** Replaces the columns that still have the name and type of one of the fields. */
export function restoreFields(schema: Schema, fields: readonly Field[]): Schema {
  const byName = new Map(fields.map((field) => [field.name, field]));
  return new Schema(schema.fields.map((column) => {
    const field = byName.get(column.name);
    return field !== undefined && hasSameLayout(column.type, arrowType(field))
      ? arrowSchema([{ ...field, nullable: column.nullable }]).fields[0]!
      : column;
  }));
}

/** Renames the columns of a schema. */
export function withNames(schema: Schema, names: readonly string[]): Schema {
  return new Schema(schema.fields.map((column, i) => column.clone({ name: names[i]! })));
}

/** Replaces columns of a schema, by their index. */
export function withFields(schema: Schema, fields: ReadonlyMap<number, Field>): Schema {
  return new Schema(schema.fields.map((column, i) => {
    const field = fields.get(i);
    return field === undefined ? column : arrowSchema([field]).fields[0]!;
  }));
}
