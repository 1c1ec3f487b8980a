/**
 * Converts batches of any writer to the layout of `createColumn`. Files that dxt wrote carry their
 * fields in the schema's metadata, and their columns pass through without a copy.
 */
import { type Data, DataType, DateUnit, type Field as ArrowField, type Schema } from "apache-arrow";
import type { Batch } from "../core/contracts/batch.ts";
import { SchemaError, ValueError } from "../core/errors.ts";
import { suggestWord } from "../core/did_you_mean.ts";
import type { Projection } from "../core/contracts/extractor.ts";
import { formatValue, JSONText, parseText, type Value } from "../core/values/values.ts";
import { isJSONType } from "../core/values/kinds.ts";
import { MAX_DECIMAL_PRECISION } from "../models/dtype.ts";
import type { Element, Field } from "../models/field.ts";
import { createColumn, valuePusher, wrapBatch } from "./builder.ts";
import { isDense, largeUtf8ToUtf8 } from "./narrow_offsets.ts";
import { anyLayoutReader } from "./any_layout.ts";
import { holdsJSON } from "./json.ts";
import { isNull, type ReadValue, valueReader } from "./reader.ts";
import { arrowSchema, arrowType, embeddedField, hasSameLayout } from "./schema.ts";
import { checkBounds } from "./value_bounds.ts";

/**
 * Returns the fields of a schema: those that dxt embedded, else fields derived from the Arrow
 * types.
 *
 * @throws {SchemaError} for a column whose type no DXTType can hold
 */
export function canonicalFields(schema: Schema): Field[] {
  return schema.fields.map((column) => embeddedField(column) ?? deriveField(column));
}

function deriveField(column: ArrowField): Field {
  return { name: column.name, ...deriveType(column.type, column.name), nullable: column.nullable };
}

type DerivedType = Pick<Field, "dtype" | "precision" | "scale" | "element">;

function deriveType(type: DataType, name: string): DerivedType {
  if (DataType.isDictionary(type)) return deriveType(type.dictionary, name);
  if (DataType.isInt(type)) {
    return { dtype: `${type.isSigned ? "int" : "uint"}${type.bitWidth}` as Field["dtype"] };
  }
  if (DataType.isFloat(type)) return { dtype: type.precision === 2 ? "float64" : "float32" };
  if (DataType.isDecimal(type)) return deriveDecimal(type.precision, type.scale, name);
  if (DataType.isBool(type)) return { dtype: "bool" };
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) {
    return { dtype: "string" };
  }
  if (
    DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isBinaryView(type) ||
    DataType.isFixedSizeBinary(type)
  ) return { dtype: "binary" };
  if (DataType.isDate(type)) {
    return { dtype: type.unit === DateUnit.DAY ? "date" : "timestamp" };
  }
  if (DataType.isTime(type)) return { dtype: "time" };
  if (DataType.isTimestamp(type)) {
    return { dtype: (type.timezone ?? null) === null ? "timestamp" : "timestamp_tz" };
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type) || DataType.isLargeList(type)) {
    const element = deriveElement(type.children[0]!.type, name);
    return element === undefined ? { dtype: "array" } : { dtype: "array", element };
  }
  if (DataType.isStruct(type) || DataType.isMap(type)) return { dtype: "object" };
  if (DataType.isNull(type)) return { dtype: "string" };
  throw new SchemaError(`Cannot read column "${name}": no type holds ${type} without loss`);
}

/** The type of a list's elements; undefined for nested ones, and those that no type holds. */
function deriveElement(type: DataType, name: string): Element | undefined {
  try {
    const element = deriveType(type, name);
    return DataType.isNull(type) || isJSONType(element.dtype) ? undefined : element;
  } catch (error) {
    if (error instanceof SchemaError) return undefined;
    throw error;
  }
}

function deriveDecimal(precision: number, scale: number, name: string) {
  const wide = scale < 0 ? precision - scale : Math.max(precision, scale);
  if (wide > MAX_DECIMAL_PRECISION) {
    throw new SchemaError(
      `Cannot read column "${name}": decimal(${precision},${scale}) has more than ${MAX_DECIMAL_PRECISION} digits`,
    );
  }
  return { dtype: "decimal" as const, precision: wide, scale: Math.max(0, scale) };
}

/**
 * Returns a function that converts batches of the schema to batches of the projections' fields.
 *
 * @throws {SchemaError} when a column is missing; the function throws a {@linkcode ValueError} with
 * the row for a value that its field cannot hold
 */
export function createCanonicalizer(
  schema: Schema,
  projections: readonly Projection[],
): (batch: Batch) => Batch {
  const names = schema.fields.map(({ name }) => name);
  const columns = projections.map(({ field, column, expression }) => {
    if (expression !== undefined) {
      throw new SchemaError(
        `Cannot read field "${field.name}" from a file: it has expression "${expression}", expected a column`,
      );
    }
    const columnName = column ?? field.name;
    const index = names.indexOf(columnName);
    if (index >= 0) return { index, field, embedded: embeddedField(schema.fields[index]!) };
    throw new SchemaError(
      `Cannot read column "${columnName}": the file does not have it${
        suggestWord(columnName, names)
      }; it has ${names.map((name) => `"${name}"`).join(", ")}`,
    );
  });
  const canonical = arrowSchema(projections.map(({ field }) => field));
  let rows = 0;
  return (batch) => {
    const rowsBefore = rows;
    const data = columns.map(({ index, field, embedded }) => {
      try {
        const data = canonicalizeColumn(batch.data.children[index]!, field, embedded);
        if (!field.nullable) refuseNull(data, field);
        return data;
      } catch (error) {
        if (!(error instanceof ValueError) || error.row === undefined) throw error;
        throw error.atRow(rowsBefore + error.row);
      }
    });
    rows += batch.numRows;
    return wrapBatch(canonical, data, batch.numRows);
  };
}

function refuseNull(data: Data, { name }: Field): void {
  if (data.nullCount === 0) return;
  let row = 0;
  while (!isNull(data, row)) row++;
  throw new ValueError("expected a value, the field is not nullable", name, row + 1, null);
}

function canonicalizeColumn(data: Data, field: Field, embedded: Field | undefined): Data {
  const source = embedded ??
    { name: field.name, ...deriveType(data.type, field.name), nullable: true };
  checkBounds(data, field.name, embedded !== undefined);
  if (sameType(source, field)) {
    if (isDense(data) && hasSameLayout(data.type, arrowType(field))) {
      if (isJSONType(field.dtype)) checkJSON(data, field);
      return data;
    }
    if (DataType.isLargeUtf8(data.type)) {
      const narrow = largeUtf8ToUtf8(data);
      if (narrow !== undefined) return narrow;
    }
  }
  const read = embedded === undefined
    ? anyLayoutReader(data, field.name)
    : valueReader(embedded, data);
  return convertColumn(data, read, source, field);
}

/** @throws {ValueError} for text of other writers that is not JSON of the field's type */
function checkJSON(data: Data, field: Field): void {
  if (holdsJSON(data, field.dtype)) return;
  // Parsing each value finds the faulty row and yields the message.
  const read = valueReader(field, data);
  for (let row = 0; row < data.length; row++) {
    const value = read(row);
    if (value === null) continue;
    try {
      parseText(formatValue(value), field);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(row + 1) : error;
    }
  }
}

function sameType(a: Field, b: Field): boolean {
  return a.dtype === b.dtype && a.precision === b.precision && a.scale === b.scale;
}

function convertColumn(data: Data, read: ReadValue, source: Field, field: Field): Data {
  const column = createColumn(field);
  const push = valuePusher({ ...field, nullable: true }, column);
  const convert = converter(source, field);
  for (let row = 0; row < data.length; row++) {
    try {
      push(isNull(data, row) ? null : convert(read(row)));
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(row + 1) : error;
    }
  }
  return column.take();
}

/** Returns a conversion between two types. It goes through text, which is exact or is refused. */
function converter(source: Field, field: Field): (value: Value) => Value {
  if (source.dtype === field.dtype && field.dtype !== "decimal") return (value) => value;
  if (isJSONType(field.dtype) && !isJSONType(source.dtype) && source.dtype !== "string") {
    return (value) => value === null ? null : JSONText.of(value);
  }
  return (value) => value === null ? null : parseText(formatValue(value), field);
}
