/** Matches staged fields with the columns of an existing file. */
import { typeText } from "../../../core/values/conversion.ts";
import { SchemaError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { FileType } from "../source/file.ts";
import { type FileFields, isTyped } from "../source/fields.ts";

/**
 * Fields for existing and staged records together: columns in the order of the file, types of the
 * stage. Types stored in the file must be equal; a file without types is read with the staged ones.
 * Without a header only the number of columns must match.
 *
 * @throws {SchemaError} that names the column that does not match
 */
export function matchColumns(
  existing: FileFields,
  staged: readonly Field[],
  type: FileType,
): Field[] {
  const { file } = existing;
  // An append may add the same records again, so no field is a key.
  const fresh = staged.map(({ key: _key, ...field }) => field);
  if (existing.fields.length === 0) return fresh;
  const refuse = (detail: string) => new SchemaError(`Cannot add to "${file}": ${detail}`);
  if (type.options.header === false) {
    if (existing.fields.length === fresh.length) return fresh;
    throw refuse(`it has ${existing.fields.length} columns, staged are ${fresh.length}`);
  }
  const wanted = new Map(fresh.map((field) => [field.name, field]));
  const fields = existing.fields.map((old) => {
    const field = wanted.get(old.name);
    if (field === undefined) {
      throw refuse(`its column "${old.name}" is not staged, staged are ${names(staged)}`);
    }
    wanted.delete(old.name);
    if (isTyped(existing) && typeText(old) !== typeText(field)) {
      throw refuse(`column "${old.name}" is ${typeText(old)}, staged is ${typeText(field)}`);
    }
    return { ...field, nullable: field.nullable || old.nullable };
  });
  const [extra] = wanted.keys();
  if (extra === undefined) return fields;
  throw refuse(`staged column "${extra}" is not in it, it has ${names(existing.fields)}`);
}

function names(fields: readonly Field[]): string {
  return fields.map(({ name }) => `"${name}"`).join(", ");
}
